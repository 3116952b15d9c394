//! The chargers that an operator adds beside the file, and their passwords: beside a running node or before it runs.
//!
//! Whoever changes something [wakes](crate::wake) the node, which then heeds it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tieline_ocpp::csms::PasswordHash;
use tieline_store::{ChangeSet, Records as _, Store, StoreError};
use tieline_types::EntityAddress;

use crate::ConfigError;
use crate::config::ProfileUnit;
use crate::fleet::{ChargerCredential, ConfiguredChargers, RegisteredCharger};

/// The passwords that every version of OCPP can carry, in octets: 16 at least (1.6 Security Whitepaper §3.1, 2.x A00.FR.205), and 40 at
/// the most (2.0.1 A00.FR.205).
pub const PASSWORD_LENGTHS: std::ops::RangeInclusive<usize> = 16..=40;

/// A charger to be added, or one that was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Registration {
    /// Its identity, the last segment of the path that it connects to.
    pub identity: String,
    /// The connection that feeds it.
    pub connection: EntityAddress,
    /// Phases of each EVSE: 1 to 3.
    pub phases: u8,
    /// Volts between phase and neutral.
    pub voltage: u16,
    /// Amperes per phase, at the most; 6 or more.
    pub maximum_current: u16,
    /// The unit of its profiles; `None` for the one that the charger says that it takes.
    pub unit: Option<ProfileUnit>,
    /// What is forgiven to it, by the names in the configuration.
    pub tolerances: Vec<String>,
    /// How it is protected (Security Whitepaper §3, 2.x A00): 0 by nothing, 1 by a password, 2 by a password and TLS, 3 by TLS with
    /// certificates on both sides.
    pub security_profile: u8,
    /// Its serial number, the common name of its certificate (A00.FR.405): with security profile 3, and only then.
    pub serial_number: Option<String>,
}

/// A charger of a node, wherever it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ListedCharger {
    /// Its identity.
    pub identity: String,
    /// The connection that feeds it.
    pub connection: EntityAddress,
    /// When it was added to the store; `None` if it stands in the file, as of the node's last start.
    pub added: Option<Timestamp>,
}

/// Why a charger or a password is not taken.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RegistryError {
    /// The node's file has a charger of this identity.
    #[error("{0} is in the node's file")]
    InFile(String),
    /// The store has a charger of this identity.
    #[error("{0} is in the store already")]
    Known(String),
    /// The store has no charger of this identity.
    #[error("{0} is not in the store")]
    Unknown(String),
    /// The node's file has no such connection.
    #[error("{0} is no agr.connection of the node")]
    NoConnection(EntityAddress),
    /// A setting is none that a charger can have.
    #[error(transparent)]
    Invalid(#[from] ConfigError),
    /// The password and the security profile don't fit each other.
    #[error("{0}")]
    Password(&'static str),
    /// The store fails, or somebody else has just changed the same.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Adds a charger, with the hash of its password if its security profile demands one.
///
/// # Errors
///
/// It is known already, in the file or in the store; or something about it can't be.
pub async fn add(
    store: &dyn Store,
    registration: Registration,
    password: Option<PasswordHash>,
    now: Timestamp,
) -> Result<(), RegistryError> {
    let identity = registration.identity.clone();
    let serial_number = registration.serial_number.as_deref().filter(|name| !name.is_empty());
    let cause = match (registration.security_profile, &password, serial_number) {
        (0, None, None) | (1 | 2, Some(_), None) | (3, None, Some(_)) => None,
        (0 | 3, Some(_), _) => Some("security profiles 0 and 3 have no password"),
        (1 | 2, None, _) => Some("security profiles 1 and 2 demand a password"),
        (3, None, None) => Some("security profile 3 demands the serial number in the certificate"),
        (0..=2, _, Some(_)) => Some("a serial number is for security profile 3"),
        _ => Some("the security profile is 0, 1, 2 or 3"),
    };
    if let Some(cause) = cause {
        return Err(RegistryError::Password(cause));
    }
    let configured = store.record::<ConfiguredChargers>(ConfiguredChargers::KEY).await?;
    if let Some(configured) = configured.map(|known| known.value) {
        if configured.chargers.iter().any(|charger| charger.identity == identity) {
            return Err(RegistryError::InFile(identity));
        }
        if !configured.connections.contains(&registration.connection) {
            return Err(RegistryError::NoConnection(registration.connection));
        }
    }
    let known = store.record::<RegisteredCharger>(&identity).await?;
    if known.as_ref().is_some_and(|known| known.value.removed.is_none()) {
        return Err(RegistryError::Known(identity));
    }
    registration.checked()?;
    let connection = registration.connection.to_string();
    let charger = RegisteredCharger { registration, added: now, removed: None };
    let mut changes = ChangeSet::new();
    changes.replace(&charger, known.map_or(0, |known| known.version))?;
    changes.put(&ChargerCredential { current: password, ..ChargerCredential::none(&identity) })?;
    changes.decide(now, "operator", identity, "ChargerAdded", "", connection);
    Ok(store.commit(changes).await?)
}

/// Removes a charger that was [added](add), with its password.
///
/// # Errors
///
/// The store has no such charger.
pub async fn remove(store: &dyn Store, identity: &str, now: Timestamp) -> Result<(), RegistryError> {
    let known = in_store(store, identity).await?;
    let mut changes = ChangeSet::new();
    changes.replace(&RegisteredCharger { removed: Some(now), ..known.value }, known.version)?;
    changes.put(&ChargerCredential::none(identity))?;
    changes.decide(now, "operator", identity, "ChargerRemoved", "", "");
    Ok(store.commit(changes).await?)
}

/// Gives a charger that was [added](add) another password, which counts from its next connection on.
///
/// # Errors
///
/// The store has no such charger, or its security profile knows no password.
pub async fn set_password(
    store: &dyn Store,
    identity: &str,
    password: PasswordHash,
    now: Timestamp,
) -> Result<(), RegistryError> {
    let known = in_store(store, identity).await?;
    if matches!(known.value.registration.security_profile, 0 | 3) {
        return Err(RegistryError::Password("security profiles 0 and 3 have no password"));
    }
    let mut changes = ChangeSet::new();
    // Read before it is written: a removal in between makes a conflict.
    changes.replace(&known.value, known.version)?;
    changes.put(&ChargerCredential { current: Some(password), ..ChargerCredential::none(identity) })?;
    changes.decide(now, "operator", identity, "PasswordChanged", "", "");
    Ok(store.commit(changes).await?)
}

/// All chargers that may connect, by identity: those of the file, as of the node's last start, and those of the store.
///
/// # Errors
///
/// The store can't be read.
pub async fn listed(store: &dyn Store) -> Result<Vec<ListedCharger>, StoreError> {
    let configured = store.record::<ConfiguredChargers>(ConfiguredChargers::KEY).await?;
    let in_file = configured.into_iter().flat_map(|known| known.value.chargers).map(|charger| {
        ListedCharger { identity: charger.identity, connection: charger.connection, added: None }
    });
    let in_store = store.open_records::<RegisteredCharger>().await?.into_iter().map(|known| {
        let RegisteredCharger { registration: Registration { identity, connection, .. }, added, .. } =
            known.value;
        ListedCharger { identity, connection, added: Some(added) }
    });
    let mut all: Vec<_> = in_file.chain(in_store).collect();
    all.sort_by(|one, other| one.identity.cmp(&other.identity));
    Ok(all)
}

async fn in_store(
    store: &dyn Store,
    identity: &str,
) -> Result<tieline_store::Stored<RegisteredCharger>, RegistryError> {
    if let Some(known) = store.record::<RegisteredCharger>(identity).await?
        && known.value.removed.is_none()
    {
        return Ok(known);
    }
    let configured = store.record::<ConfiguredChargers>(ConfiguredChargers::KEY).await?;
    let is_in_file = configured
        .is_some_and(|known| known.value.chargers.iter().any(|charger| charger.identity == identity));
    let identity = identity.to_owned();
    Err(if is_in_file { RegistryError::InFile(identity) } else { RegistryError::Unknown(identity) })
}
