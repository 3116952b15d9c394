//! `D-Prognosis`: AGR to DSO.

use super::isp::SIZE_OF_ISP;
use super::{FlexMessage, Isp};
use crate::Header;
use crate::message::{Root, SIZE_OF_ROOT, Wire};
use crate::xml::{ParseError, XmlWriter};

/// What an AGR expects its connections at a congestion point to take on one day.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct DPrognosis {
    /// The attributes of every message.
    pub header: Header,
    /// Where and when.
    pub flex: FlexMessage,
    /// `Revision` (`xs:long`): incremented with each new prognosis for the same point and day.
    pub revision: i64,
    /// `ISP`: the expected power, one or more; day-ahead every ISP of the day.
    pub isps: Vec<Isp>,
}

impl Wire for DPrognosis {
    fn read(header: Header, root: &mut Root<'_, '_>) -> Result<Self, ParseError> {
        let flex = FlexMessage::read(root)?;
        let revision = root.required("Revision")?;
        root.attributes.finish()?;
        Ok(Self { header, flex, revision, isps: root.reader.sequence(root.tag)? })
    }

    fn write(&self, writer: &mut XmlWriter) {
        writer.open("D-Prognosis");
        self.header.write(writer);
        self.flex.write(writer);
        writer.attribute("Revision", &self.revision);
        writer.close_with("D-Prognosis", &self.isps, Isp::write);
    }

    fn size(&self) -> usize {
        SIZE_OF_ROOT + SIZE_OF_ISP * self.isps.len()
    }
}
