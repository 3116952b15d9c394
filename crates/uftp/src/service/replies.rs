//! The answers that are waited for.

use std::sync::Arc;

use tieline_edge::work::Turn;
use tieline_types::Clock;
use tracing::warn;

use super::events::{Event, Events};
use crate::storage::{Step, Storage, StorageError};

/// How many one turn takes on.
const PER_TURN: usize = 64;

/// Notices requests whose answer is not there in time.
pub(super) struct Replies<S: Storage> {
    pub(super) storage: Arc<S>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) events: Arc<dyn Events<S::Work>>,
}

impl<S: Storage> Replies<S> {
    pub(super) async fn turn(&self) -> Result<Turn, StorageError> {
        let unanswered = self.storage.unanswered(self.clock.now(), PER_TURN).await?;
        if unanswered.is_empty() {
            return Ok(Turn::Until(self.storage.next_unanswered().await?));
        }
        for request in unanswered {
            let (peer, header) = (request.counterparty.clone(), request.payload.header());
            let (message_type, message_id) = (request.payload.message_type(), header.message_id);
            warn!(%peer, %message_type, %message_id, "no answer came in time");
            let work = self.events.work(Event::Expired(Box::new(request))).await?;
            let step = Step { expired: Some((peer, message_id)), work, ..Step::default() };
            match self.storage.commit(step).await {
                // Its answer came meanwhile, perhaps: it is looked at again.
                Err(StorageError::Conflict(_)) => {}
                done => done?,
            }
        }
        Ok(Turn::Again)
    }
}
