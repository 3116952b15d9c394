//! `TestMessage`: any role to any other.

use crate::Header;
use crate::message::{Root, Wire};
use crate::xml::{ParseError, XmlWriter};

/// Asks a participant to answer, to see that keys and addresses are right.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct TestMessage {
    /// The attributes of every message.
    pub header: Header,
}

impl Wire for TestMessage {
    fn read(header: Header, root: &mut Root<'_, '_>) -> Result<Self, ParseError> {
        root.finish()?;
        Ok(Self { header })
    }

    fn write(&self, writer: &mut XmlWriter) {
        writer.open("TestMessage");
        self.header.write(writer);
        writer.close_empty();
    }
}
