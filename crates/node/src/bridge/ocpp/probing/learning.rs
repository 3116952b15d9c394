//! What the answers of a charger say of it.

use std::collections::{BTreeMap, BTreeSet};

use tieline_ocpp::Version;

use crate::fleet::ChargerCapability;

/// What is asked of a charger of 1.6 (§9.4, §9.1).
pub(super) const KEYS: [&str; 7] = [
    "ChargeProfileMaxStackLevel",
    "ChargingScheduleAllowedChargingRateUnit",
    "ChargingScheduleMaxPeriods",
    "MaxChargingProfilesInstalled",
    "ConnectorSwitch3to1PhaseSupported",
    "SupportedFeatureProfiles",
    "NumberOfConnectors",
];

/// What is asked of the SmartChargingCtrlr of a charger of 2.1 (Part 2, referenced components and variables).
pub(super) const VARIABLES_21: &[&str] = &[
    "Enabled",
    "ProfileStackLevel",
    "RateUnit",
    "PeriodsPerSchedule",
    "Entries",
    "Phases3to1",
    "ACPhaseSwitchingSupported",
    "ExternalControlSignalsEnabled",
    "SupportsDynamicProfiles",
];

/// The same of 2.0.1, which has no dynamic profiles.
pub(super) const VARIABLES: &[&str] = VARIABLES_21.split_at(8).0;

/// The answers of one charger.
#[derive(Clone, Debug)]
pub(super) struct Answers {
    asked: &'static [&'static str],
    values: BTreeMap<&'static str, String>,
    /// 2.x: whether there is no EVSE 2.
    pub(super) single_evse: Option<bool>,
}

impl Answers {
    /// It was asked in this version, and has not said anything yet.
    pub(super) fn none(version: Version) -> Self {
        let asked: &[&str] = match version {
            Version::V1_6 => &KEYS,
            Version::V2_0_1 => VARIABLES,
            _ => VARIABLES_21,
        };
        Self { asked, values: BTreeMap::new(), single_evse: None }
    }

    /// Keys and names are compared without case.
    pub(super) fn told(&mut self, name: &str, value: &str) {
        if let Some(asked) = self.asked.iter().find(|asked| asked.eq_ignore_ascii_case(name)) {
            self.values.insert(asked, value.trim().to_owned());
        }
    }

    /// What it was asked and has not told.
    pub(super) fn untold(&self) -> BTreeSet<String> {
        let untold = self.asked.iter().filter(|asked| !self.values.contains_key(*asked));
        untold.map(|asked| (*asked).to_owned()).collect()
    }

    pub(super) fn write_into(&self, known: &mut ChargerCapability) {
        known.untold = self.untold();
        let features = self.list("SupportedFeatureProfiles");
        known.smart_charging =
            features.map(|features| features.contains("smartcharging")).or_else(|| self.is_so("Enabled"));
        known.max_stack_level = self.number(&["ChargeProfileMaxStackLevel", "ProfileStackLevel"]);
        let units = self.list("ChargingScheduleAllowedChargingRateUnit").or_else(|| self.list("RateUnit"));
        let has =
            |names: [&str; 2]| units.as_ref().map(|units| names.iter().any(|name| units.contains(*name)));
        known.amperes = has(["current", "a"]);
        known.watts = has(["power", "w"]);
        let periods: Option<usize> = self.number(&["ChargingScheduleMaxPeriods", "PeriodsPerSchedule"]);
        known.max_periods = periods.filter(|periods| *periods > 0);
        known.max_profiles = self.number(&["MaxChargingProfilesInstalled", "Entries"]);
        let connectors: Option<u32> = self.number(&["NumberOfConnectors"]);
        known.single_evse = connectors.map(|connectors| connectors == 1).or(self.single_evse);
        known.phase_switching = self
            .is_so("ConnectorSwitch3to1PhaseSupported")
            .or_else(|| self.is_so("ACPhaseSwitchingSupported"))
            .or_else(|| self.is_so("Phases3to1"));
        known.external_signals = self.is_so("ExternalControlSignalsEnabled");
        known.dynamic_profiles = self.is_so("SupportsDynamicProfiles");
    }

    fn is_so(&self, name: &str) -> Option<bool> {
        match self.values.get(name)?.to_ascii_lowercase().as_str() {
            "true" => Some(true),
            "false" => Some(false),
            _ => None,
        }
    }

    fn number<T: std::str::FromStr>(&self, names: &[&str]) -> Option<T> {
        names.iter().find_map(|name| self.values.get(name)?.parse().ok())
    }

    /// The members of a list, in lower case.
    fn list(&self, name: &str) -> Option<BTreeSet<String>> {
        let members = self.values.get(name)?.split(',');
        Some(members.map(|member| member.trim().to_ascii_lowercase()).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn learnt(version: Version, told: &[(&str, &str)]) -> ChargerCapability {
        let mut answers = Answers::none(version);
        for (name, value) in told {
            answers.told(name, value);
        }
        let mut known = ChargerCapability::unknown("CP-1");
        answers.write_into(&mut known);
        known
    }

    #[test]
    fn keys_of_1_6_are_read() {
        let known = learnt(
            Version::V1_6,
            &[
                ("chargeprofilemaxstacklevel", "8"),
                ("ChargingScheduleAllowedChargingRateUnit", "Current, Power"),
                ("ChargingScheduleMaxPeriods", " 24 "),
                ("MaxChargingProfilesInstalled", "many"),
                ("SupportedFeatureProfiles", "Core,SmartCharging"),
                ("NumberOfConnectors", "1"),
                ("AnotherKey", "7"),
            ],
        );
        assert_eq!((known.max_stack_level, known.max_periods, known.max_profiles), (Some(8), Some(24), None));
        assert_eq!((known.amperes, known.watts, known.smart_charging), (Some(true), Some(true), Some(true)));
        assert_eq!((known.single_evse, known.phase_switching), (Some(true), None));
        assert_eq!(known.untold.iter().collect::<Vec<_>>(), ["ConnectorSwitch3to1PhaseSupported"]);
    }

    #[test]
    fn variables_of_2_x_are_read_and_no_periods_at_all_are_no_answer() {
        let known = learnt(
            Version::V2_1,
            &[
                ("Enabled", "false"),
                ("RateUnit", "A"),
                ("PeriodsPerSchedule", "0"),
                ("Phases3to1", "true"),
                ("SupportsDynamicProfiles", "true"),
            ],
        );
        assert_eq!((known.smart_charging, known.max_periods), (Some(false), None));
        assert_eq!((known.amperes, known.watts), (Some(true), Some(false)));
        assert_eq!((known.phase_switching, known.dynamic_profiles), (Some(true), Some(true)));
        assert!(learnt(Version::V2_0_1, &[("SupportsDynamicProfiles", "true")]).dynamic_profiles.is_none());
    }
}
