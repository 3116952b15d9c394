//! What happens to messages of ours without a peer saying anything.

use tieline_store::{ChangeSet, Records as _, StoreError, Timer};
use tieline_uftp::Exchanged;
use tieline_uftp::service::{Event, EventWork, Events};
use tracing::warn;

use super::NodeStorage;
use super::storage::failed;
use super::undeliverable::undeliverable;
use crate::context::Context;
use crate::market;

/// Marks the market's book by what has become of messages.
#[derive(Clone, Debug)]
pub(crate) struct MarketEvents {
    pub(crate) context: Context,
    /// The role of this node, as the journal names it.
    pub(crate) by: &'static str,
}

impl Events<ChangeSet> for MarketEvents {
    fn work(&self, event: Event) -> EventWork<'_, ChangeSet> {
        Box::pin(async move {
            match event {
                Event::Undeliverable(letter) => undeliverable(&self.context, &letter).await.map_err(failed),
                Event::Expired(request) => Ok(self.unanswered(&request)),
                _ => Ok(ChangeSet::new()),
            }
        })
    }
}

/// Notices answers that are missing.
#[derive(Clone, Debug)]
pub(crate) struct Replies {
    pub(crate) events: MarketEvents,
    pub(crate) storage: NodeStorage,
}

impl Replies {
    /// The timer of a request: if its answer is not there by now, that is journalled.
    pub(crate) async fn due(&self, fired: Timer) -> Result<ChangeSet, StoreError> {
        let store = &self.storage.context.store;
        let known = store.record::<market::Exchanged>(&fired.subject).await?;
        let mut changes = ChangeSet::new();
        if let Some(known) = known.filter(|known| known.value.fate == market::Fate::Open) {
            match self.storage.exchanged(known.value).await {
                Ok(request) => changes = self.events.unanswered(&request),
                Err(cause) => warn!(request = fired.subject, %cause, "an answer is missing"),
            }
        }
        changes.clear_timer(fired);
        Ok(changes)
    }
}

impl MarketEvents {
    fn unanswered(&self, request: &Exchanged) -> ChangeSet {
        let (message_type, header) = (request.payload.message_type(), request.payload.header());
        let peer = &request.counterparty;
        warn!(%peer, %message_type, message_id = %header.message_id, "no answer came in time");
        let mut changes = ChangeSet::new();
        let (about, conversation) = (peer.domain.to_string(), header.conversation_id.to_string());
        let grounds = format!("{message_type} {} has no answer", header.message_id);
        changes.decide(self.context.now(), self.by, about, "Unanswered", conversation, grounds);
        changes
    }
}
