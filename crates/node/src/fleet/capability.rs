use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::config::ProfileUnit;

/// What a charger can do with charging profiles, as far as it has said and shown. What is `None` is not known.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ChargerCapability {
    /// Its identity.
    pub identity: String,
    /// The OCPP version in which it was asked; empty if it never was.
    pub version: String,
    /// What it said of itself when it booted. Once it says something else, it is asked anew.
    pub booted_as: String,
    /// When it was asked last.
    pub asked: Option<Timestamp>,
    /// The keys and variables that it did not tell.
    pub untold: BTreeSet<String>,
    /// Whether it supports and has enabled smart charging (1.6 SupportedFeatureProfiles, 2.x Enabled).
    pub smart_charging: Option<bool>,
    /// The highest stack level (1.6 ChargeProfileMaxStackLevel, 2.x ProfileStackLevel).
    pub max_stack_level: Option<i32>,
    /// Whether it takes limits in amperes (1.6 ChargingScheduleAllowedChargingRateUnit, 2.x RateUnit).
    pub amperes: Option<bool>,
    /// Whether it takes limits in watts.
    pub watts: Option<bool>,
    /// The most periods of a schedule, 1 or more (1.6 ChargingScheduleMaxPeriods, 2.x PeriodsPerSchedule).
    pub max_periods: Option<usize>,
    /// The most profiles at once (1.6 MaxChargingProfilesInstalled, 2.x Entries of ChargingProfiles).
    pub max_profiles: Option<usize>,
    /// Whether it has one EVSE and no more (1.6 NumberOfConnectors, 2.x the absence of EVSE 2).
    pub single_evse: Option<bool>,
    /// Whether it can switch between three phases and one while it charges (1.6 ConnectorSwitch3to1PhaseSupported, 2.x
    /// ACPhaseSwitchingSupported or Phases3to1).
    pub phase_switching: Option<bool>,
    /// Whether somebody else than its CSMS may limit it, too (2.x ExternalControlSignalsEnabled).
    pub external_signals: Option<bool>,
    /// Whether it carries out dynamic profiles (2.1 SupportsDynamicProfiles).
    pub dynamic_profiles: Option<bool>,
    /// What has become of profiles, by their purpose.
    pub purposes: BTreeMap<Purpose, Standing>,
}

/// The purpose of a charging profile that limits a session, the narrowest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Purpose {
    /// TxProfile: this transaction.
    Transaction,
    /// TxDefaultProfile: any transaction at this EVSE.
    Default,
    /// ChargePointMaxProfile of 1.6 and ChargingStationMaxProfile of 2.x: everything at the station, so it is of use where
    /// there is one EVSE alone.
    Station,
}

/// What has become of profiles of a purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Standing {
    /// They were refused, and those of another purpose were not.
    Refused,
    /// They were accepted; whether they hold is still to be read back.
    Accepted,
    /// They were accepted; whether they hold the charger does not say.
    Unreadable,
    /// They were accepted, and the composite schedule keeps to them.
    Holds,
    /// They were accepted, and the composite schedule does not keep to them.
    WithoutEffect,
}

impl ChargerCapability {
    /// All are found under it.
    pub(crate) const SUBJECT: &'static str = "chargers";

    /// Nothing is known.
    pub(crate) fn unknown(identity: &str) -> Self {
        Self { identity: identity.to_owned(), ..Self::default() }
    }

    /// The purposes that are worth trying, in order; never none.
    pub(crate) fn candidates(&self) -> Vec<Purpose> {
        let is_worth = |purpose: &Purpose| {
            let is_possible = *purpose != Purpose::Station || self.single_evse == Some(true);
            let standing = self.purposes.get(purpose);
            is_possible && !matches!(standing, Some(Standing::Refused | Standing::WithoutEffect))
        };
        let all = [Purpose::Transaction, Purpose::Default, Purpose::Station];
        let mut worth: Vec<_> = all.into_iter().filter(is_worth).collect();
        if worth.is_empty() {
            worth.push(Purpose::Transaction);
        }
        worth
    }

    /// The same for a charger that another CSMS limits, too. Of two profiles of one purpose the higher one alone counts, but the maximum of a
    /// station counts beside them all.
    pub(crate) fn candidates_beside_others(&self) -> Vec<Purpose> {
        let mut candidates = self.candidates();
        candidates.sort_by_key(|purpose| *purpose != Purpose::Station);
        candidates
    }

    /// The unit that it takes: watts where it takes both, since they need no knowledge of phases.
    pub(crate) fn unit(&self) -> Option<ProfileUnit> {
        match (self.watts, self.amperes) {
            (Some(true), _) => Some(ProfileUnit::W),
            (_, Some(true)) => Some(ProfileUnit::A),
            _ => None,
        }
    }
}

impl fmt::Display for Purpose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Transaction => "TxProfile",
            Self::Default => "TxDefaultProfile",
            Self::Station => "ChargePointMaxProfile",
        })
    }
}

impl fmt::Display for Standing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Refused => "refused",
            Self::Accepted => "accepted",
            Self::Unreadable => "accepted, does not say whether it holds",
            Self::Holds => "holds",
            Self::WithoutEffect => "without effect",
        })
    }
}

record!(ChargerCapability, "charger-capability", |this| {
    key: this.identity.clone(),
    subject: ChargerCapability::SUBJECT.to_owned(),
    span: None,
    open: false,
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_purpose_is_tried_where_one_is_of_no_use() {
        let mut known = ChargerCapability::unknown("CP-1");
        assert_eq!(known.candidates(), [Purpose::Transaction, Purpose::Default]);
        known.single_evse = Some(true);
        known.purposes.insert(Purpose::Transaction, Standing::Refused);
        assert_eq!(known.candidates(), [Purpose::Default, Purpose::Station]);
        assert_eq!(known.candidates_beside_others(), [Purpose::Station, Purpose::Default]);
        known.purposes.insert(Purpose::Default, Standing::WithoutEffect);
        known.purposes.insert(Purpose::Station, Standing::Holds);
        assert_eq!(known.candidates(), [Purpose::Station]);
        known.purposes.insert(Purpose::Station, Standing::Refused);
        assert_eq!(known.candidates(), [Purpose::Transaction]);
    }

    #[test]
    fn watts_come_first() {
        let of = |watts, amperes| ChargerCapability { amperes, watts, ..ChargerCapability::default() }.unit();
        assert_eq!(of(Some(true), Some(true)), Some(ProfileUnit::W));
        assert_eq!(of(Some(false), Some(true)), Some(ProfileUnit::A));
        assert_eq!(of(None, None), None);
    }
}
