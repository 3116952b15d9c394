//! `Metering`: AGR to DSO.

use jiff::civil::Date;
use rust_decimal::Decimal;
use tieline_types::{Currency, IspDuration, IspNumber};

use crate::Header;
use crate::message::{Root, SIZE_OF_ROOT, Wire};
use crate::value::{Ean, TimeZoneName};
use crate::xml::lexical::words;
use crate::xml::{Child, ParseError, Tag, XmlReader, XmlWriter};

/// What was measured at one connection on one day, before settlement.
///
/// A later message with a higher revision replaces an earlier one.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Metering {
    /// The attributes of every message.
    pub header: Header,
    /// `Revision` (`xs:long`): incremented with each new message for the same connection and day.
    pub revision: i64,
    /// `ISP-Duration` (`xs:duration`): the length of one ISP.
    pub isp_duration: IspDuration,
    /// `TimeZone`: the zone in which `period` is a day.
    pub time_zone: TimeZoneName,
    /// `Currency`: of tariff profiles, which no revision has yet.
    pub currency: Option<Currency>,
    /// `Period`: the local day.
    pub period: Date,
    /// `EAN`: the meter.
    pub ean: Ean,
    /// `Profile`: the measured series, one or more.
    pub profiles: Vec<MeteringProfile>,
}

/// One series of measured values (`MeteringProfileType`).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct MeteringProfile {
    /// `ProfileType`: what was measured.
    pub profile_type: ProfileType,
    /// `Unit`: kW for power, kWh for the others.
    pub unit: Unit,
    /// `ISP`: the values, one or more.
    pub isps: Vec<MeteringIsp>,
}

/// The value of one ISP (`MeteringISPType`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct MeteringIsp {
    /// `Start`: the ISP, from 1. The schema's type is a plain `xs:integer`; ISPs below 1 are refused.
    pub start: IspNumber,
    /// `Value` (`xs:decimal`): in the unit of the profile; energy in the ISP, or a meter's reading at its end.
    pub value: Decimal,
}

/// What a metering profile measures (`MeteringProfileEnum`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ProfileType {
    /// Mean power of the ISP: import less export.
    Power,
    /// Energy taken from the grid in the ISP.
    ImportEnergy,
    /// Energy given to the grid in the ISP.
    ExportEnergy,
    /// The meter's import register at the end of the ISP.
    ImportMeterReading,
    /// The meter's export register at the end of the ISP.
    ExportMeterReading,
}

words!(
    ProfileType, "MeteringProfileEnum",
    "Power" => ProfileType::Power,
    "ImportEnergy" => ProfileType::ImportEnergy,
    "ExportEnergy" => ProfileType::ExportEnergy,
    "ImportMeterReading" => ProfileType::ImportMeterReading,
    "ExportMeterReading" => ProfileType::ExportMeterReading,
);

/// The unit of a metering profile (`MeteringUnitType`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Unit {
    /// Kilowatts.
    Kilowatt,
    /// Kilowatt-hours.
    KilowattHour,
}

words!(Unit, "MeteringUnitType", "kW" => Unit::Kilowatt, "kWh" => Unit::KilowattHour);

impl Wire for Metering {
    fn read(header: Header, root: &mut Root<'_, '_>) -> Result<Self, ParseError> {
        let revision = root.required("Revision")?;
        let isp_duration = root.required("ISP-Duration")?;
        let time_zone = root.required("TimeZone")?;
        let currency = root.optional("Currency")?;
        let period = root.required("Period")?;
        let ean = root.required("EAN")?;
        root.attributes.finish()?;
        let profiles = root.reader.sequence(root.tag)?;
        Ok(Self { header, revision, isp_duration, time_zone, currency, period, ean, profiles })
    }

    fn write(&self, writer: &mut XmlWriter) {
        writer.open("Metering");
        self.header.write(writer);
        writer.attribute("Revision", &self.revision);
        writer.attribute("ISP-Duration", &self.isp_duration);
        writer.attribute("TimeZone", &self.time_zone);
        writer.optional("Currency", self.currency.as_ref());
        writer.attribute("Period", &self.period);
        writer.attribute("EAN", &self.ean);
        writer.close_with("Metering", &self.profiles, MeteringProfile::write);
    }

    fn size(&self) -> usize {
        SIZE_OF_ROOT + self.profiles.iter().map(|profile| 80 + 48 * profile.isps.len()).sum::<usize>()
    }
}

impl MeteringProfile {
    fn write(&self, writer: &mut XmlWriter) {
        writer.open("Profile");
        writer.attribute("ProfileType", &self.profile_type);
        writer.attribute("Unit", &self.unit);
        writer.close_with("Profile", &self.isps, |isp, writer| {
            writer.open("ISP");
            writer.attribute("Start", &isp.start);
            writer.attribute("Value", &isp.value);
            writer.close_empty();
        });
    }
}

impl Child for MeteringProfile {
    const NAME: &'static str = "Profile";

    fn read(tag: &Tag<'_>, reader: &mut XmlReader<'_>) -> Result<Self, ParseError> {
        let mut attributes = reader.attributes(tag)?;
        let profile_type = attributes.required("ProfileType")?;
        let unit = attributes.required("Unit")?;
        attributes.finish()?;
        Ok(Self { profile_type, unit, isps: reader.sequence(tag)? })
    }
}

impl Child for MeteringIsp {
    const NAME: &'static str = "ISP";

    fn read(tag: &Tag<'_>, reader: &mut XmlReader<'_>) -> Result<Self, ParseError> {
        let mut attributes = reader.attributes(tag)?;
        let isp = Self { start: attributes.required("Start")?, value: attributes.required("Value")? };
        attributes.finish()?;
        reader.no_children(tag)?;
        Ok(isp)
    }
}
