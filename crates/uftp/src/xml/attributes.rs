//! The attributes of one element, taken one by one by name and type.

use std::borrow::Cow;

use smallvec::SmallVec;

use super::reader::{Tag, is_blank, is_character};
use super::{Lexical, ParseError, ParseErrorKind};
use crate::{Limits, Tolerance};

/// Most attributes that [`Attributes::taken`] can tell apart.
const MOST: usize = 64;

/// One attribute as it stands in the document.
#[derive(Clone, Copy)]
pub(super) struct Attribute<'t> {
    pub(super) name: &'t str,
    /// The value as it stands in the document.
    pub(super) raw: &'t str,
    /// The value is ASCII without references or blanks to normalise: it stands for itself.
    plain: bool,
}

/// The attributes of one element.
///
/// A message takes those that it knows; [`Attributes::finish`] refuses what is left.
pub(crate) struct Attributes<'t> {
    tag: &'t Tag<'t>,
    tolerance: Tolerance,
    /// Longest typed value.
    most_bytes: usize,
    list: SmallVec<[Attribute<'t>; 16]>,
    /// Bit n: the nth attribute has been taken.
    taken: u64,
    /// Where to look first: writers follow the order of the schema.
    next: usize,
}

impl<'t> Attributes<'t> {
    pub(super) fn read(tag: &'t Tag<'_>, tolerance: Tolerance, limits: &Limits) -> Result<Self, ParseError> {
        let mut list = SmallVec::new();
        let most = limits.attributes.min(MOST);
        let mut scanner = Scanner::new(tag.start.attributes_raw());
        while let Some(found) = scanner.attribute() {
            let attribute = found
                .map_err(|(name, why)| tag.error(ParseErrorKind::IllFormed(why.into())).attribute(name))?;
            if list.len() == most {
                return Err(tag.error(ParseErrorKind::Limit("attributes", most)));
            }
            list.push(attribute);
        }
        Ok(Self { tag, tolerance, most_bytes: limits.value_bytes, list, taken: 0, next: 0 })
    }

    /// The value of an attribute that the schema requires.
    pub(crate) fn required<T: Lexical>(&mut self, name: &'static str) -> Result<T, ParseError> {
        match self.optional(name)? {
            Some(value) => Ok(value),
            None => Err(self.tag.error(ParseErrorKind::MissingAttribute).attribute(name)),
        }
    }

    /// The value of an attribute that may be absent.
    pub(crate) fn optional<T: Lexical>(&mut self, name: &'static str) -> Result<Option<T>, ParseError> {
        let Some(attribute) = self.take(name) else { return Ok(None) };
        if attribute.raw.len() > self.most_bytes {
            return Err(self
                .tag
                .error(ParseErrorKind::Limit("value_bytes", self.most_bytes))
                .attribute(name));
        }
        let text = self.text(attribute)?;
        let trimmed = if T::COLLAPSED || self.tolerance.surrounding_whitespace { trim(&text) } else { &text };
        T::read(trimmed, self.tolerance).map(Some).map_err(|why| {
            self.tag.error(ParseErrorKind::InvalidValue(T::TYPE, why)).attribute(name).value(&text)
        })
    }

    /// The text of an attribute of any length; `None` if it is absent.
    pub(crate) fn raw(&mut self, name: &'static str) -> Result<Option<Cow<'t, str>>, ParseError> {
        self.take(name).map(|attribute| self.text(attribute)).transpose()
    }

    /// Refuses every attribute that has not been taken.
    pub(crate) fn finish(&self) -> Result<(), ParseError> {
        let all = u64::MAX.checked_shr(u32::try_from(MOST - self.list.len()).unwrap_or(0)).unwrap_or(0);
        if self.taken == all {
            return Ok(());
        }
        for (index, attribute) in self.list.iter().enumerate() {
            if self.taken & (1 << index) != 0 {
                continue;
            }
            let twice = self.list[..index].iter().any(|other| other.name == attribute.name)
                || self.list[index + 1..].iter().any(|other| other.name == attribute.name);
            let kind = if twice {
                ParseErrorKind::DuplicateAttribute
            } else if self.tolerance.schema_location && is_schema_location(attribute.name) {
                continue;
            } else {
                ParseErrorKind::UnknownAttribute
            };
            return Err(self.tag.error(kind).attribute(attribute.name));
        }
        Ok(())
    }

    fn take(&mut self, name: &str) -> Option<Attribute<'t>> {
        let index = match self.list.get(self.next) {
            Some(attribute) if attribute.name == name => self.next,
            _ => self.list.iter().position(|attribute| attribute.name == name)?,
        };
        self.next = index + 1;
        self.taken |= 1 << index;
        self.list.get(index).copied()
    }

    fn text(&self, attribute: Attribute<'t>) -> Result<Cow<'t, str>, ParseError> {
        if attribute.plain {
            return Ok(Cow::Borrowed(attribute.raw));
        }
        match normalise(attribute.raw) {
            Some(text) => Ok(Cow::Owned(text)),
            None => {
                Err(self.tag.error(ParseErrorKind::Reference).attribute(attribute.name).value(attribute.raw))
            }
        }
    }
}

/// Goes through the attributes of a tag, or of an XML declaration.
pub(super) struct Scanner<'t> {
    text: &'t str,
    at: usize,
}

/// Longer values than this are looked at in blocks.
const SHORT: usize = 64;

impl<'t> Scanner<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Self { text, at: 0 }
    }

    /// The next attribute, or its name and what is wrong with it; `None` at the end.
    pub(super) fn attribute(&mut self) -> Option<Result<Attribute<'t>, (&'t str, &'static str)>> {
        let separated = self.skip_blanks();
        let name = self.name();
        if name.is_empty() && self.at == self.text.len() {
            return None;
        }
        Some(self.value_of(name, separated).map_err(|why| (name, why)))
    }

    fn value_of(&mut self, name: &'t str, separated: bool) -> Result<Attribute<'t>, &'static str> {
        if !separated {
            return Err("attributes need white space between them");
        }
        self.skip_blanks();
        if name.is_empty() || !self.take(b'=') {
            return Err("an attribute has no name or no value");
        }
        self.skip_blanks();
        let Some(quote @ (b'"' | b'\'')) = self.peek() else {
            return Err("an attribute value has no quotes");
        };
        self.at += 1;
        let (raw, plain) = self.value(quote).ok_or("an attribute value has a forbidden character")?;
        Ok(Attribute { name, raw, plain })
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn take(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    /// Whether there were any.
    fn skip_blanks(&mut self) -> bool {
        let start = self.at;
        while self.peek().is_some_and(is_blank) {
            self.at += 1;
        }
        self.at > start
    }

    fn name(&mut self) -> &'t str {
        let start = self.at;
        while self.peek().is_some_and(|byte| !is_blank(byte) && !matches!(byte, b'=' | b'"' | b'\'')) {
            self.at += 1;
        }
        &self.text[start..self.at]
    }

    /// The text before the closing `quote`, and whether it stands for itself. `None` if it has a `<`, a control
    /// character or no end.
    fn value(&mut self, quote: u8) -> Option<(&'t str, bool)> {
        let rest = &self.text[self.at..];
        let bytes = rest.as_bytes();
        let end = match bytes.iter().take(SHORT).position(|byte| *byte == quote) {
            Some(end) => end,
            None => memchr::memchr(quote, bytes)?,
        };
        let raw = &rest[..end];
        // One pass without a way out, which the compiler turns into blocks.
        let classes = raw.bytes().fold(0, |seen, byte| seen | class(byte));
        self.at += end + 1;
        (classes & FORBIDDEN == 0).then_some((raw, classes == 0))
    }
}

/// The value has a character that may not stand in it.
const FORBIDDEN: u8 = 1;
/// The value does not stand for itself.
const NOT_PLAIN: u8 = 2;

const fn class(byte: u8) -> u8 {
    match byte {
        b'&' | b'\t' | b'\n' | b'\r' | 0x80.. => NOT_PLAIN,
        b'<' | 0..0x20 => FORBIDDEN,
        _ => 0,
    }
}

/// Resolves references and turns each blank into a space (XML 1.0, 3.3.3). `None` if a reference is not allowed.
fn normalise(raw: &str) -> Option<String> {
    let mut text = String::with_capacity(raw.len());
    let mut rest = raw.chars();
    let mut after_return = false;
    while let Some(character) = rest.next() {
        match character {
            // A line break of two characters counts as one (XML 1.0, 2.11).
            '\n' if after_return => {}
            '\t' | '\n' | '\r' => text.push(' '),
            '&' => {
                let (name, tail) = rest.as_str().split_once(';')?;
                text.push(referred(name)?);
                rest = tail.chars();
            }
            _ if is_character(character) => text.push(character),
            _ => return None,
        }
        after_return = character == '\r';
    }
    Some(text)
}

/// What the reference `&name;` stands for.
fn referred(name: &str) -> Option<char> {
    let character = match name {
        "lt" => '<',
        "gt" => '>',
        "amp" => '&',
        "quot" => '"',
        "apos" => '\'',
        _ => {
            let number = name.strip_prefix('#')?;
            let (digits, radix) = number.strip_prefix('x').map_or((number, 10), |hex| (hex, 16));
            // The length bounds the work; the check of digits keeps out a sign, which `from_str_radix` takes.
            if digits.len() > 10 || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
                return None;
            }
            char::from_u32(u32::from_str_radix(digits, radix).ok()?)?
        }
    };
    is_character(character).then_some(character)
}

fn is_schema_location(name: &str) -> bool {
    name.strip_prefix("xmlns:").is_some_and(|prefix| !prefix.is_empty())
        || matches!(name, "xsi:schemaLocation" | "xsi:noNamespaceSchemaLocation")
}

fn trim(text: &str) -> &str {
    match text.as_bytes() {
        [first, .., last] if !is_blank(*first) && !is_blank(*last) => text,
        _ => text.trim_matches([' ', '\t', '\n', '\r']),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resolves_the_five_entities_and_characters() {
        assert_eq!(normalise("&lt;&gt;&amp;&quot;&apos;&#233;&#x20AC;").as_deref(), Some("<>&\"'é€"));
        assert_eq!(normalise("a\tb\r\nc\nd&#10;e").as_deref(), Some("a b c d\ne"));
    }

    #[test]
    fn refuses_other_references() {
        for bad in [
            "&nbsp;",
            "&",
            "&;",
            "&#;",
            "&#x;",
            "&#0;",
            "&#xD800;",
            "&#xFFFF;",
            "&#+65;",
            "&lt",
            "&#99999999999;",
        ] {
            assert_eq!(normalise(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_value_ends_at_its_own_quote() {
        let value = |text, quote| Scanner::new(text).value(quote);
        assert_eq!(value("it's\" x", b'"'), Some(("it's", true)));
        assert_eq!(value("a&amp;b'", b'\''), Some(("a&amp;b", false)));
        assert_eq!(value("a\nb'", b'\''), Some(("a\nb", false)));
        assert_eq!(value("a<b\"", b'"'), None);
        assert_eq!(value("a\u{1}b\"", b'"'), None);
        assert_eq!(value("no end", b'"'), None);
        let long = "x".repeat(SHORT);
        assert_eq!(value(&format!("{long}\""), b'"'), Some((long.as_str(), true)));
    }
}
