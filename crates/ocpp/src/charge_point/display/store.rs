//! The messages that are set, and which of them are to be shown.

use jiff::Timestamp;

use super::{Display, DisplayMessage, MessagePriority};

/// Which messages a CSMS asks for: those that meet all of it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Criterion {
    pub(crate) ids: Option<Vec<i32>>,
    pub(crate) priority: Option<MessagePriority>,
    pub(crate) state: Option<String>,
}

/// The messages of a station, in the order in which they came.
#[derive(Clone, Debug, Default)]
pub(crate) struct Messages {
    all: Vec<DisplayMessage>,
}

/// States that a station without the wish to discharge has (`MessageStateEnumType`).
pub(crate) const STATES: [&str; 5] = ["Charging", "Faulted", "Idle", "Unavailable", "Suspended"];

impl Messages {
    pub(crate) fn new(all: Vec<DisplayMessage>) -> Self {
        Self { all }
    }

    pub(crate) fn all(&self) -> &[DisplayMessage] {
        &self.all
    }

    /// Keeps a message, or says by its `DisplayMessageStatusEnumType` and a reason why not (O01, O02, O06).
    pub(crate) fn set(
        &mut self,
        message: DisplayMessage,
        display: &Display,
        is_running: impl Fn(&str) -> bool,
        now: Timestamp,
    ) -> Result<(), (&'static str, Option<&'static str>)> {
        let mut contents = message.contents.iter();
        if !contents.clone().all(|one| display.formats.contains(&one.format)) {
            return Err(("NotSupportedMessageFormat", None));
        }
        let knows = |language: &String| {
            display.languages.is_empty()
                || display.languages.iter().any(|known| known.eq_ignore_ascii_case(language))
        };
        if !contents.all(|one| one.language.as_ref().is_none_or(knows)) {
            return Err(("LanguageNotSupported", None));
        }
        if message.state.as_deref().is_some_and(|state| !STATES.contains(&state)) {
            return Err(("NotSupportedState", None));
        }
        if message.transaction.as_deref().is_some_and(|id| !is_running(id)) {
            return Err(("UnknownTransaction", Some("TxNotFound")));
        }
        let is_over =
            message.end.is_some_and(|end| end <= now || message.start.is_some_and(|start| start >= end));
        if message.id < 0 || is_over {
            return Err(("Rejected", Some("ValueOutOfRange")));
        }
        let others = self.all.iter().filter(|one| one.id != message.id).count();
        if others >= display.most {
            return Err(("Rejected", Some("OutOfStorage")));
        }
        self.all.retain(|one| one.id != message.id);
        self.all.push(message);
        Ok(())
    }

    /// Whether there was such a message (O05).
    pub(crate) fn clear(&mut self, id: i32) -> bool {
        let before = self.all.len();
        self.all.retain(|one| one.id != id);
        self.all.len() < before
    }

    /// O03, O04.
    pub(crate) fn found(&self, criterion: &Criterion) -> Vec<DisplayMessage> {
        let meets = |one: &&DisplayMessage| {
            criterion.ids.as_ref().is_none_or(|ids| ids.contains(&one.id))
                && criterion.priority.is_none_or(|priority| priority == one.priority)
                && criterion.state.as_ref().is_none_or(|state| one.state.as_ref() == Some(state))
        };
        self.all.iter().filter(meets).cloned().collect()
    }

    /// Drops what is over: by its end, or with its transaction.
    pub(crate) fn expire(&mut self, now: Timestamp, is_running: impl Fn(&str) -> bool) {
        self.all.retain(|one| {
            one.end.is_none_or(|end| end > now) && one.transaction.as_deref().is_none_or(&is_running)
        });
    }

    /// What is to be shown now: of the highest priority that there is, in turn.
    pub(crate) fn shown(
        &self,
        now: Timestamp,
        is_in: impl Fn(&DisplayMessage, &str) -> bool,
    ) -> Vec<DisplayMessage> {
        let fits = |one: &&DisplayMessage| {
            one.start.is_none_or(|start| start <= now)
                && one.state.as_deref().is_none_or(|state| is_in(one, state))
        };
        let fitting: Vec<_> = self.all.iter().filter(fits).collect();
        let Some(highest) = fitting.iter().map(|one| one.priority).max() else { return Vec::new() };
        let mut shown: Vec<_> = fitting.into_iter().filter(|one| one.priority == highest).cloned().collect();
        if highest == MessagePriority::AlwaysFront {
            shown.drain(..shown.len() - 1);
        }
        shown
    }

    /// When that may change next by the time alone.
    pub(crate) fn next_due(&self, now: Timestamp) -> Option<Timestamp> {
        let instants = self.all.iter().flat_map(|one| [one.start, one.end]);
        instants.flatten().filter(|at| *at > now).min()
    }
}

#[cfg(test)]
mod tests {
    use super::super::MessageContent;
    use super::*;

    fn message(id: i32, priority: MessagePriority) -> DisplayMessage {
        DisplayMessage {
            id,
            priority,
            state: None,
            start: None,
            end: None,
            transaction: None,
            display: None,
            contents: vec![MessageContent {
                format: "UTF8".to_owned(),
                language: None,
                content: "hi".to_owned(),
            }],
        }
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn shown(messages: &Messages, now: i64, state: &str) -> Vec<i32> {
        messages.shown(at(now), |_, wanted| wanted == state).iter().map(|one| one.id).collect()
    }

    #[test]
    fn the_highest_priority_is_shown_in_turn() {
        let mut messages = Messages::default();
        let set = |messages: &mut Messages, message| {
            messages.set(message, &Display::default(), |_| false, at(0)).unwrap();
        };
        set(&mut messages, message(1, MessagePriority::NormalCycle));
        set(&mut messages, message(2, MessagePriority::NormalCycle));
        assert_eq!(shown(&messages, 0, "Idle"), [1, 2]);
        let mut later = message(3, MessagePriority::InFront);
        later.start = Some(at(10));
        later.end = Some(at(20));
        set(&mut messages, later);
        assert_eq!(shown(&messages, 9, "Idle"), [1, 2]);
        assert_eq!(messages.next_due(at(0)), Some(at(10)));
        assert_eq!(shown(&messages, 10, "Idle"), [3]);
        messages.expire(at(20), |_| false);
        assert_eq!(shown(&messages, 20, "Idle"), [1, 2]);
        set(&mut messages, message(4, MessagePriority::AlwaysFront));
        let mut charging = message(5, MessagePriority::AlwaysFront);
        charging.state = Some("Charging".to_owned());
        set(&mut messages, charging);
        assert_eq!(shown(&messages, 20, "Idle"), [4]);
        assert_eq!(shown(&messages, 20, "Charging"), [5]);
    }

    #[test]
    fn what_cannot_be_shown_is_refused() {
        let display = Display { languages: vec!["nl".to_owned()], most: 1, ..Display::default() };
        let refused = |change: fn(&mut DisplayMessage)| {
            let mut one = message(1, MessagePriority::InFront);
            change(&mut one);
            let mut messages = Messages::new(vec![message(9, MessagePriority::InFront)]);
            messages.set(one, &display, |id| id == "T", at(100)).unwrap_err().0
        };
        assert_eq!(refused(|one| one.contents[0].format = "HTML".to_owned()), "NotSupportedMessageFormat");
        assert_eq!(refused(|one| one.contents[0].language = Some("de".to_owned())), "LanguageNotSupported");
        assert_eq!(refused(|one| one.state = Some("Discharging".to_owned())), "NotSupportedState");
        assert_eq!(refused(|one| one.transaction = Some("U".to_owned())), "UnknownTransaction");
        assert_eq!(refused(|one| one.end = Some(at(100))), "Rejected");
        // There is room for one.
        assert_eq!(refused(|one| one.contents[0].language = Some("NL".to_owned())), "Rejected");
    }
}
