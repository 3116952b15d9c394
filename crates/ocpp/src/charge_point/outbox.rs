//! What a station owes its CSMS: messages about transactions, which are kept until they have arrived.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ocpp_kit::engine::{MessageStore, QueuedCall, Seq, StoreError};
use ocpp_kit::message::MessageKind;
use tokio::sync::Notify;

use crate::RawValue;

/// A message that waits for its delivery.
#[derive(Clone, Debug)]
pub(crate) struct Owed {
    /// Its number in the store.
    pub number: u64,
    /// The action.
    pub action: String,
    /// The payload as it was made.
    pub payload: Box<RawValue>,
    /// How often it was sent already.
    pub attempts: u32,
}

/// The messages in the order in which they came about.
#[derive(Clone)]
pub(crate) struct Outbox {
    kept: Arc<Mutex<Kept>>,
    limit: usize,
    changed: Arc<Notify>,
}

struct Kept {
    store: Box<dyn MessageStore + Send>,
    /// What the store holds, since a store may be slow to read.
    pending: VecDeque<(Seq, QueuedCall)>,
}

impl Outbox {
    /// Takes up what the store holds from before.
    pub(crate) fn new(store: Box<dyn MessageStore + Send>, limit: usize) -> Result<Self, StoreError> {
        let pending = store.pending()?.into();
        let kept = Arc::new(Mutex::new(Kept { store, pending }));
        Ok(Self { kept, limit, changed: Arc::new(Notify::new()) })
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps a message behind all others. When there are too many, intermediate ones make room.
    pub(crate) fn push(&self, action: &str, payload: Box<RawValue>) -> Result<(), StoreError> {
        let entry = QueuedCall {
            action: action.to_owned(),
            payload,
            kind: MessageKind::Call,
            attempts: 0,
            transactional: true,
        };
        let mut kept = self.kept();
        if kept.pending.len() >= self.limit {
            kept.thin()?;
        }
        if kept.pending.len() >= self.limit {
            return Err(StoreError::new("the queue of messages is full"));
        }
        let number = kept.store.push(&entry)?;
        kept.pending.push_back((number, entry));
        self.changed.notify_one();
        Ok(())
    }

    /// The message whose turn it is.
    pub(crate) fn first(&self) -> Option<Owed> {
        let kept = self.kept();
        let (number, QueuedCall { action, payload, attempts, .. }) = kept.pending.front()?.clone();
        Some(Owed { number, action, payload, attempts })
    }

    pub(crate) fn attempted(&self, number: u64, attempts: u32) -> Result<(), StoreError> {
        let mut kept = self.kept();
        if let Some((_, entry)) = kept.pending.iter_mut().find(|(known, _)| *known == number) {
            entry.attempts = attempts;
        }
        kept.store.set_attempts(number, attempts)
    }

    pub(crate) fn remove(&self, number: u64) -> Result<(), StoreError> {
        let mut kept = self.kept();
        kept.pending.retain(|(known, _)| *known != number);
        kept.store.ack(number)
    }

    pub(crate) fn len(&self) -> usize {
        self.kept().pending.len()
    }

    /// Whether a message is waiting whose payload is about this transaction (GetTransactionStatus, 2.x E14).
    pub(crate) fn holds(&self, transaction: &str) -> bool {
        self.kept().pending.iter().any(|(_, entry)| is_about(entry, transaction))
    }

    /// Whether a message with this action is waiting.
    pub(crate) fn holds_any(&self, action: &str) -> bool {
        self.kept().pending.iter().any(|(_, entry)| entry.action == action)
    }

    /// Returns when a message was added, at once if one was since the last time.
    pub(crate) async fn changed(&self) {
        self.changed.notified().await;
    }
}

fn is_about(entry: &QueuedCall, transaction: &str) -> bool {
    let Ok(payload) = serde_json::from_str::<serde_json::Value>(entry.payload.get()) else { return false };
    payload.pointer("/transactionInfo/transactionId").is_some_and(|id| id == transaction)
}

impl Kept {
    /// Every second message that only says how a transaction goes on, or comes again anyway, is given up, never the first
    /// and last of a transaction (2.x E04).
    fn thin(&mut self) -> Result<(), StoreError> {
        let intermediate = self.pending.iter().filter(|(_, entry)| is_intermediate(entry));
        let given_up: Vec<Seq> = intermediate.skip(1).step_by(2).map(|(number, _)| *number).collect();
        for number in given_up {
            tracing::warn!(protocol = "ocpp", number, "a message was given up: too many are waiting");
            self.store.ack(number)?;
            self.pending.retain(|(known, _)| *known != number);
        }
        Ok(())
    }
}

fn is_intermediate(entry: &QueuedCall) -> bool {
    match entry.action.as_str() {
        "MeterValues" => true,
        "TransactionEvent" => serde_json::from_str::<serde_json::Value>(entry.payload.get())
            .is_ok_and(|payload| payload.get("eventType").is_some_and(|kind| kind == "Updated")),
        // What comes again and again.
        "NotifyEvent" => {
            serde_json::from_str::<serde_json::Value>(entry.payload.get()).is_ok_and(|payload| {
                let events = payload.get("eventData").and_then(serde_json::Value::as_array);
                events.is_some_and(|events| {
                    events
                        .iter()
                        .all(|event| event.get("trigger").is_some_and(|trigger| trigger == "Periodic"))
                })
            })
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use ocpp_kit::engine::MemStore;

    use super::*;

    fn json(text: &str) -> Box<RawValue> {
        RawValue::from_string(text.to_owned()).unwrap()
    }

    fn event(kind: &str, sequence: u32) -> Box<RawValue> {
        json(&format!(
            r#"{{"eventType":"{kind}","seqNo":{sequence},"transactionInfo":{{"transactionId":"T"}}}}"#
        ))
    }

    #[test]
    fn intermediate_messages_make_room_and_others_never_do() {
        let outbox = Outbox::new(Box::new(MemStore::new()), 6).unwrap();
        outbox.push("TransactionEvent", event("Started", 0)).unwrap();
        for sequence in 1..5 {
            outbox.push("TransactionEvent", event("Updated", sequence)).unwrap();
        }
        outbox.push("TransactionEvent", event("Ended", 5)).unwrap();
        outbox.push("StartTransaction", json("{}")).unwrap();
        let mut left = Vec::new();
        while let Some(first) = outbox.first() {
            left.push(first.payload.get().to_owned());
            outbox.remove(first.number).unwrap();
        }
        let expected =
            [event("Started", 0), event("Updated", 1), event("Updated", 3), event("Ended", 5), json("{}")];
        assert_eq!(left, expected.map(|payload| payload.get().to_owned()));

        let full = Outbox::new(Box::new(MemStore::new()), 1).unwrap();
        full.push("StartTransaction", json("{}")).unwrap();
        assert!(full.push("StopTransaction", json("{}")).is_err());
        assert_eq!(full.len(), 1);
    }

    #[test]
    fn events_that_come_again_make_room_and_alerts_do_not() {
        let said = |trigger: &str| json(&format!(r#"{{"eventData":[{{"trigger":"{trigger}"}}]}}"#));
        let outbox = Outbox::new(Box::new(MemStore::new()), 4).unwrap();
        for trigger in ["Periodic", "Alerting", "Periodic", "Delta", "Alerting"] {
            outbox.push("NotifyEvent", said(trigger)).unwrap();
        }
        let mut left = Vec::new();
        while let Some(first) = outbox.first() {
            left.push(first.payload.get().to_owned());
            outbox.remove(first.number).unwrap();
        }
        let expected = ["Periodic", "Alerting", "Delta", "Alerting"];
        assert_eq!(left, expected.map(|trigger| said(trigger).get().to_owned()));
    }

    #[test]
    fn it_knows_whether_a_transaction_has_messages_in_the_queue() {
        let outbox = Outbox::new(Box::new(MemStore::new()), 6).unwrap();
        outbox.push("TransactionEvent", event("Started", 0)).unwrap();
        assert!(outbox.holds("T"));
        assert!(!outbox.holds("U"));
        assert!(outbox.holds_any("TransactionEvent") && !outbox.holds_any("NotifyEvent"));
    }
}
