//! What was exchanged, from the node's records and its journal.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use jiff::Span;
use jiff::civil::Date;
use tieline_store::{ChangeSet, MessageName, Records as _, Store, StoreError};
use tieline_types::EntityAddress;
use tieline_uftp::value::MessageId;
use tieline_uftp::{
    Direction, Exchanged, Fate, History, HistoryError, Limits, MessageType, Participant, Payload,
    SignedMessage, Tolerance, parse,
};

use super::inbox::participant;
use super::letter::UFTP;
use super::storage::NodeStorage;
use crate::market::{self, ExchangedAbout, Referring, message_key};

/// Of the messages about one day and place only so many are looked at: the latest, those that were rejected last.
const LATEST: usize = 64;

/// How many days before a day a period may begin that overlaps it.
const LONGEST_PERIOD: i64 = 62;

/// What keeps a message among those that others are judged by.
pub(super) fn exchanged_record(exchanged: &Exchanged) -> Result<ChangeSet, StoreError> {
    let (payload, at) = (&exchanged.payload, exchanged.at);
    let (counterparty, message_id) =
        (exchanged.counterparty.to_string(), payload.header().message_id.to_string());
    let mut changes = ChangeSet::new();
    changes.put(&market::Exchanged {
        counterparty: counterparty.clone(),
        message_id: message_id.clone(),
        sent: exchanged.direction == Direction::Sent,
        at,
        fate: kept(exchanged.fate),
    })?;
    if let Some(periods) = payload.periods() {
        changes.put(&ExchangedAbout {
            counterparty: counterparty.clone(),
            message_id: message_id.clone(),
            message_type: payload.message_type().as_str().to_owned(),
            period: *periods.start(),
            place: payload.place().map(|place| place.to_string()),
            rejected: exchanged.fate == Fate::Rejected,
            at,
        })?;
    }
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

/// Messages that were read lately, so that those of a conversation are not read from the journal again and again.
#[derive(Debug, Default)]
pub(super) struct ReadLately(Mutex<HashMap<String, Payload>>);

impl ReadLately {
    /// Beyond it all are forgotten.
    const MOST: usize = 1024;

    fn find(&self, key: &str) -> Option<Payload> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(key).cloned()
    }

    pub(super) fn keep(&self, key: String, payload: &Payload) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= Self::MOST {
            all.clear();
        }
        all.insert(key, payload.clone());
    }
}

impl NodeStorage {
    /// The message that a record is of.
    pub(crate) async fn exchanged(&self, record: market::Exchanged) -> Result<Exchanged, HistoryError> {
        let key = message_key(&record.counterparty, &record.message_id);
        let payload = if let Some(payload) = self.read_lately.find(&key) {
            payload
        } else {
            let payload = self.journalled(&record).await?;
            self.read_lately.keep(key, &payload);
            payload
        };
        let counterparty = participant(&record.counterparty)
            .ok_or_else(|| HistoryError(format!("`{}` is no participant", record.counterparty).into()))?;
        let direction = if record.sent { Direction::Sent } else { Direction::Received };
        Ok(Exchanged { counterparty, direction, at: record.at, payload, fate: read(record.fate) })
    }

    async fn journalled(&self, record: &market::Exchanged) -> Result<Payload, HistoryError> {
        let damaged = |cause: &dyn std::fmt::Display| {
            let (peer, id) = (&record.counterparty, &record.message_id);
            HistoryError(format!("the message {id} with {peer} can't be read any more: {cause}").into())
        };
        let named = MessageName {
            direction: if record.sent {
                tieline_store::Direction::Sent
            } else {
                tieline_store::Direction::Received
            },
            protocol: UFTP.to_owned(),
            peer: record.counterparty.clone(),
            message_id: record.message_id.clone(),
        };
        let envelope = self.context.store.message(&named).await.map_err(unreadable)?;
        let envelope = envelope.ok_or_else(|| damaged(&"it is not in the journal"))?;
        let signed = SignedMessage::parse(&envelope, &Limits::default()).map_err(|cause| damaged(&cause))?;
        let payload = signed.unverified_payload().ok_or_else(|| damaged(&"it holds no payload"))?;
        parse(&payload, &Tolerance::LENIENT).map_err(|cause| damaged(&cause))
    }

    /// The messages with these names, in order of time.
    async fn named(
        &self,
        names: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Vec<Exchanged>, HistoryError> {
        let keys: Vec<String> = names.into_iter().map(|(with, id)| message_key(&with, &id)).collect();
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        let known = self.context.store.records::<market::Exchanged>(&keys).await.map_err(unreadable)?;
        let mut found = Vec::with_capacity(known.len());
        for record in known {
            found.push(self.exchanged(record.value).await?);
        }
        found.sort_by_key(|exchanged| exchanged.at);
        Ok(found)
    }

    async fn about_days(&self, from: &str, to: &str, most: usize) -> Result<Vec<Exchanged>, HistoryError> {
        let records = self.context.store.latest_records::<ExchangedAbout>(from, to, most).await;
        let names = records.map_err(unreadable)?.into_iter().map(|about| about.value);
        self.named(names.map(|about| (about.counterparty, about.message_id))).await
    }
}

impl History for NodeStorage {
    async fn message(
        &self,
        counterparty: &Participant,
        id: MessageId,
    ) -> Result<Option<Exchanged>, HistoryError> {
        Ok(self.named([(counterparty.to_string(), id.to_string())]).await?.pop())
    }

    async fn referring_to(
        &self,
        counterparty: &Participant,
        id: MessageId,
    ) -> Result<Vec<Exchanged>, HistoryError> {
        let from = Referring::to(&counterparty.to_string(), &id.to_string());
        let to = format!("{from}\u{7f}");
        let referring = self.context.store.latest_records::<Referring>(&from, &to, usize::MAX).await;
        let names = referring.map_err(unreadable)?.into_iter().map(|referring| referring.value);
        self.named(names.map(|referring| (referring.counterparty, referring.message_id))).await
    }

    async fn about(
        &self,
        counterparty: &Participant,
        message_type: MessageType,
        place: &EntityAddress,
        period: Date,
    ) -> Result<Vec<Exchanged>, HistoryError> {
        let counterparty = counterparty.to_string();
        let from = ExchangedAbout::at_place(&counterparty, message_type.as_str(), period, place.as_str());
        self.about_days(&from, &format!("{from}\u{7f}"), LATEST).await
    }

    async fn within(
        &self,
        counterparty: &Participant,
        message_type: MessageType,
        first: Date,
        last: Date,
    ) -> Result<Vec<Exchanged>, HistoryError> {
        // What covers several days is found by the first of them.
        let of_periods = message_type == MessageType::FlexSettlement;
        let earliest =
            if of_periods { first.saturating_sub(Span::new().days(LONGEST_PERIOD)) } else { first };
        let counterparty = counterparty.to_string();
        let key = |day| ExchangedAbout::from_day(&counterparty, message_type.as_str(), day);
        let mut found = self.about_days(&key(earliest), &format!("{}\u{7f}", key(last)), usize::MAX).await?;
        found.retain(|known| {
            known.payload.periods().is_some_and(|days| *days.start() <= last && first <= *days.end())
        });
        Ok(found)
    }
}

fn unreadable(failure: StoreError) -> HistoryError {
    HistoryError(Box::new(failure))
}
