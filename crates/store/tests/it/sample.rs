//! Messages and records to store.

use bytes::Bytes;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tieline_store::{Outgoing, Received, Record};
use tieline_types::TimeSpan;

/// An instant, in seconds from the start of the test's day.
pub(crate) fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_780_000_000 + second).unwrap()
}

pub(crate) fn span(start: i64, end: i64) -> TimeSpan {
    TimeSpan::new(at(start), at(end)).unwrap()
}

pub(crate) fn received(message_id: &str, conversation: &str, body: &str) -> Received {
    Received {
        protocol: "uftp",
        peer: "dso.example".to_owned(),
        recipient: "agr.example".to_owned(),
        message_id: message_id.to_owned(),
        conversation: conversation.to_owned(),
        label: "FlexRequest".to_owned(),
        raw: Bytes::from(format!("sealed {body}")),
        body: Bytes::from(body.to_owned()),
        note: String::new(),
        received_at: at(0),
    }
}

pub(crate) fn outgoing(message_id: &str, conversation: &str) -> Outgoing {
    Outgoing {
        protocol: "uftp",
        recipient: "dso.example".to_owned(),
        conversation: conversation.to_owned(),
        message_id: message_id.to_owned(),
        label: "FlexOffer".to_owned(),
        body: Bytes::from(format!("sealed {message_id}")),
        made_at: at(0),
        deadline: at(3600),
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Promise {
    pub(crate) name: String,
    pub(crate) point: String,
    pub(crate) watts: i64,
    pub(crate) when: Option<TimeSpan>,
    pub(crate) open: bool,
}

impl Promise {
    pub(crate) fn new(name: &str, watts: i64) -> Self {
        Self {
            name: name.to_owned(),
            point: "ean.123456789012345678".to_owned(),
            watts,
            when: Some(span(0, 900)),
            open: true,
        }
    }
}

impl Record for Promise {
    const KIND: &'static str = "promise";

    fn key(&self) -> String {
        self.name.clone()
    }

    fn subject(&self) -> String {
        self.point.clone()
    }

    fn span(&self) -> Option<TimeSpan> {
        self.when
    }

    fn open(&self) -> bool {
        self.open
    }
}
