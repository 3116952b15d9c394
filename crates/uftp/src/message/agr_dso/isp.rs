//! A run of ISPs with one power.

use std::num::NonZeroU16;

use tieline_types::{IspNumber, IspRange, Power};

use crate::xml::{Attributes, Child, ParseError, ParseErrorKind, Tag, XmlReader, XmlWriter};

/// About how many bytes an `ISP` element takes.
pub(super) const SIZE_OF_ISP: usize = 104;

/// One or more ISPs in a row with one power (`D-PrognosisISPType`, `FlexOfferOptionISPType`, `FlexOrderISPType`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Isp {
    /// `Power` (`xs:integer`): in watts, positive towards the customer (consumption).
    pub power: Power,
    /// `Start` and `Duration`: the first ISP, from 1, and how many, 1 if it is not said. In a D-Prognosis the
    /// schema's types are plain integers; what is below 1 is refused there too.
    pub range: IspRange,
}

impl Child for Isp {
    const NAME: &'static str = "ISP";

    fn read(tag: &Tag<'_>, reader: &mut XmlReader<'_>) -> Result<Self, ParseError> {
        let mut attributes = reader.attributes(tag)?;
        let isp = Self { power: attributes.required("Power")?, range: read_range(tag, &mut attributes)? };
        attributes.finish()?;
        reader.no_children(tag)?;
        Ok(isp)
    }
}

impl Isp {
    pub(super) fn write(&self, writer: &mut XmlWriter) {
        writer.open("ISP");
        writer.attribute("Power", &self.power);
        write_range(self.range, writer);
        writer.close_empty();
    }
}

pub(super) fn read_range(tag: &Tag<'_>, attributes: &mut Attributes<'_>) -> Result<IspRange, ParseError> {
    let start: IspNumber = attributes.required("Start")?;
    let duration = attributes.optional("Duration")?.unwrap_or(NonZeroU16::MIN);
    IspRange::new(start, duration).map_err(|error| {
        tag.error(ParseErrorKind::InvalidValue("xs:positiveInteger", error.to_string().into()))
            .attribute("Duration")
    })
}

pub(super) fn write_range(range: IspRange, writer: &mut XmlWriter) {
    writer.attribute("Start", &range.start());
    writer.attribute("Duration", &range.duration());
}
