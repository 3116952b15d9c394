//! The charging profiles of the version that is spoken, and what they allow now.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::ChargePoint;
use super::state::State;
use crate::smart_charging::{
    Capabilities, CompositeError, CompositePeriod, ProfileError, ProfileStore, Question, RateUnit, Snapshot,
    Transaction,
};
use crate::types::DateTime;
use crate::{Version, v16, v21, v201};

/// How far ahead limits are reckoned at a time.
const AHEAD: i64 = 86_400;

/// What an EVSE may draw.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Allowed {
    /// The unit of its limits.
    pub unit: RateUnit,
    /// The limits, and what stands beside them.
    pub period: CompositePeriod,
}

/// The store of one version.
#[derive(Debug)]
pub(crate) enum Profiles {
    V16(ProfileStore<v16::ChargingProfile>),
    V201(ProfileStore<v201::ChargingProfile>),
    V21(ProfileStore<v21::ChargingProfile>),
}

/// What is kept of it over a restart.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum SavedProfiles {
    V16(Snapshot<v16::ChargingProfile>),
    V201(Snapshot<v201::ChargingProfile>),
    V21(Snapshot<v21::ChargingProfile>),
}

macro_rules! each {
    ($profiles:expr, $store:ident => $done:expr) => {
        match $profiles {
            Profiles::V16($store) => $done,
            Profiles::V201($store) => $done,
            Profiles::V21($store) => $done,
        }
    };
}

impl Profiles {
    /// No profiles.
    pub(crate) fn new(version: Version, capabilities: Capabilities) -> Self {
        match version {
            Version::V1_6 => Self::V16(ProfileStore::new(capabilities)),
            Version::V2_0_1 => Self::V201(ProfileStore::new(capabilities)),
            _ => Self::V21(ProfileStore::new(capabilities)),
        }
    }

    /// Those that were kept.
    pub(crate) fn restore(capabilities: Capabilities, saved: SavedProfiles) -> Result<Self, ProfileError> {
        Ok(match saved {
            SavedProfiles::V16(saved) => Self::V16(ProfileStore::restore(capabilities, saved)?),
            SavedProfiles::V201(saved) => Self::V201(ProfileStore::restore(capabilities, saved)?),
            SavedProfiles::V21(saved) => Self::V21(ProfileStore::restore(capabilities, saved)?),
        })
    }

    pub(crate) fn saved(&self) -> SavedProfiles {
        match self {
            Self::V16(store) => SavedProfiles::V16(store.snapshot()),
            Self::V201(store) => SavedProfiles::V201(store.snapshot()),
            Self::V21(store) => SavedProfiles::V21(store.snapshot()),
        }
    }

    /// Whether it is for this version.
    pub(crate) fn is_of(&self, version: Version) -> bool {
        match self {
            Self::V16(_) => version == Version::V1_6,
            Self::V201(_) => version == Version::V2_0_1,
            Self::V21(_) => version == Version::V2_1,
        }
    }

    pub(crate) fn begin(&mut self, evse: i32, id: &str, start: DateTime) {
        let begun = each!(self, store => store.begin_transaction(evse, Transaction::new(id, start)));
        if let Err(refusal) = begun {
            tracing::error!(protocol = "ocpp", evse, %refusal, "profiles do not know of a transaction");
        }
    }

    pub(crate) fn rename(&mut self, evse: i32, id: &str) {
        if let Err(refusal) = each!(self, store => store.rename_transaction(evse, id)) {
            tracing::error!(protocol = "ocpp", evse, %refusal, "profiles do not know the number of a transaction");
        }
    }

    pub(crate) fn end(&mut self, evse: i32) {
        each!(self, store => store.end_transaction(evse));
    }

    pub(crate) fn expire(&mut self, now: DateTime) {
        each!(self, store => store.expire(now));
    }

    pub(crate) fn set_online(&mut self, online: bool, now: DateTime) {
        if online {
            each!(self, store => store.go_online(now));
        } else {
            each!(self, store => store.go_offline(now));
        }
    }

    /// The profile of a request to start the transaction that has begun on this EVSE, in the version's JSON.
    pub(crate) fn install_for_start(&mut self, evse: i32, profile: &str, now: DateTime) {
        let installed = each!(self, store => serde_json::from_str(profile)
            .map_err(|error| error.to_string())
            .and_then(|profile| store.install_for_start(evse, profile, now).map_err(|refusal| refusal.to_string())));
        if let Err(cause) = installed {
            tracing::warn!(protocol = "ocpp", evse, cause, "the profile of a request to start is not obeyed");
        }
    }

    /// What an EVSE may draw now, and after how many seconds that may change.
    fn allowed(&self, evse: i32, now: DateTime) -> Result<(Option<Allowed>, i64), CompositeError> {
        let mut question = Question::new(evse, now, AHEAD);
        let composite = loop {
            match each!(self, store => store.composite(&question)) {
                Ok(composite) => break composite,
                // What is known of the next while is enough.
                Err(CompositeError::TooLong { after }) if after > 0 && after < question.duration => {
                    question.duration = after;
                }
                Err(error) => return Err(error),
            }
        };
        let next = composite.periods.get(1).map_or(question.duration, |period| period.start);
        let unit = composite.unit;
        let now = composite.periods.into_iter().next();
        Ok((now.filter(|period| !period.limits.is_unlimited()).map(|period| Allowed { unit, period }), next))
    }
}

impl ChargePoint {
    /// Tells the hardware what its EVSEs may draw, where that is something new.
    pub(crate) fn apply_limits(&self, state: &mut State) {
        let now = self.now();
        let instant = DateTime::from_timestamp(now);
        state.profiles.expire(instant);
        let mut due: Option<Timestamp> = None;
        for evse in 1..=i32::try_from(state.evses.len()).unwrap_or(0) {
            match state.profiles.allowed(evse, instant) {
                Ok((allowed, next)) => {
                    // An instant is cut to its second, so the change comes no later than this.
                    let at = now.checked_add(SignedDuration::from_secs(next)).ok();
                    due = [due, at].into_iter().flatten().min();
                    if state.allowed.get(&evse) != Some(&allowed) {
                        self.0.hardware.limit(evse, allowed.as_ref());
                        state.allowed.insert(evse, allowed);
                    }
                }
                // What was allowed last goes on: a limit that can't be reckoned is none that may be left out.
                Err(error) => {
                    tracing::error!(protocol = "ocpp", evse, %error, "what an EVSE may draw is not known");
                }
            }
        }
        state.limits_due = due.filter(|_| state.allowed.values().any(Option::is_some) || has_profiles(state));
    }

    /// What an EVSE may draw now by its charging profiles; `None` if nothing limits it.
    pub fn allowed(&self, evse: i32) -> Option<Allowed> {
        self.locked().allowed.get(&evse).cloned().flatten()
    }
}

fn has_profiles(state: &State) -> bool {
    each!(&state.profiles, store => !store.installed().is_empty())
}
