//! Which messages crossed between the implementations, and how they were answered.

use std::collections::BTreeSet;
use std::fmt;

use anyhow::{Result, ensure};
use tieline_uftp::{MessageType, Payload};

/// Who wrote a message. The other one has read it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Maker {
    Ours,
    Library,
}

/// What an answer says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Said {
    /// It is no answer, or one that does not say.
    Nothing,
    Accepted,
    Rejected,
}

/// A line of the table: a message, who wrote it, and what it says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Line(MessageType, Maker, Said);

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(message_type, maker, said) = self;
        write!(f, "{message_type} by {maker:?}")?;
        match said {
            Said::Nothing => Ok(()),
            said => write!(f, ": {said:?}"),
        }
    }
}

/// The table of what was written by one and read by the other.
#[derive(Debug, Default)]
pub(crate) struct Coverage(BTreeSet<Line>);

impl Coverage {
    /// `maker` has written this, and the other one has read it.
    pub(crate) fn note(&mut self, maker: Maker, message: &Payload) {
        let message_type = message.message_type();
        let said = match message.response() {
            None => Said::Nothing,
            Some((_, response)) if response.is_accepted() => Said::Accepted,
            Some(_) => Said::Rejected,
        };
        self.0.insert(Line(message_type, maker, said));
    }

    /// Every message of the standard was written by both, and every answer that can say so accepted and rejected.
    pub(crate) fn is_whole(&self) -> Result<()> {
        let missing: Vec<_> =
            all().filter(|line| !self.0.contains(line)).map(|line| line.to_string()).collect();
        ensure!(missing.is_empty(), "never exchanged: {missing:#?}");
        Ok(())
    }
}

/// All lines that the table must have.
fn all() -> impl Iterator<Item = Line> {
    let said = |message_type: MessageType| {
        // In 3.x the answer to a TestMessage has no way to say anything.
        let silent = !message_type.is_response() || message_type == MessageType::TestMessageResponse;
        if silent { vec![Said::Nothing] } else { vec![Said::Accepted, Said::Rejected] }
    };
    let made = move |message_type| {
        let lines = [Maker::Ours, Maker::Library]
            .map(|maker| said(message_type).into_iter().map(move |said| Line(message_type, maker, said)));
        lines.into_iter().flatten()
    };
    MessageType::ALL.into_iter().flat_map(made)
}

#[test]
fn the_table_has_all_26_messages_by_both() {
    // 13 requests and the answer to the TestMessage once, the other 12 answers twice, each by both.
    assert_eq!(all().count(), 2 * (14 + 12 * 2));
    assert!(Coverage::default().is_whole().is_err());
}
