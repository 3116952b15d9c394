//! Why a document cannot be read.

use std::borrow::Cow;
use std::fmt;

/// Longest piece of a peer's text that an error repeats, in characters.
const EXCERPT: usize = 120;

/// A document that is not what its schema says, with the place and the cause.
///
/// The message names element, attribute and value, so that the sender can find the fault. What it repeats of
/// the sender's text is bounded and escaped.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ParseError(Box<Fault>);

#[derive(Clone, PartialEq, Eq)]
struct Fault {
    kind: ParseErrorKind,
    element: Option<Box<str>>,
    attribute: Option<Box<str>>,
    value: Option<Box<str>>,
    offset: usize,
}

/// The kinds of [`ParseError`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ParseErrorKind {
    /// The bytes are not UTF-8, or the declaration names another encoding.
    Encoding,
    /// The document is not well formed; what is wrong with it.
    IllFormed(Cow<'static, str>),
    /// The document has a document type declaration, which is never read.
    DocumentType,
    /// A reference to an entity other than `lt`, `gt`, `amp`, `quot` and `apos`, or to a forbidden character.
    Reference,
    /// Something other than white space, comments and processing instructions after the root element.
    AfterRoot,
    /// The root element is no message that we know.
    UnknownMessage,
    /// The root element is a message, but another one than asked for.
    OtherMessage,
    /// An element that the schema does not have at this place.
    UnexpectedElement,
    /// Text where the schema has only elements.
    UnexpectedText,
    /// An element that the schema requires is missing; its name.
    MissingElement(&'static str),
    /// The element holds this element more than once.
    TooManyElements(&'static str),
    /// An attribute that the schema requires is missing.
    MissingAttribute,
    /// An attribute that the schema of the message's own `Version` does not have.
    UnknownAttribute,
    /// An attribute that stands twice.
    DuplicateAttribute,
    /// A value that is not of its type; the name of the type in the schema, and why not.
    InvalidValue(&'static str, Cow<'static, str>),
    /// The envelope's `Body` is not Base64.
    Base64,
    /// A bound of [`Limits`](crate::Limits) is exceeded; its name and its value.
    Limit(&'static str, usize),
}

impl ParseError {
    pub(crate) fn new(kind: ParseErrorKind, offset: usize) -> Self {
        Self(Box::new(Fault { kind, element: None, attribute: None, value: None, offset }))
    }

    pub(crate) fn element(mut self, name: &str) -> Self {
        self.0.element = Some(excerpt(name));
        self
    }

    pub(crate) fn attribute(mut self, name: &str) -> Self {
        self.0.attribute = Some(excerpt(name));
        self
    }

    pub(crate) fn value(mut self, text: &str) -> Self {
        self.0.value = Some(excerpt(text));
        self
    }

    /// What is wrong.
    pub fn kind(&self) -> &ParseErrorKind {
        &self.0.kind
    }

    /// The element at fault, if it is known.
    pub fn element_name(&self) -> Option<&str> {
        self.0.element.as_deref()
    }

    /// The attribute at fault, if one is.
    pub fn attribute_name(&self) -> Option<&str> {
        self.0.attribute.as_deref()
    }

    /// Where in the document, in bytes from its start: the element at fault or the place where reading stopped.
    pub fn offset(&self) -> usize {
        self.0.offset
    }
}

impl fmt::Debug for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ParseError")
            .field("kind", &self.0.kind)
            .field("element", &self.0.element)
            .field("attribute", &self.0.attribute)
            .field("value", &self.0.value)
            .field("offset", &self.0.offset)
            .finish()
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(element) = &self.element {
            write!(f, "{element}")?;
            if let Some(attribute) = &self.attribute {
                write!(f, "@{attribute}")?;
            }
            f.write_str(": ")?;
        }
        if let Some(value) = &self.value {
            write!(f, "\"{value}\" ")?;
        }
        write!(f, "{} (byte {})", self.kind, self.offset)
    }
}

impl fmt::Display for ParseErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Encoding => f.write_str("the document is not UTF-8"),
            Self::IllFormed(why) => write!(f, "not well-formed XML: {why}"),
            Self::DocumentType => f.write_str("a document type declaration is not allowed"),
            Self::Reference => f.write_str("has a reference that is not allowed"),
            Self::AfterRoot => f.write_str("content after the root element"),
            Self::UnknownMessage => f.write_str("unknown message type"),
            Self::OtherMessage => f.write_str("another message than expected"),
            Self::UnexpectedElement => f.write_str("element not allowed here"),
            Self::UnexpectedText => f.write_str("text not allowed here"),
            Self::MissingElement(name) => write!(f, "at least one {name} is required"),
            Self::TooManyElements(name) => write!(f, "at most one {name} is allowed"),
            Self::MissingAttribute => f.write_str("required attribute is missing"),
            Self::UnknownAttribute => f.write_str("attribute not allowed here"),
            Self::DuplicateAttribute => f.write_str("attribute stands twice"),
            Self::InvalidValue(kind, why) => write!(f, "is not a valid {kind}: {why}"),
            Self::Base64 => f.write_str("Body is not Base64"),
            Self::Limit(what, limit) => write!(f, "exceeds the limit of {limit} for {what}"),
        }
    }
}

/// The beginning of `text`, escaped so that it cannot break a log line.
pub(super) fn excerpt(text: &str) -> Box<str> {
    let mut kept: String = text.chars().take(EXCERPT).flat_map(char::escape_debug).collect();
    if text.chars().nth(EXCERPT).is_some() {
        kept.push('…');
    }
    kept.into_boxed_str()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeats_a_bounded_part_of_the_text() {
        let error = ParseError::new(ParseErrorKind::UnexpectedElement, 3).element(&"x\n".repeat(10_000));
        assert!(error.to_string().len() < 400, "{error}");
        assert!(!error.to_string().contains('\n'));
        assert_eq!(error.offset(), 3);
    }
}
