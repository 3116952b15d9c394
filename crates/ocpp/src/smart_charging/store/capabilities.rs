//! What a station can do with charging profiles.

use std::collections::{BTreeMap, BTreeSet};

use super::super::profile::{Purpose, RateUnit};
use super::super::supply::{Rating, Supply};

/// What a station can do with charging profiles: the variables of SmartChargingCtrlr in 2.x, the configuration keys of the profile
/// Smart Charging in 1.6.
#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a variable of its own")]
pub struct Capabilities {
    /// Its EVSEs from 1, in 1.6 its connectors.
    pub evses: BTreeMap<i32, EvseCapabilities>,
    /// What is behind the station.
    pub supply: Option<Supply>,
    /// The most that its connection to the grid can do.
    pub rating: Option<Rating>,
    /// The purposes that it serves. Empty: it has no smart charging.
    pub purposes: BTreeSet<Purpose>,
    /// The highest stack level (1.6 ChargeProfileMaxStackLevel, 2.x ProfileStackLevel). Default: 10.
    pub max_stack_level: i32,
    /// Whether limits in amperes are taken (ChargingScheduleAllowedChargingRateUnit, RateUnit).
    pub amperes: bool,
    /// Whether limits in watts are taken.
    pub watts: bool,
    /// The most periods of a schedule (ChargingScheduleMaxPeriods, PeriodsPerSchedule). Default: 1024.
    pub max_periods: usize,
    /// The most profiles installed (MaxChargingProfilesInstalled, Entries). Default: 100.
    pub max_profiles: usize,
    /// The most profiles of one ReportChargingProfiles (2.x). Default: 10. At least one is sent.
    pub profiles_per_report: usize,
    /// Whether dynamic profiles are carried out (2.1 SupportsDynamicProfiles).
    pub dynamic_profiles: bool,
    /// Whether the station delays periods at random (2.1 SupportsRandomizedDelay).
    pub randomized_delay: bool,
    /// Whether the station limits at a state of charge (2.1 SupportsLimitAtSoC).
    pub limit_at_soc: bool,
    /// Whether EVSEs can sleep (2.1 SupportsEvseSleep).
    pub evse_sleep: bool,
}

/// What one EVSE can do.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct EvseCapabilities {
    /// What is behind it, if it differs from the station.
    pub supply: Option<Supply>,
    /// The most that it can do.
    pub rating: Option<Rating>,
    /// Whether it charges with direct current, so that profiles must not name phases (2.x).
    pub direct_current: bool,
    /// Whether it can choose the phase that is used (2.x ACPhaseSwitchingSupported).
    pub phase_switching: bool,
}

impl Capabilities {
    /// A station with EVSEs 1 to this number that serves all purposes and takes both units.
    pub fn new(evses: i32) -> Self {
        let purposes = [
            Purpose::ExternalConstraints,
            Purpose::StationMax,
            Purpose::TxDefault,
            Purpose::Tx,
            Purpose::PriorityCharging,
            Purpose::LocalGeneration,
        ];
        Self {
            evses: (1..=evses).map(|evse| (evse, EvseCapabilities::default())).collect(),
            supply: None,
            rating: None,
            purposes: purposes.into(),
            max_stack_level: 10,
            amperes: true,
            watts: true,
            max_periods: 1024,
            max_profiles: 100,
            profiles_per_report: 10,
            dynamic_profiles: true,
            randomized_delay: false,
            limit_at_soc: false,
            evse_sleep: false,
        }
    }

    pub(super) const fn takes(&self, unit: RateUnit) -> bool {
        match unit {
            RateUnit::A => self.amperes,
            RateUnit::W => self.watts,
        }
    }
}
