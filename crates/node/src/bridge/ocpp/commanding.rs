use std::collections::BTreeSet;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::value::RawValue;
use tieline_edge::work::{Turn, UnderWay};
use tieline_ocpp::csms::PasswordHash;
use tieline_ocpp::{CallFailure, CallOptions, Peer, Registry};
use tieline_store::{ChangeSet, Records as _, StoreError, Stored};
use tracing::info;

use crate::context::Context;
use crate::fleet::{ChargerCredential, Command, CommandState, is_taken, new_password};

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
                // It may have been sent just before the node ended.
                let may_be_done = matches!(stored.value.state, CommandState::Sent { .. });
                self.note(&stored, state, may_be_done).await?;
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
        let Ok(Some(stored)) = self.note(&stored, sent, false).await else { return };
        let command = &stored.value;
        let mut may_be_done = false;
        let state = match RawValue::from_string(command.payload.clone()) {
            Ok(payload) => {
                let answered = peer.call_raw(command.action.clone(), payload, CallOptions::default()).await;
                may_be_done = matches!(answered, Err(CallFailure::TimedOut | CallFailure::Disconnected));
                self.after(command, answered)
            }
            Err(error) => CommandState::Refused { at: self.context.now(), cause: error.to_string() },
        };
        info!(charger = command.charger, action = command.action, ?state, "a command was sent");
        if state == CommandState::Waiting {
            tokio::time::sleep(REST).await;
        }
        self.under_way
            .note(|| async { self.note(&stored, state.clone(), may_be_done).await.map(drop) })
            .await;
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

    /// The command as it is now, unless somebody else has changed it. If it `may_be_done` though nobody has answered, a password that it
    /// gives may be the charger's.
    async fn note(
        &self,
        stored: &Stored<Command>,
        state: CommandState,
        may_be_done: bool,
    ) -> Result<Option<Stored<Command>>, StoreError> {
        let command = stored.value.with(state);
        let mut changes = ChangeSet::new();
        changes.replace(&command, stored.version)?;
        self.note_password(&stored.value, &command.state, may_be_done, &mut changes).await?;
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

    /// A charger that has taken another password connects with it from some time on: until then both are valid. So they are if its answer
    /// was lost, or it could never connect again.
    async fn note_password(
        &self,
        command: &Command,
        state: &CommandState,
        may_be_done: bool,
        changes: &mut ChangeSet,
    ) -> Result<(), StoreError> {
        let is_done = match state {
            CommandState::Answered { response, .. } => is_taken(&command.action, response),
            _ => may_be_done,
        };
        let Some(password) = new_password(&command.action, &command.payload).filter(|_| is_done) else {
            return Ok(());
        };
        let known = self.context.store.record::<ChargerCredential>(&command.charger).await?;
        let version = known.as_ref().map_or(0, |known| known.version);
        let before = known.map_or_else(|| ChargerCredential::none(&command.charger), |known| known.value);
        let next = PasswordHash::of(&password, self.context.uuid().into_bytes());
        changes.replace(&ChargerCredential { next: Some(next), ..before }, version)?;
        info!(charger = command.charger, "it was given another password");
        Ok(())
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
