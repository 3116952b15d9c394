use std::collections::BTreeSet;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::value::RawValue;
use tieline_edge::work::{Turn, UnderWay};
use tieline_ocpp::{CallFailure, CallOptions, Peer, Registry};
use tieline_store::{ChangeSet, Records as _, StoreError, Stored};
use tracing::info;

use crate::context::Context;
use crate::fleet::{Command, CommandState};

/// The pause before a command is sent again.
const REST: Duration = Duration::from_secs(1);

/// Takes an operator's commands to their chargers: of each charger one at a time, in the order in which they were asked for.
#[derive(Clone, Debug)]
pub(crate) struct Commanding {
    pub(crate) context: Context,
    pub(crate) registry: Registry,
    pub(crate) under_way: UnderWay<String>,
}

impl Commanding {
    pub(crate) async fn turn(&self) -> Result<Turn, StoreError> {
        let now = self.context.now();
        let mut ends: Vec<Timestamp> = Vec::new();
        let mut open = self.context.store.open_records::<Command>().await?;
        open.sort_by_key(|stored| (stored.value.asked, stored.value.id));
        let under_way = self.under_way.now();
        let mut waited_for: BTreeSet<String> = BTreeSet::new();
        for stored in open {
            let charger = stored.value.charger.clone();
            let is_under_way = under_way.contains(&charger);
            if let Some(state) = found(&stored.value, is_under_way, now) {
                self.note(&stored, state).await?;
                return Ok(Turn::Again);
            }
            if stored.value.state == CommandState::Waiting {
                ends.push(stored.value.until);
            }
            // An earlier one comes first; its end rings.
            if !is_under_way
                && waited_for.insert(charger.clone())
                && let Some(peer) = self.registry.get(&charger)
            {
                let commanding = self.clone();
                self.under_way.begin(charger, async move { commanding.send(peer, stored).await });
            }
        }
        Ok(Turn::Until(ends.into_iter().min()))
    }

    async fn send(&self, peer: Peer, stored: Stored<Command>) {
        let sent = CommandState::Sent { at: self.context.now() };
        let Ok(Some(stored)) = self.note(&stored, sent).await else { return };
        let command = &stored.value;
        let state = match RawValue::from_string(command.payload.clone()) {
            Ok(payload) => {
                let answered = peer.call_raw(command.action.clone(), payload, CallOptions::default()).await;
                self.after(command, answered)
            }
            Err(error) => CommandState::Refused { at: self.context.now(), cause: error.to_string() },
        };
        info!(charger = command.charger, action = command.action, ?state, "a command was sent");
        if state == CommandState::Waiting {
            tokio::time::sleep(REST).await;
        }
        self.under_way.note(|| async { self.note(&stored, state.clone()).await.map(drop) }).await;
    }

    fn after(&self, command: &Command, answered: Result<Box<RawValue>, CallFailure>) -> CommandState {
        let at = self.context.now();
        match answered {
            Ok(response) => CommandState::Answered { at, response: response.get().to_owned() },
            // It was not written.
            Err(CallFailure::QueueFull | CallFailure::QueueTimedOut) => CommandState::Waiting,
            Err(failure @ (CallFailure::TimedOut | CallFailure::Disconnected)) => {
                if command.is_repeatable() {
                    CommandState::Waiting
                } else {
                    CommandState::Unanswered { at, cause: failure.to_string() }
                }
            }
            Err(failure) => CommandState::Refused { at, cause: failure.to_string() },
        }
    }

    /// The command as it is now, unless somebody else has changed it.
    async fn note(
        &self,
        stored: &Stored<Command>,
        state: CommandState,
    ) -> Result<Option<Stored<Command>>, StoreError> {
        let command = Command { state, ..stored.value.clone() };
        let mut changes = ChangeSet::new();
        changes.replace(&command, stored.version)?;
        if command.state.is_final() {
            let grounds = format!("{} {}: {:?}", command.action, command.payload, command.state);
            let (now, id) = (self.context.now(), command.id.to_string());
            changes.decide(now, "operator", command.charger.clone(), "Command", id, grounds);
        }
        match self.context.commit(changes).await {
            Ok(()) => self.context.store.record::<Command>(&command.id.to_string()).await,
            Err(StoreError::Conflict { .. }) => Ok(None),
            Err(failure) => Err(failure),
        }
    }
}

/// What became of a command without its charger: it is too late, or it was on its way when the node ended.
fn found(command: &Command, is_under_way: bool, now: Timestamp) -> Option<CommandState> {
    match command.state {
        CommandState::Waiting if command.until <= now => Some(CommandState::Expired),
        CommandState::Sent { .. } if is_under_way => None,
        CommandState::Sent { .. } if command.is_repeatable() => Some(CommandState::Waiting),
        CommandState::Sent { .. } => {
            let cause = "the node ended while it waited for the answer".to_owned();
            Some(CommandState::Unanswered { at: now, cause })
        }
        _ => None,
    }
}
