//! What was exchanged, from the node's records and its journal.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use tieline_store::{ChangeSet, MessageName, Records as _, Store, StoreError};
use tieline_types::{EntityAddress, TimeSpan};
use tieline_uftp::value::MessageId;
use tieline_uftp::{
    Direction, Exchanged, Fate, History, HistoryError, Limits, MessageType, Participant, Payload, SignedMessage,
    Tolerance, parse,
};

use super::inbox::participant;
use super::letter::UFTP;
use super::storage::NodeStorage;
use crate::market::{self, Referring, message_key};

/// What keeps a message among those that others are judged by.
pub(super) fn exchanged_record(exchanged: &Exchanged) -> Result<ChangeSet, StoreError> {
    let (payload, counterparty) = (&exchanged.payload, exchanged.counterparty.to_string());
    let message_id = payload.header().message_id.to_string();
    let mut changes = ChangeSet::new();
    changes.put(&market::Exchanged {
        about: subject(&exchanged.counterparty, payload.message_type(), place(payload).as_deref()),
        days: payload.periods().and_then(|days| span(*days.start(), *days.end())),
        sent: exchanged.direction == Direction::Sent,
        at: exchanged.at,
        fate: kept(exchanged.fate),
        counterparty: counterparty.clone(),
        message_id: message_id.clone(),
    })?;
    for to in payload.references() {
        let (counterparty, message_id, to) = (counterparty.clone(), message_id.clone(), to.to_string());
        changes.put(&Referring { counterparty, message_id, to })?;
    }
    Ok(changes)
}

/// What notes the fate of a message; nothing if it is not known, or its fate is known already.
pub(super) async fn fate_record(store: &dyn Store, key: &str, fate: Fate) -> Result<ChangeSet, StoreError> {
    let mut changes = ChangeSet::new();
    if let Some(mut known) = store.record::<market::Exchanged>(key).await?
        && known.value.fate == market::Fate::Open
    {
        known.value.fate = kept(fate);
        changes.replace(&known.value, known.version)?;
    }
    Ok(changes)
}

/// What messages of one type with one counterparty are found by: orders and settlements also without a place.
fn subject(counterparty: &Participant, message_type: MessageType, place: Option<&str>) -> String {
    let anywhere = matches!(message_type, MessageType::FlexOrder | MessageType::FlexSettlement);
    match place.filter(|_| !anywhere) {
        Some(place) => format!("{counterparty} {message_type} {place}"),
        None => format!("{counterparty} {message_type}"),
    }
}

fn place(payload: &Payload) -> Option<String> {
    payload.congestion_point().map(ToString::to_string)
}

/// The days as days of UTC, which only keeps them apart and in order.
fn span(first: Date, last: Date) -> Option<TimeSpan> {
    let start = first.to_zoned(TimeZone::UTC).ok()?.timestamp();
    let end = last.tomorrow().ok()?.to_zoned(TimeZone::UTC).ok()?.timestamp();
    TimeSpan::new(start, end)
}

const fn kept(fate: Fate) -> market::Fate {
    match fate {
        Fate::Open => market::Fate::Open,
        Fate::Accepted => market::Fate::Accepted,
        Fate::Rejected => market::Fate::Rejected,
    }
}

const fn read(fate: market::Fate) -> Fate {
    match fate {
        market::Fate::Open => Fate::Open,
        market::Fate::Accepted => Fate::Accepted,
        market::Fate::Rejected => Fate::Rejected,
    }
}

impl NodeStorage {
    /// The message that a record is of, from the journal.
    pub(crate) async fn exchanged(&self, record: market::Exchanged) -> Result<Exchanged, HistoryError> {
        let damaged = |cause: &dyn std::fmt::Display| {
            let (peer, id) = (&record.counterparty, &record.message_id);
            HistoryError(format!("the message {id} with {peer} can't be read any more: {cause}").into())
        };
        let (direction, stored) = if record.sent {
            (Direction::Sent, tieline_store::Direction::Sent)
        } else {
            (Direction::Received, tieline_store::Direction::Received)
        };
        let named = MessageName {
            direction: stored,
            protocol: UFTP.to_owned(),
            peer: record.counterparty.clone(),
            message_id: record.message_id.clone(),
        };
        let envelope = self.context.store.message(&named).await.map_err(unreadable)?;
        let envelope = envelope.ok_or_else(|| damaged(&"it is not in the journal"))?;
        let signed = SignedMessage::parse(&envelope, &Limits::default()).map_err(|cause| damaged(&cause))?;
        let payload = signed.unverified_payload().ok_or_else(|| damaged(&"it holds no payload"))?;
        Ok(Exchanged {
            counterparty: participant(&record.counterparty).ok_or_else(|| damaged(&"its counterparty is none"))?,
            direction,
            at: record.at,
            payload: parse(&payload, &Tolerance::LENIENT).map_err(|cause| damaged(&cause))?,
            fate: read(record.fate),
        })
    }

    async fn found(
        &self,
        subject: &str,
        within: Option<TimeSpan>,
        wanted: impl Fn(&Exchanged) -> bool,
    ) -> Result<Vec<Exchanged>, HistoryError> {
        let records = self.context.store.records_of::<market::Exchanged>(subject, within).await;
        let mut found = Vec::new();
        for record in records.map_err(unreadable)? {
            let exchanged = self.exchanged(record.value).await?;
            if wanted(&exchanged) {
                found.push(exchanged);
            }
        }
        found.sort_by_key(|exchanged| exchanged.at);
        Ok(found)
    }
}

impl History for NodeStorage {
    async fn message(
        &self,
        counterparty: &Participant,
        id: MessageId,
    ) -> Result<Option<Exchanged>, HistoryError> {
        let key = message_key(counterparty, id);
        match self.context.store.record::<market::Exchanged>(&key).await.map_err(unreadable)? {
            Some(known) => self.exchanged(known.value).await.map(Some),
            None => Ok(None),
        }
    }

    async fn referring_to(
        &self,
        counterparty: &Participant,
        id: MessageId,
    ) -> Result<Vec<Exchanged>, HistoryError> {
        let subject = message_key(counterparty, id);
        let referring = self.context.store.records_of::<Referring>(&subject, None).await.map_err(unreadable)?;
        let mut found = Vec::new();
        for one in referring {
            let key = message_key(&one.value.counterparty, &one.value.message_id);
            if let Some(known) = self.context.store.record::<market::Exchanged>(&key).await.map_err(unreadable)? {
                found.push(self.exchanged(known.value).await?);
            }
        }
        found.sort_by_key(|exchanged| exchanged.at);
        Ok(found)
    }

    async fn about(
        &self,
        counterparty: &Participant,
        message_type: MessageType,
        congestion_point: &EntityAddress,
        period: Date,
    ) -> Result<Vec<Exchanged>, HistoryError> {
        let subject = subject(counterparty, message_type, Some(congestion_point.as_str()));
        self.found(&subject, span(period, period), |found| {
            found.payload.congestion_point() == Some(congestion_point)
        })
        .await
    }

    async fn within(
        &self,
        counterparty: &Participant,
        message_type: MessageType,
        first: Date,
        last: Date,
    ) -> Result<Vec<Exchanged>, HistoryError> {
        let subject = subject(counterparty, message_type, None);
        self.found(&subject, span(first, last), |_| true).await
    }
}

fn unreadable(failure: StoreError) -> HistoryError {
    HistoryError(Box::new(failure))
}
