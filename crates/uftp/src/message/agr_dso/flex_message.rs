//! What the messages about flexibility have in common.

use jiff::civil::Date;
use tieline_types::{EntityAddress, IspDuration};

use crate::message::Root;
use crate::value::TimeZoneName;
use crate::xml::{ParseError, XmlWriter};

/// Where and when the ISPs of a message are (`FlexMessageType`).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct FlexMessage {
    /// `ISP-Duration` (`xs:duration`): the length of one ISP, in whole minutes.
    pub isp_duration: IspDuration,
    /// `TimeZone`: the zone in which `period` is a day.
    pub time_zone: TimeZoneName,
    /// `Period`: the local day whose ISPs the message numbers, from 1.
    pub period: Date,
    /// `CongestionPoint`: the point of the grid.
    pub congestion_point: EntityAddress,
}

impl FlexMessage {
    pub(crate) fn read(root: &mut Root<'_, '_>) -> Result<Self, ParseError> {
        Ok(Self {
            isp_duration: root.required("ISP-Duration")?,
            time_zone: root.required("TimeZone")?,
            period: root.required("Period")?,
            congestion_point: root.required("CongestionPoint")?,
        })
    }

    pub(crate) fn write(&self, writer: &mut XmlWriter) {
        writer.attribute("ISP-Duration", &self.isp_duration);
        writer.attribute("TimeZone", &self.time_zone);
        writer.attribute("Period", &self.period);
        writer.attribute("CongestionPoint", &self.congestion_point);
    }
}
