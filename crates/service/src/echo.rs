//! Echo: the protocol of this crate's examples and tests, whole in one file.
//!
//! A guest says something and hears it again. There are two versions. `Say` is in both, `Shout` in the first only,
//! `Repeat` in the second only.

use std::fmt;

use crate::{Carries, Fault, FromIncoming, Head, Incoming, Outcome, Peer, Protocol, Rejection};

/// The protocol.
#[derive(Clone, Copy, Debug)]
pub enum Echo {}

/// A version of the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Version {
    /// The first.
    One,
    /// The second.
    Two,
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::One => "1.0",
            Self::Two => "2.0",
        })
    }
}

/// Who speaks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Guest(pub &'static str);

impl fmt::Display for Guest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl Peer for Guest {}

impl<S: Sync> FromIncoming<Echo, S> for Guest {
    async fn from_incoming(incoming: &Incoming<Echo>, _state: &S) -> Result<Self, Rejection<Echo>> {
        Ok(incoming.head.peer().clone())
    }
}

/// What goes back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The echo.
    Text(String),
    /// There is none.
    Refused(Refusal),
}

/// Why there is no echo.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The code.
    pub code: &'static str,
    /// The text.
    pub cause: String,
}

impl Refusal {
    /// A refusal.
    pub fn new(code: &'static str, cause: impl Into<String>) -> Self {
        Self { code, cause: cause.into() }
    }
}

impl From<Refusal> for Answer {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

/// The text is not the one of its action.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NotUnderstood(pub &'static str);

impl Protocol for Echo {
    const NAME: &'static str = "echo";
    type Version = Version;
    type Message = String;
    type Peer = Guest;
    type Answer = Answer;
    type DecodeError = NotUnderstood;

    fn answer_fault(head: &Head<Self>, fault: Fault<Self>) -> Answer {
        let refusal = match fault {
            Fault::UnknownAction => Refusal::new("UnknownAction", head.action()),
            Fault::Undecodable(error) => Refusal::new("Undecodable", error.to_string()),
            Fault::TimedOut => Refusal::new("TimedOut", ""),
            Fault::Layer(_) => Refusal::new("Busy", ""),
            Fault::Missing { .. } | Fault::Failed(_) | Fault::Panicked { .. } => Refusal::new("Internal", ""),
        };
        refusal.into()
    }

    fn outcome(answer: &Answer) -> Outcome<'_> {
        match answer {
            Answer::Text(_) => Outcome::Accepted,
            Answer::Refused(refusal) => Outcome::refused(refusal.code, &refusal.cause),
        }
    }
}

/// The echo of [`Say`] and [`Shout`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said(pub String);

/// Something said. Not nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Say {
    /// What is said.
    pub text: String,
}

impl Carries<Say> for Echo {
    const ACTION: &'static str = "Say";
    const VERSIONS: &'static [Version] = &[Version::One, Version::Two];
    type Response = Said;

    fn decode(message: &String) -> Result<Say, NotUnderstood> {
        if message.is_empty() {
            return Err(NotUnderstood("nothing was said"));
        }
        Ok(Say { text: message.clone() })
    }

    fn encode(said: Said) -> Answer {
        Answer::Text(said.0)
    }
}

/// Something said loudly.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shout {
    /// What is said.
    pub text: String,
}

impl Carries<Shout> for Echo {
    const ACTION: &'static str = "Shout";
    const VERSIONS: &'static [Version] = &[Version::One];
    type Response = Said;

    fn decode(message: &String) -> Result<Shout, NotUnderstood> {
        Ok(Shout { text: message.clone() })
    }

    fn encode(said: Said) -> Answer {
        Answer::Text(said.0)
    }
}

/// Something to be said several times: `3 Hello`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repeat {
    /// How often.
    pub times: usize,
    /// What is said.
    pub text: String,
}

/// The echo of [`Repeat`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repeated(pub Vec<String>);

impl Carries<Repeat> for Echo {
    const ACTION: &'static str = "Repeat";
    const VERSIONS: &'static [Version] = &[Version::Two];
    type Response = Repeated;

    fn decode(message: &String) -> Result<Repeat, NotUnderstood> {
        let (times, text) = message.split_once(' ').ok_or(NotUnderstood("there is no number"))?;
        let times = times.parse().map_err(|_| NotUnderstood("the number is none"))?;
        Ok(Repeat { times, text: text.to_owned() })
    }

    fn encode(repeated: Repeated) -> Answer {
        Answer::Text(repeated.0.join(" "))
    }
}

/// A message of the guest Narcissus.
pub fn incoming(version: Version, action: &'static str, text: &str) -> Incoming<Echo> {
    Incoming::new(Head::new(version, action, "7", Guest("narcissus")), text.to_owned())
}
