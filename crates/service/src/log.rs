//! What of a message is written to the log, and how: a peer's text is neither long nor does it break lines.

use std::fmt::{self, Display, Write};

use crate::{Fault, Head, Protocol};

/// The most characters of one text.
const MAX_CHARACTERS: usize = 256;

/// Shows a text with its control characters escaped, and not too much of it.
pub(crate) struct Clipped<T>(pub(crate) T);

impl<T: Display> Display for Clipped<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut clip = Clip { out: f, left: MAX_CHARACTERS };
        match write!(clip, "{}", self.0) {
            Err(fmt::Error) if clip.left == 0 => Ok(()),
            written => written,
        }
    }
}

struct Clip<'a, 'b> {
    out: &'a mut fmt::Formatter<'b>,
    left: usize,
}

impl Write for Clip<'_, '_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for character in text.chars() {
            if self.left == 0 {
                self.out.write_char('…')?;
                // Ends the formatting of the text: what is left of it may be megabytes.
                return Err(fmt::Error);
            }
            self.left -= 1;
            if character.is_control() {
                write!(self.out, "{}", character.escape_default())?;
            } else {
                self.out.write_char(character)?;
            }
        }
        Ok(())
    }
}

macro_rules! event {
    ($level:ident, $head:ident, $fault:ident) => {
        tracing::$level!(
            protocol = P::NAME,
            peer = %Clipped($head.peer()),
            version = %$head.version(),
            action = %Clipped($head.action()),
            message_id = %Clipped($head.message_id()),
            cause = %Clipped($fault),
            "a message was not handled"
        )
    };
}

pub(crate) fn log_fault<P: Protocol>(head: &Head<P>, fault: &Fault<P>) {
    if fault.is_by_peer() || matches!(fault, Fault::TimedOut | Fault::Layer(_)) {
        event!(warn, head, fault);
    } else {
        event!(error, head, fault);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_stays_on_its_line() {
        assert_eq!(Clipped("a\nb\x1b[0m").to_string(), "a\\nb\\u{1b}[0m");
    }

    #[test]
    fn a_long_text_is_cut() {
        assert_eq!(Clipped("x".repeat(MAX_CHARACTERS)).to_string(), "x".repeat(MAX_CHARACTERS));
        assert_eq!(Clipped("é".repeat(1 << 20)).to_string(), "é".repeat(MAX_CHARACTERS) + "…");
    }
}
