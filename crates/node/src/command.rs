//! What an operator asks of chargers, beside a running node or before it runs.

use std::fmt;

use jiff::Timestamp;
use tieline_store::{ChangeSet, Records as _, Store, StoreError};
use uuid::Uuid;

use crate::fleet::{Command, KnownCharger, redacted};

pub use crate::fleet::{ChargerCapability, CommandState, Purpose, Standing};

/// A charger that has connected at least once.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Charger {
    /// Its identity.
    pub identity: String,
    /// The OCPP version of its last session.
    pub version: String,
    /// Whether it is connected, as far as the node knew when it last ran.
    pub connected: bool,
    /// When it came, or went.
    pub since: Timestamp,
    /// Where it connected from.
    pub remote: Option<String>,
    /// Who made it: vendor, model, serial number and firmware.
    pub made: Option<(String, String, Option<String>, Option<String>)>,
    /// When it last booted.
    pub booted: Option<Timestamp>,
}

/// What an operator asked of a charger.
#[derive(Clone, PartialEq, Eq)]
pub struct Asked {
    /// The number of the command.
    pub id: Uuid,
    /// The action.
    pub action: String,
    /// The JSON of the request. When it is read from the store, passwords in it are not shown.
    pub payload: String,
    /// When it was asked for.
    pub asked: Timestamp,
    /// When it is of no use any more.
    pub until: Timestamp,
    /// How far it has come.
    pub state: CommandState,
}

impl fmt::Debug for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Asked")
            .field("id", &self.id)
            .field("action", &self.action)
            .field("payload", &redacted(&self.payload))
            .field("asked", &self.asked)
            .field("until", &self.until)
            .field("state", &self.state)
            .finish()
    }
}

/// All chargers that have ever connected, by identity.
///
/// # Errors
///
/// The store can't be read.
pub async fn chargers(store: &dyn Store) -> Result<Vec<Charger>, StoreError> {
    let known = store.records_of::<KnownCharger>(KnownCharger::SUBJECT, None).await?;
    Ok(known.into_iter().map(|stored| charger(stored.value)).collect())
}

/// What a charger can do with charging profiles, if it was ever asked or told any.
///
/// # Errors
///
/// The store can't be read.
pub async fn capability(store: &dyn Store, charger: &str) -> Result<Option<ChargerCapability>, StoreError> {
    Ok(store.record::<ChargerCapability>(charger).await?.map(|stored| stored.value))
}

/// What was asked of a charger, in order.
///
/// # Errors
///
/// The store can't be read.
pub async fn commands(store: &dyn Store, charger: &str) -> Result<Vec<Asked>, StoreError> {
    let known = store.records_of::<Command>(charger, None).await?;
    let mut asked: Vec<_> = known.into_iter().map(|stored| of(stored.value)).collect();
    asked.sort_by_key(|asked| (asked.asked, asked.id));
    Ok(asked)
}

/// Asks a charger for something. A running node sends it as soon as it is [woken](crate::wake), the charger is there and has answered what
/// was asked before; not after `until`.
///
/// # Errors
///
/// The store does not take it.
pub async fn ask(store: &dyn Store, charger: &str, asked: Asked) -> Result<(), StoreError> {
    let Asked { id, action, payload, asked, until, state } = asked;
    let command = Command { id, charger: charger.to_owned(), action, payload, asked, until, state };
    let mut changes = ChangeSet::new();
    changes.put(&command)?;
    store.commit(changes).await
}

/// A command, by its number.
///
/// # Errors
///
/// The store can't be read.
pub async fn command(store: &dyn Store, id: Uuid) -> Result<Option<Asked>, StoreError> {
    Ok(store.record::<Command>(&id.to_string()).await?.map(|stored| of(stored.value)))
}

fn charger(known: KnownCharger) -> Charger {
    let booted = known.made.as_ref().map(|made| made.booted);
    Charger {
        identity: known.identity,
        version: known.version,
        connected: known.connected,
        since: known.since,
        remote: known.remote,
        made: known.made.map(|made| (made.vendor, made.model, made.serial_number, made.firmware)),
        booted,
    }
}

fn of(command: Command) -> Asked {
    let Command { id, action, payload, asked, until, state, .. } = command;
    Asked { id, action, payload: redacted(&payload), asked, until, state }
}
