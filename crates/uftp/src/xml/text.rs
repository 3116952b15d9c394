//! Free text in an attribute.

use std::fmt;
use std::str::FromStr;

use super::lexical::{Lexical, Why, write_escaped};
use super::reader::is_character;
use crate::Tolerance;

/// A text that an XML document can carry (`xs:string`): references to contracts, options, orders, reasons.
///
/// It has no character that XML 1.0 forbids, so that writing it cannot fail.
///
/// ```
/// use tieline_uftp::Text;
///
/// let contract: Text = "C-1".parse()?;
/// assert_eq!(contract.as_str(), "C-1");
/// assert!("\u{0}".parse::<Text>().is_err());
/// # Ok::<(), tieline_uftp::InvalidText>(())
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Text(Box<str>);

impl Text {
    /// The text itself.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The text with every character that XML forbids replaced by U+FFFD.
    pub fn lossy(text: &str) -> Self {
        Self(text.chars().map(|c| if is_character(c) { c } else { char::REPLACEMENT_CHARACTER }).collect())
    }
}

impl FromStr for Text {
    type Err = InvalidText;

    fn from_str(text: &str) -> Result<Self, InvalidText> {
        match text.chars().find(|character| !is_character(*character)) {
            None => Ok(Self(text.into())),
            Some(character) => Err(InvalidText { character }),
        }
    }
}

impl AsRef<str> for Text {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl PartialEq<str> for Text {
    fn eq(&self, other: &str) -> bool {
        &*self.0 == other
    }
}

impl PartialEq<&str> for Text {
    fn eq(&self, other: &&str) -> bool {
        &*self.0 == *other
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl Lexical for Text {
    const TYPE: &'static str = "xs:string";

    fn read(text: &str, _: Tolerance) -> Result<Self, Why> {
        // The reader has refused what XML forbids.
        Ok(Self(text.into()))
    }

    fn write(&self, out: &mut Vec<u8>) {
        write_escaped(out, &self.0);
    }
}

/// A character that no XML document may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the character {character:?} cannot stand in XML")]
pub struct InvalidText {
    character: char,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_what_a_reader_gives_back() {
        let mut out = Vec::new();
        "a<b>&\"'\t\n\ré€".parse::<Text>().unwrap().write(&mut out);
        assert_eq!(String::from_utf8(out).unwrap(), "a&lt;b&gt;&amp;&quot;'&#9;&#10;&#13;é€");
    }

    #[test]
    fn holds_only_what_xml_allows() {
        for bad in ["\u{0}", "\u{b}", "\u{1f}", "\u{fffe}"] {
            assert!(bad.parse::<Text>().is_err());
            assert_eq!(Text::lossy(bad), "\u{fffd}");
        }
    }
}
