//! Reading and writing documents: quick-xml's events below, typed attributes above.
//!
//! What is read is exactly XML 1.0 in UTF-8 without a document type. Comments and processing instructions are
//! skipped, because every schema allows them and none gives them a meaning.

pub(crate) mod attributes;
mod error;
pub(crate) mod lexical;
mod reader;
mod text;
pub(crate) mod writer;

pub use error::{ParseError, ParseErrorKind};
pub use text::{InvalidText, Text};

pub(crate) use attributes::Attributes;
pub(crate) use lexical::Lexical;
pub(crate) use reader::{Child, Tag, XmlReader};
pub(crate) use writer::XmlWriter;
