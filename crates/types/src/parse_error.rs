use std::borrow::Cow;
use std::fmt;

/// Longest piece of a refused text that an error repeats, in characters.
const SHOWN: usize = 80;

/// A text that is not a value of the type it was read as.
///
/// The message names the type, repeats the text (at most 80 characters, escaped) and says what is wrong with it.
/// Reading the same text again fails again.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text} is not {expected}: {reason}")]
pub struct ParseError {
    expected: &'static str,
    text: Shown,
    reason: Cow<'static, str>,
}

impl ParseError {
    pub(crate) fn new(expected: &'static str, text: &str, reason: impl Into<Cow<'static, str>>) -> Self {
        Self { expected, text: Shown::of(text), reason: reason.into() }
    }

    /// What was expected, with its article: "a domain", "an ISP duration".
    pub fn expected(&self) -> &'static str {
        self.expected
    }

    /// Why the text was refused.
    pub fn reason(&self) -> &str {
        &self.reason
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Shown {
    start: String,
    cut: bool,
}

impl Shown {
    fn of(text: &str) -> Self {
        let start: String = text.chars().take(SHOWN).collect();
        Self { cut: start.len() < text.len(), start }
    }
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}{}", self.start, if self.cut { "…" } else { "" })
    }
}

#[cfg(test)]
mod tests {
    use super::ParseError;

    #[test]
    fn a_long_text_is_cut_and_escaped() {
        let error = ParseError::new("a domain", &"é\n".repeat(5_000), "too long");
        let message = error.to_string();
        assert!(message.len() < 300, "{message}");
        assert!(message.starts_with(r#""é\né\n"#), "{message}");
        assert!(message.ends_with("\"… is not a domain: too long"), "{message}");
    }
}
