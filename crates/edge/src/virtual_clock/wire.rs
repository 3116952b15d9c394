//! What a time server and its participants say to each other: JSON, one object per line, over TCP.
//!
//! A participant says [`Hello`](FromParticipant::Hello) and is told the [`Time`](FromServer::Time), which it [`Shows`](FromParticipant::Shows);
//! once all show it, waits for it [`End`](FromServer::End), so that nobody is given work by somebody who is ahead. Each reports
//! whenever nothing is left to do any more, and answers every [`Probe`](FromServer::Probe).
//!
//! There is no authentication: a time server belongs on loopback.

use std::io;
use std::marker::PhantomData;

use futures_util::{SinkExt as _, StreamExt as _};
use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tieline_types::Stillness;
use tokio::net::TcpStream;
use tokio_util::codec::{Framed, LinesCodec, LinesCodecError};

/// The version of this protocol.
pub const VERSION: u16 = 1;

/// The longest line, in bytes.
pub const MAX_LINE: usize = 1024;

/// The longest name of a participant, in bytes.
pub const MAX_NAME: usize = 128;

/// What a participant says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum FromParticipant {
    /// Who it is; the first line.
    Hello {
        /// [`VERSION`].
        version: u16,
        /// The participant's name.
        name: String,
    },
    /// Its clock shows this instant, and no wait has ended by that yet.
    Shows {
        /// The instant.
        now: Timestamp,
        /// What is so if no wait will end by it, and nothing else is left to do.
        still: Option<Stillness>,
    },
    /// Whether it has anything left to do.
    Report {
        /// The probe that this answers, if it does.
        round: Option<u64>,
        /// What is so while it has nothing left to do; `None` while it has.
        still: Option<Stillness>,
    },
}

/// What the time server says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum FromServer {
    /// The present instant: the answer to a hello, and whenever time moves on. It is to be shown.
    Time {
        /// The instant.
        now: Timestamp,
    },
    /// All participants show this instant: what waits for it begins. To be followed by a report. Not said to those who said that
    /// nothing waits.
    End {
        /// The instant.
        now: Timestamp,
    },
    /// A question that is to be answered at once: is there anything left to do?
    Probe {
        /// To be repeated in the answer.
        round: u64,
    },
    /// The participant is not wanted; the last line.
    Refused {
        /// Why.
        cause: String,
    },
}

/// What is wrong with what the other end said, or with the way to it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WireError {
    /// The connection broke.
    #[error("the connection broke")]
    Io(#[from] io::Error),
    /// A line is longer than [`MAX_LINE`].
    #[error("a line is longer than {MAX_LINE} bytes")]
    TooLong,
    /// A line is no message of this protocol.
    #[error("a line can't be read: {0}")]
    Unreadable(String),
}

impl WireError {
    /// Whether trying again later may help: a connection can be made anew, a peer that speaks something else stays so.
    pub fn retry(&self) -> bool {
        matches!(self, Self::Io(_))
    }
}

/// A connection on which `In` is said to us and `Out` by us.
#[derive(Debug)]
pub struct Lines<In, Out> {
    framed: Framed<TcpStream, LinesCodec>,
    says: PhantomData<fn(Out) -> In>,
}

impl<In: DeserializeOwned, Out: Serialize> Lines<In, Out> {
    /// Speaks over this socket.
    pub fn over(socket: TcpStream) -> Result<Self, WireError> {
        // Each line is waited for.
        socket.set_nodelay(true)?;
        let framed = Framed::new(socket, LinesCodec::new_with_max_length(MAX_LINE));
        Ok(Self { framed, says: PhantomData })
    }

    /// What is said next; `None` once the other end has closed the connection. Cancel safe.
    pub async fn next(&mut self) -> Option<Result<In, WireError>> {
        let line = self.framed.next().await?;
        Some(line.map_err(WireError::from).and_then(|line| {
            serde_json::from_str(&line).map_err(|error| WireError::Unreadable(error.to_string()))
        }))
    }

    /// Says something.
    pub async fn say(&mut self, message: &Out) -> Result<(), WireError> {
        let line =
            serde_json::to_string(message).map_err(|error| WireError::Unreadable(error.to_string()))?;
        Ok(self.framed.send(line).await?)
    }
}

impl From<LinesCodecError> for WireError {
    fn from(error: LinesCodecError) -> Self {
        match error {
            LinesCodecError::MaxLineLengthExceeded => Self::TooLong,
            LinesCodecError::Io(error) => Self::Io(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lines_are_these() {
        let now = Timestamp::UNIX_EPOCH;
        let report = FromParticipant::Report {
            round: Some(3),
            still: Some(Stillness { now, activity: 7, next_wait: None }),
        };
        for (message, line) in [
            (
                FromParticipant::Hello { version: VERSION, name: "agr".to_owned() },
                r#"{"hello":{"version":1,"name":"agr"}}"#,
            ),
            (
                FromParticipant::Shows { now, still: None },
                r#"{"shows":{"now":"1970-01-01T00:00:00Z","still":null}}"#,
            ),
            (
                report,
                r#"{"report":{"round":3,"still":{"now":"1970-01-01T00:00:00Z","activity":7,"next_wait":null}}}"#,
            ),
        ] {
            assert_eq!(serde_json::to_string(&message).unwrap(), line);
            assert_eq!(serde_json::from_str::<FromParticipant>(line).unwrap(), message);
        }
        for (message, line) in [
            (FromServer::Time { now }, r#"{"time":{"now":"1970-01-01T00:00:00Z"}}"#),
            (FromServer::End { now }, r#"{"end":{"now":"1970-01-01T00:00:00Z"}}"#),
            (FromServer::Probe { round: 3 }, r#"{"probe":{"round":3}}"#),
        ] {
            assert_eq!(serde_json::to_string(&message).unwrap(), line);
            assert_eq!(serde_json::from_str::<FromServer>(line).unwrap(), message);
        }
        assert!(serde_json::from_str::<FromServer>(r#"{"time":{"now":"noon"}}"#).is_err());
        assert!(serde_json::from_str::<FromServer>(r#"{"probe":{"round":3,"name":"agr"}}"#).is_err());
    }
}
