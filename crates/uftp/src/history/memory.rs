//! A history in memory.

use std::future::{Future, ready};
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use jiff::civil::Date;
use tieline_types::EntityAddress;

use super::{Exchanged, Fate, History, HistoryError};
use crate::value::MessageId;
use crate::{MessageType, Participant};

/// A [`History`] in memory, for tests, tools and examples. It is gone when the process ends, and grows until
/// [`forget_before`](Self::forget_before) is called.
///
/// ```
/// use tieline_uftp::{Direction, Exchanged, Fate, MemoryHistory, Participant, Payload, Role, Tolerance, parse};
///
/// let payload = parse(
///     br#"<TestMessage Version="3.1.0" SenderDomain="agr.example.com" RecipientDomain="dso.example.com"
///         TimeStamp="2026-06-03T14:30:00Z" MessageID="e8f6e2b3-0418-49ba-8e5b-56d1da8abf9a"
///         ConversationID="b24e9760-2919-43ee-8c16-833c977f976f"/>"#,
///     &Tolerance::STRICT,
/// )?;
/// let counterparty = Participant { role: Role::Agr, domain: "agr.example.com".parse()? };
/// let id = payload.header().message_id;
/// let history = MemoryHistory::new();
/// history.record(Exchanged {
///     counterparty: counterparty.clone(),
///     direction: Direction::Received,
///     at: "2026-06-03T14:30:01Z".parse()?,
///     payload,
///     fate: Fate::Open,
/// });
/// assert!(history.settle(&counterparty, id, Fate::Accepted));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Default)]
pub struct MemoryHistory {
    /// In the order of [`Exchanged::at`]; what came at one instant, in the order in which it was recorded.
    exchanged: Mutex<Vec<Exchanged>>,
}

impl MemoryHistory {
    /// An empty history.
    pub const fn new() -> Self {
        Self { exchanged: Mutex::new(Vec::new()) }
    }

    /// Keeps a message. One that is there already, of the same counterparty with the same identifier, stays as it is.
    pub fn record(&self, exchanged: Exchanged) {
        let mut all = self.all();
        let id = exchanged.payload.header().message_id;
        if all.iter().any(|known| is(known, &exchanged.counterparty, id)) {
            return;
        }
        let place = all.partition_point(|known| known.at <= exchanged.at);
        all.insert(place, exchanged);
    }

    /// Says what has become of a message; `false` if it is not there.
    pub fn settle(&self, counterparty: &Participant, id: MessageId, fate: Fate) -> bool {
        match self.all().iter_mut().find(|known| is(known, counterparty, id)) {
            Some(known) => {
                known.fate = fate;
                true
            }
            None => false,
        }
    }

    /// Forgets what was exchanged before an instant.
    pub fn forget_before(&self, instant: Timestamp) {
        self.all().retain(|known| known.at >= instant);
    }

    fn all(&self) -> MutexGuard<'_, Vec<Exchanged>> {
        self.exchanged.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn with(&self, counterparty: &Participant, wanted: impl Fn(&Exchanged) -> bool) -> Vec<Exchanged> {
        let all = self.all();
        all.iter().filter(|known| known.counterparty == *counterparty && wanted(known)).cloned().collect()
    }
}

impl History for MemoryHistory {
    fn message(
        &self,
        counterparty: &Participant,
        id: MessageId,
    ) -> impl Future<Output = Result<Option<Exchanged>, HistoryError>> + Send {
        ready(Ok(self.all().iter().find(|known| is(known, counterparty, id)).cloned()))
    }

    fn referring_to(
        &self,
        counterparty: &Participant,
        id: MessageId,
    ) -> impl Future<Output = Result<Vec<Exchanged>, HistoryError>> + Send {
        ready(Ok(self.with(counterparty, |known| known.payload.references().contains(&id))))
    }

    fn about(
        &self,
        counterparty: &Participant,
        message_type: MessageType,
        congestion_point: &EntityAddress,
        period: Date,
    ) -> impl Future<Output = Result<Vec<Exchanged>, HistoryError>> + Send {
        ready(Ok(self.with(counterparty, |known| {
            let payload = &known.payload;
            payload.message_type() == message_type
                && payload.place().as_ref() == Some(congestion_point)
                && payload.periods().is_some_and(|periods| periods.contains(&period))
        })))
    }

    fn within(
        &self,
        counterparty: &Participant,
        message_type: MessageType,
        first: Date,
        last: Date,
    ) -> impl Future<Output = Result<Vec<Exchanged>, HistoryError>> + Send {
        ready(Ok(self.with(counterparty, |known| {
            let payload = &known.payload;
            let overlap = |(start, end): (Date, Date)| start <= last && first <= end;
            payload.message_type() == message_type
                && payload.periods().is_some_and(|periods| overlap(periods.into_inner()))
        })))
    }
}

fn is(exchanged: &Exchanged, counterparty: &Participant, id: MessageId) -> bool {
    exchanged.counterparty == *counterparty && exchanged.payload.header().message_id == id
}
