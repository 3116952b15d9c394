//! What was exchanged with whom: all that the rules need to know of the past.

mod memory;
mod subject;

use std::future::Future;
use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::Date;
use tieline_types::EntityAddress;

use crate::value::MessageId;
use crate::{MessageType, Participant, Payload};

pub use memory::MemoryHistory;

/// Which way a message went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Direction {
    /// The counterparty sent it to us.
    Received,
    /// We sent it, or it waits to be delivered.
    Sent,
}

/// What has become of a request; an answer has no fate of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fate {
    /// It is not answered yet.
    Open,
    /// Its answer accepts it.
    Accepted,
    /// Its answer rejects it, or it could not be delivered: it counts for nothing.
    Rejected,
}

/// One message that was exchanged, and what has become of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exchanged {
    /// The other side.
    pub counterparty: Participant,
    /// Which way it went.
    pub direction: Direction,
    /// When it was received, or made.
    pub at: Timestamp,
    /// The message.
    pub payload: Payload,
    /// What has become of it.
    pub fate: Fate,
}

/// Where it is kept what was exchanged: the storage port of the rules.
///
/// Every request that was sent or received is in it, whatever became of it; of one that is being decided on it is known
/// that it is [`Fate::Open`]. The order is that of [`Exchanged::at`].
pub trait History: Send + Sync {
    /// The message with this identifier, which `counterparty` sent or received.
    fn message(
        &self,
        counterparty: &Participant,
        id: MessageId,
    ) -> impl Future<Output = Result<Option<Exchanged>, HistoryError>> + Send;

    /// The messages, to or from `counterparty`, that refer to the one with this identifier: the offers for a request,
    /// the orders and revocations of an offer.
    fn referring_to(
        &self,
        counterparty: &Participant,
        id: MessageId,
    ) -> impl Future<Output = Result<Vec<Exchanged>, HistoryError>> + Send;

    /// The messages of a type about one day at one place: a congestion point, or of Metering the connection that its EAN
    /// names ([`Payload::place`]). Of many that were not rejected at least the latest 64.
    fn about(
        &self,
        counterparty: &Participant,
        message_type: MessageType,
        congestion_point: &EntityAddress,
        period: Date,
    ) -> impl Future<Output = Result<Vec<Exchanged>, HistoryError>> + Send;

    /// The messages of a type about the days from `first` to `last`, both included. Of a FlexSettlement its whole period
    /// counts, so that one that overlaps is found.
    fn within(
        &self,
        counterparty: &Participant,
        message_type: MessageType,
        first: Date,
        last: Date,
    ) -> impl Future<Output = Result<Vec<Exchanged>, HistoryError>> + Send;
}

impl<H: History> History for Arc<H> {
    fn message(
        &self,
        counterparty: &Participant,
        id: MessageId,
    ) -> impl Future<Output = Result<Option<Exchanged>, HistoryError>> + Send {
        H::message(self, counterparty, id)
    }

    fn referring_to(
        &self,
        counterparty: &Participant,
        id: MessageId,
    ) -> impl Future<Output = Result<Vec<Exchanged>, HistoryError>> + Send {
        H::referring_to(self, counterparty, id)
    }

    fn about(
        &self,
        counterparty: &Participant,
        message_type: MessageType,
        congestion_point: &EntityAddress,
        period: Date,
    ) -> impl Future<Output = Result<Vec<Exchanged>, HistoryError>> + Send {
        H::about(self, counterparty, message_type, congestion_point, period)
    }

    fn within(
        &self,
        counterparty: &Participant,
        message_type: MessageType,
        first: Date,
        last: Date,
    ) -> impl Future<Output = Result<Vec<Exchanged>, HistoryError>> + Send {
        H::within(self, counterparty, message_type, first, last)
    }
}

/// The history cannot be read now. Nothing is decided on a message meanwhile.
#[derive(Debug, thiserror::Error)]
#[error("the history cannot be read: {0}")]
pub struct HistoryError(#[source] pub Box<dyn std::error::Error + Send + Sync>);
