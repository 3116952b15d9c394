//! The chargers that may connect: those of the file and those that an operator added to the store.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use jiff::Timestamp;
use rust_decimal::Decimal;
use tieline_ocpp::csms::{Certificates, Credentials, PasswordHash};
use tieline_store::{ChangeSet, Records as _, StoreError};
use tieline_types::EntityAddress;
use tracing::{error, warn};

use crate::NodeError;
use crate::config::{AgrConfig, ChargerConfig, OcppConfig, ProfileUnit, Transport, checked_charger};
use crate::context::Context;
use crate::fleet::{ChargerCredential, ConfiguredCharger, ConfiguredChargers, RegisteredCharger};
use crate::registry::Registration;

/// All chargers that may connect, in memory: when a whole fleet comes back at once, the store is not asked.
#[derive(Clone, Debug)]
pub(crate) struct Roster(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    file: Vec<ChargerConfig>,
    connections: BTreeSet<EntityAddress>,
    is_tls: bool,
    asks_for_certificates: bool,
    /// Another CSMS decides who may connect, and has chargers that are none of the node's.
    is_in_front: bool,
    cpo_name: Option<String>,
    listed: RwLock<Arc<BTreeMap<String, Arc<Listed>>>>,
}

/// A charger that may connect.
#[derive(Debug)]
pub(crate) struct Listed {
    pub(crate) charger: ChargerConfig,
    /// When it was added to the store; `None` if it stands in the file.
    added: Option<Timestamp>,
    /// It must not connect without TLS.
    needs_tls: bool,
    current: Option<PasswordHash>,
    next: Option<PasswordHash>,
}

/// What a charger's credentials prove.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Proven {
    No,
    Yes,
    /// It has the password that it was given over OCPP, for the first time.
    ByNext,
}

/// Which chargers have come and gone with a refresh.
#[derive(Debug, Default)]
pub(crate) struct Difference {
    pub(crate) added: Vec<Arc<Listed>>,
    pub(crate) removed: Vec<Arc<Listed>>,
}

/// A charger of the store that can't be served.
#[derive(Debug)]
struct Misfit {
    identity: String,
    cause: String,
}

impl Roster {
    /// The chargers of the file and of the store.
    ///
    /// # Errors
    ///
    /// One of the store is in the file, too, or can't be served by what the file says; or the store fails.
    pub(crate) async fn open(
        context: &Context,
        agr: &AgrConfig,
        ocpp: &OcppConfig,
    ) -> Result<Self, NodeError> {
        let roster = Self(Arc::new(Inner {
            file: ocpp.chargers.clone(),
            connections: agr.connections.iter().map(|known| known.entity_address.clone()).collect(),
            is_tls: matches!(ocpp.transport, Transport::Tls { .. }),
            asks_for_certificates: ocpp.transport.asks_for_certificates(),
            is_in_front: ocpp.proxy.is_some(),
            cpo_name: ocpp.cpo_name.clone(),
            listed: RwLock::default(),
        }));
        let (_, misfits) = roster.read(context).await?;
        if let Some(misfit) = misfits.into_iter().next() {
            return Err(NodeError::Unusable(misfit.to_string()));
        }
        roster.note_file(context).await?;
        roster.refresh(context).await?;
        Ok(roster)
    }

    pub(crate) fn get(&self, identity: &str) -> Option<Arc<Listed>> {
        self.all().get(identity).cloned()
    }

    /// All of them, by identity, as they are now.
    pub(crate) fn all(&self) -> Arc<BTreeMap<String, Arc<Listed>>> {
        Arc::clone(&self.0.listed.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Whether a charger may connect over the node's listener.
    pub(crate) fn is_protected_enough(&self, listed: &Listed) -> bool {
        self.0.is_tls || !listed.needs_tls
    }

    /// Whether a charger that is not in it may be connected: in front of another CSMS.
    pub(crate) fn has_others(&self) -> bool {
        self.0.is_in_front
    }

    /// Who a charger has to show to be, if it is known by a certificate.
    pub(crate) fn certificate(&self, listed: &Listed) -> Option<Certificates> {
        let serial_number = listed.charger.serial_number.clone()?;
        let certificates = Certificates::new().with(serial_number, &listed.charger.identity);
        Some(match &self.0.cpo_name {
            Some(name) => certificates.of_organization(name),
            None => certificates,
        })
    }

    /// Reads the store anew.
    pub(crate) async fn refresh(&self, context: &Context) -> Result<Difference, StoreError> {
        let (listed, misfits) = self.read(context).await?;
        for misfit in misfits {
            error!(charger = misfit.identity, cause = misfit.cause, "a charger of the store is not served");
        }
        let before = self.all();
        let after = Arc::clone(&self.set(listed));
        let is_in = |chargers: &BTreeMap<String, Arc<Listed>>,
                     (identity, listed): &(&String, &Arc<Listed>)| {
            chargers.get(*identity).is_some_and(|other| other.added == listed.added)
        };
        let only_in = |these: &BTreeMap<String, Arc<Listed>>, those: &BTreeMap<String, Arc<Listed>>| {
            let only = these.iter().filter(|entry| !is_in(those, entry));
            only.map(|(_, listed)| Arc::clone(listed)).collect()
        };
        Ok(Difference { added: only_in(&after, &before), removed: only_in(&before, &after) })
    }

    /// A charger has connected with the password that it was given over OCPP: the one before is not valid any more.
    pub(crate) async fn promote(&self, context: &Context, listed: &Listed) -> Result<(), StoreError> {
        let identity = &listed.charger.identity;
        let Some(known) = context.store.record::<ChargerCredential>(identity).await? else { return Ok(()) };
        if known.value.next != listed.next {
            return Ok(());
        }
        let in_file = listed.charger.password.as_ref();
        let credential = ChargerCredential {
            identity: identity.clone(),
            current: known.value.next,
            next: None,
            after_file: in_file
                .map(|password| PasswordHash::of(password.as_bytes(), context.uuid().into_bytes()))
                .or(known.value.after_file),
        };
        let mut changes = ChangeSet::new();
        changes.replace(&credential, known.version)?;
        match context.commit(changes).await {
            // An operator has just given it another.
            Err(StoreError::Conflict { .. }) => Ok(()),
            done => done,
        }
    }

    /// Keeps what the file says, for those who have the database alone, and forgets passwords that the file has changed since.
    async fn note_file(&self, context: &Context) -> Result<(), StoreError> {
        let store = &context.store;
        let configured = ConfiguredChargers {
            chargers: self
                .0
                .file
                .iter()
                .map(|charger| ConfiguredCharger {
                    identity: charger.identity.clone(),
                    connection: charger.connection.clone(),
                })
                .collect(),
            connections: self.0.connections.iter().cloned().collect(),
        };
        let mut changes = ChangeSet::new();
        let known = store.record::<ConfiguredChargers>(ConfiguredChargers::KEY).await?;
        if known.is_none_or(|known| known.value != configured) {
            changes.put(&configured)?;
        }
        for charger in &self.0.file {
            let Some(known) = store.record::<ChargerCredential>(&charger.identity).await? else { continue };
            let is_as_before = match (&known.value.after_file, &charger.password) {
                (Some(before), Some(password)) => before.is_of(password.as_bytes()),
                (None, None) => true,
                _ => false,
            };
            if known.value.current.is_some() && !is_as_before {
                warn!(charger = charger.identity, "the file has another password for it, which counts");
                changes.replace(&ChargerCredential::none(&charger.identity), known.version)?;
            }
        }
        if changes.is_empty() { Ok(()) } else { context.commit(changes).await }
    }

    async fn read(
        &self,
        context: &Context,
    ) -> Result<(BTreeMap<String, Arc<Listed>>, Vec<Misfit>), StoreError> {
        let credentials = context.store.open_records::<ChargerCredential>().await?;
        let mut credentials: BTreeMap<String, ChargerCredential> =
            credentials.into_iter().map(|known| (known.value.identity.clone(), known.value)).collect();
        let mut credential = |identity: &str| {
            credentials.remove(identity).unwrap_or_else(|| ChargerCredential::none(identity))
        };
        let mut listed = BTreeMap::new();
        for charger in &self.0.file {
            let known = credential(&charger.identity);
            listed.insert(charger.identity.clone(), Arc::new(Listed::in_file(charger, known)));
        }
        let mut misfits = Vec::new();
        for stored in context.store.open_records::<RegisteredCharger>().await? {
            let RegisteredCharger { registration: registered, added, .. } = stored.value;
            let identity = registered.identity.clone();
            let found = if listed.contains_key(&identity) {
                Err("is in the file and in the store; remove it from one of them".to_owned())
            } else if registered.serial_number.is_some() && !self.0.asks_for_certificates {
                Err("is known by a certificate, and ocpp.tls.client_authorities names nobody who issues one"
                    .to_owned())
            } else if self.0.connections.contains(&registered.connection) {
                Listed::in_store(&registered, added, credential(&identity))
            } else {
                Err(format!("{} is no agr.connection", registered.connection))
            };
            match found {
                Ok(charger) => {
                    listed.insert(identity, Arc::new(charger));
                }
                Err(cause) => misfits.push(Misfit { identity, cause }),
            }
        }
        Ok((listed, misfits))
    }

    fn set(&self, listed: BTreeMap<String, Arc<Listed>>) -> Arc<BTreeMap<String, Arc<Listed>>> {
        let listed = Arc::new(listed);
        *self.0.listed.write().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&listed);
        listed
    }
}

impl Listed {
    /// The most that an EVSE gives, in the unit.
    pub(crate) fn maximum(&self, unit: ProfileUnit) -> Decimal {
        let current = Decimal::from(self.charger.maximum_current);
        match unit {
            ProfileUnit::A => current,
            ProfileUnit::W => {
                current * Decimal::from(self.charger.phases) * Decimal::from(self.charger.voltage)
            }
        }
    }

    fn in_file(charger: &ChargerConfig, credential: ChargerCredential) -> Self {
        let ChargerCredential { current, next, .. } = credential;
        let mut charger = charger.clone();
        if current.is_some() {
            charger.password = None;
        }
        Self { charger, added: None, needs_tls: false, current, next }
    }

    fn in_store(
        registered: &Registration,
        added: Timestamp,
        credential: ChargerCredential,
    ) -> Result<Self, String> {
        let charger = registered.checked().map_err(|error| error.to_string())?;
        let ChargerCredential { current, next, .. } = credential;
        if matches!(registered.security_profile, 1 | 2) && current.is_none() {
            return Err("has no password".to_owned());
        }
        let needs_tls = registered.security_profile > 1;
        Ok(Self { charger, added: Some(added), needs_tls, current, next })
    }

    /// What these credentials prove of this charger.
    pub(crate) fn prove(&self, credentials: &Credentials) -> Proven {
        let basic = match credentials {
            Credentials::Basic(basic) if basic.is_user(&self.charger.identity) => Some(basic),
            _ => None,
        };
        let has_hashed = |hash: &PasswordHash| basic.is_some_and(|basic| basic.is_hashed(hash));
        let is_open = self.charger.password.is_none() && self.current.is_none();
        let in_file = self.charger.password.as_ref().is_some_and(|password| {
            let octets = password.as_bytes();
            basic.is_some_and(|basic| basic.is_password(octets) || basic.is_hexadecimal_of(octets))
        });
        if in_file || self.current.as_ref().is_some_and(has_hashed) {
            Proven::Yes
        } else if self.next.as_ref().is_some_and(has_hashed) {
            Proven::ByNext
        } else if is_open {
            Proven::Yes
        } else {
            Proven::No
        }
    }
}

impl Registration {
    /// What the node makes of it, as of one in the file.
    pub(crate) fn checked(&self) -> Result<ChargerConfig, crate::ConfigError> {
        let Self { identity, connection, phases, voltage, maximum_current, unit, tolerances, .. } = self;
        let supply = (*phases, *voltage, *maximum_current);
        let charger = checked_charger(identity, connection, supply, *unit, tolerances)?;
        Ok(ChargerConfig { serial_number: self.serial_number.clone(), ..charger })
    }
}

impl fmt::Display for Misfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ocpp.charger {}: {}", self.identity, self.cause)
    }
}
