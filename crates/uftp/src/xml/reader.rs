//! The events of a document, checked against what a message may contain.

use quick_xml::Reader;
use quick_xml::events::{BytesDecl, BytesStart, Event};

use super::attributes::Scanner;
use super::error::excerpt;
use super::{Attributes, ParseError, ParseErrorKind};
use crate::{Limits, Tolerance};

const BYTE_ORDER_MARK: &str = "\u{feff}";

/// A start tag.
pub(crate) struct Tag<'i> {
    pub(super) start: BytesStart<'i>,
    pub(super) offset: usize,
    empty: bool,
}

impl Tag<'_> {
    /// The name of the element, prefix included.
    pub(crate) fn name(&self) -> &str {
        self.start.name().into_inner()
    }

    pub(crate) fn error(&self, kind: ParseErrorKind) -> ParseError {
        ParseError::new(kind, self.offset).element(self.name())
    }
}

/// An element that repeats below another.
pub(crate) trait Child: Sized {
    /// The name of the element.
    const NAME: &'static str;

    /// Reads the element from its start tag to its end.
    fn read(tag: &Tag<'_>, reader: &mut XmlReader<'_>) -> Result<Self, ParseError>;
}

/// Reads one document from its first byte to its last.
pub(crate) struct XmlReader<'i> {
    events: Reader<&'i [u8]>,
    tolerance: Tolerance,
    limits: Limits,
    /// Bytes before those that `events` counts: the byte order mark.
    skipped: usize,
    depth: usize,
    elements: usize,
}

impl<'i> XmlReader<'i> {
    /// Starts to read `document`, which may have `most` bytes (the limit called `what`).
    pub(crate) fn new(
        document: &'i [u8],
        (what, most): (&'static str, usize),
        tolerance: Tolerance,
        limits: Limits,
    ) -> Result<Self, ParseError> {
        if document.len() > most {
            return Err(ParseError::new(ParseErrorKind::Limit(what, most), most));
        }
        let text = std::str::from_utf8(document)
            .map_err(|error| ParseError::new(ParseErrorKind::Encoding, error.valid_up_to()))?;
        let body = text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text);
        let mut events = Reader::from_str(body);
        events.config_mut().enable_all_checks(true);
        Ok(Self { events, tolerance, limits, skipped: text.len() - body.len(), depth: 0, elements: 0 })
    }

    pub(crate) fn tolerance(&self) -> Tolerance {
        self.tolerance
    }

    /// The root element.
    pub(crate) fn root(&mut self) -> Result<Tag<'i>, ParseError> {
        let mut first = true;
        loop {
            let offset = self.offset();
            match self.event()? {
                Event::Decl(declaration) if first => check_declaration(&declaration, offset)?,
                Event::Start(start) => return self.tag(start, false, offset),
                Event::Empty(start) => return self.tag(start, true, offset),
                Event::Eof => {
                    return Err(ParseError::new(
                        ParseErrorKind::IllFormed("there is no root element".into()),
                        offset,
                    ));
                }
                other => skip(&other, ParseErrorKind::UnexpectedText, offset)?,
            }
            first = false;
        }
    }

    /// The next child of `parent`, or `None` at its end.
    pub(crate) fn child(&mut self, parent: &Tag<'_>) -> Result<Option<Tag<'i>>, ParseError> {
        if parent.empty {
            return Ok(None);
        }
        loop {
            let offset = self.offset();
            match self.event()? {
                Event::Start(start) => return self.tag(start, false, offset).map(Some),
                Event::Empty(start) => return self.tag(start, true, offset).map(Some),
                Event::End(_) => {
                    self.depth -= 1;
                    return Ok(None);
                }
                Event::Eof => {
                    let why = "the document ends before the element does".into();
                    return Err(
                        ParseError::new(ParseErrorKind::IllFormed(why), offset).element(parent.name())
                    );
                }
                other => skip(&other, ParseErrorKind::UnexpectedText, offset)
                    .map_err(|error| error.element(parent.name()))?,
            }
        }
    }

    /// Every child of `parent`, all of them `T`: none or more.
    pub(crate) fn children<T: Child>(&mut self, parent: &Tag<'_>) -> Result<Vec<T>, ParseError> {
        let mut children = Vec::new();
        while let Some(tag) = self.child(parent)? {
            if tag.name() != T::NAME {
                return Err(tag.error(ParseErrorKind::UnexpectedElement));
            }
            children.push(T::read(&tag, self)?);
        }
        Ok(children)
    }

    /// Every child of `parent`, all of them `T`: one or more.
    pub(crate) fn sequence<T: Child>(&mut self, parent: &Tag<'_>) -> Result<Vec<T>, ParseError> {
        let children = self.children::<T>(parent)?;
        if children.is_empty() {
            return Err(parent.error(ParseErrorKind::MissingElement(T::NAME)));
        }
        Ok(children)
    }

    /// The children of `parent`: first all that are `A`, then all that are `B`; none or more of each.
    pub(crate) fn two_lists<A: Child, B: Child>(
        &mut self,
        parent: &Tag<'_>,
    ) -> Result<(Vec<A>, Vec<B>), ParseError> {
        let (mut first, mut second) = (Vec::new(), Vec::new());
        while let Some(tag) = self.child(parent)? {
            if tag.name() == A::NAME && second.is_empty() {
                first.push(A::read(&tag, self)?);
            } else if tag.name() == B::NAME {
                second.push(B::read(&tag, self)?);
            } else {
                return Err(tag.error(ParseErrorKind::UnexpectedElement));
            }
        }
        Ok((first, second))
    }

    /// The end of an element that has no children.
    pub(crate) fn no_children(&mut self, parent: &Tag<'_>) -> Result<(), ParseError> {
        match self.child(parent)? {
            None => Ok(()),
            Some(tag) => Err(tag.error(ParseErrorKind::UnexpectedElement)),
        }
    }

    /// The end of the document: nothing of meaning may follow the root.
    pub(crate) fn finish(&mut self) -> Result<(), ParseError> {
        loop {
            let offset = self.offset();
            match self.event()? {
                Event::Eof => return Ok(()),
                other => skip(&other, ParseErrorKind::AfterRoot, offset)?,
            }
        }
    }

    /// The attributes of `tag`.
    pub(crate) fn attributes<'t>(&self, tag: &'t Tag<'_>) -> Result<Attributes<'t>, ParseError> {
        Attributes::read(tag, self.tolerance, &self.limits)
    }

    fn event(&mut self) -> Result<Event<'i>, ParseError> {
        self.events.read_event().map_err(|error| {
            let offset = usize::try_from(self.events.error_position()).unwrap_or(usize::MAX);
            ParseError::new(
                ParseErrorKind::IllFormed(excerpt(&error.to_string()).into_string().into()),
                offset.saturating_add(self.skipped),
            )
        })
    }

    fn offset(&self) -> usize {
        usize::try_from(self.events.buffer_position()).unwrap_or(usize::MAX).saturating_add(self.skipped)
    }

    fn tag(&mut self, start: BytesStart<'i>, empty: bool, offset: usize) -> Result<Tag<'i>, ParseError> {
        let tag = Tag { start, offset, empty };
        self.elements += 1;
        if self.elements > self.limits.elements {
            return Err(tag.error(ParseErrorKind::Limit("elements", self.limits.elements)));
        }
        if self.depth >= self.limits.depth {
            return Err(tag.error(ParseErrorKind::Limit("depth", self.limits.depth)));
        }
        self.depth += usize::from(!empty);
        Ok(tag)
    }
}

/// Passes over what has no meaning; `otherwise` is what anything else is called.
fn skip(event: &Event<'_>, otherwise: ParseErrorKind, offset: usize) -> Result<(), ParseError> {
    let kind = match event {
        Event::Text(text) if text.bytes().all(is_blank) => return Ok(()),
        Event::Comment(text) if text.chars().all(is_character) => return Ok(()),
        Event::PI(instruction) if is_instruction(instruction) => return Ok(()),
        Event::Comment(_) => ParseErrorKind::IllFormed("a comment has a forbidden character".into()),
        Event::Decl(_) => {
            ParseErrorKind::IllFormed("a declaration stands elsewhere than at the start".into())
        }
        Event::PI(_) => ParseErrorKind::IllFormed("a processing instruction is not valid".into()),
        Event::DocType(_) => ParseErrorKind::DocumentType,
        _ => otherwise,
    };
    Err(ParseError::new(kind, offset))
}

/// `version`, then perhaps `encoding`, then perhaps `standalone` (XML 1.0, 2.8).
fn check_declaration(declaration: &BytesDecl<'_>, offset: usize) -> Result<(), ParseError> {
    let ill_formed = |why: &'static str| ParseError::new(ParseErrorKind::IllFormed(why.into()), offset);
    let mut scanner = Scanner::new(declaration.strip_prefix("xml").unwrap_or_default());
    let mut next = 0;
    while let Some(found) = scanner.attribute() {
        let attribute = found.map_err(|_| ill_formed("the XML declaration is not valid"))?;
        let place = ["version", "encoding", "standalone"].iter().position(|name| *name == attribute.name);
        match place {
            Some(place) if place >= next && (next > 0 || place == 0) => next = place + 1,
            _ => return Err(ill_formed("the XML declaration is not valid")),
        }
        match attribute.name {
            "version" if attribute.raw != "1.0" => return Err(ill_formed("only XML 1.0 is read")),
            "encoding" if !is_utf_8(attribute.raw) => {
                return Err(ParseError::new(ParseErrorKind::Encoding, offset).value(attribute.raw));
            }
            "standalone" if !matches!(attribute.raw, "yes" | "no") => {
                return Err(ill_formed("the XML declaration is not valid"));
            }
            _ => {}
        }
    }
    if next == 0 { Err(ill_formed("the XML declaration is not valid")) } else { Ok(()) }
}

fn is_utf_8(encoding: &str) -> bool {
    ["utf-8", "utf8", "us-ascii"].iter().any(|name| encoding.eq_ignore_ascii_case(name))
}

/// A processing instruction: a name, and after white space any text (XML 1.0, 2.6).
fn is_instruction(text: &str) -> bool {
    let (target, rest) = text.split_at(text.find([' ', '\t', '\n', '\r']).unwrap_or(text.len()));
    let starts = |c: char| c.is_alphabetic() || matches!(c, '_' | ':');
    let continues = |c: char| c.is_alphanumeric() || matches!(c, '_' | ':' | '-' | '.');
    target.starts_with(starts)
        && target.chars().all(continues)
        && !target.eq_ignore_ascii_case("xml")
        && rest.chars().all(is_character)
}

/// White space as XML means it.
pub(super) fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
}

/// A character that XML 1.0 allows in a document.
pub(super) fn is_character(character: char) -> bool {
    matches!(character, '\t' | '\n' | '\r' | ' '..='\u{fffd}' | '\u{10000}'..)
}
