//! A profile in whole numbers, from which the message of each version is made.

use std::time::Duration;

use tieline_ocpp::smart_charging::Profile;
use tieline_ocpp::types::{DateTime, Decimal};
use tieline_ocpp::{Version, v16, v21, v201};

/// The second since 1970 near which everything happens.
pub(super) const BASE: i64 = 1_780_000_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    Max,
    Default,
    Tx,
    External,
    Priority,
    Generation,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Absolute,
    Daily,
    Weekly,
    Relative,
    Dynamic,
}

#[derive(Clone, Debug)]
pub(super) struct Step {
    pub(super) start: i32,
    /// Tenths of an ampere or a watt.
    pub(super) tenths: i64,
    pub(super) phases: Option<i32>,
}

/// Instants are milliseconds since 1970.
#[derive(Clone, Debug)]
pub(super) struct Spec {
    pub(super) id: i32,
    pub(super) evse: i32,
    pub(super) level: i32,
    pub(super) purpose: Purpose,
    pub(super) kind: Kind,
    pub(super) transaction: Option<i32>,
    pub(super) valid_from: Option<i64>,
    pub(super) valid_to: Option<i64>,
    pub(super) start: Option<i64>,
    pub(super) duration: Option<i32>,
    pub(super) amperes: bool,
    pub(super) steps: Vec<Step>,
    pub(super) updated: Option<i64>,
    pub(super) max_offline: Option<i32>,
}

pub(super) fn instant(millis: i64) -> DateTime {
    let since = Duration::from_millis(u64::try_from(millis).unwrap());
    DateTime::from_timestamp(DateTime::UNIX_EPOCH.timestamp() + since)
}

impl Spec {
    pub(super) fn profile(&self, version: Version) -> Profile {
        match version {
            Version::V1_6 => Profile::from_v16(&self.v16()),
            Version::V2_0_1 => Profile::from_v201(&self.v201()),
            _ => Profile::from_v21(&self.v21()),
        }
        .unwrap_or_else(|error| panic!("{self:?}: {error}"))
    }

    fn v16(&self) -> v16::ChargingProfile {
        let periods = self.steps.iter().map(|step| {
            let mut period = v16::ChargingSchedulePeriod::new(step.start, Decimal::new(step.tenths, 1));
            period.number_phases = step.phases;
            period
        });
        let unit = if self.amperes { v16::ChargingRateUnit::A } else { v16::ChargingRateUnit::W };
        let mut schedule = v16::ChargingSchedule::new(unit, periods.collect());
        schedule.duration = self.duration;
        schedule.start_schedule = self.start.map(instant);
        let purpose = match self.purpose {
            Purpose::Max => v16::ChargingProfilePurpose::ChargePointMaxProfile,
            Purpose::Default => v16::ChargingProfilePurpose::TxDefaultProfile,
            Purpose::Tx => v16::ChargingProfilePurpose::TxProfile,
            other => panic!("1.6 has no {other:?}"),
        };
        let kind = match self.kind {
            Kind::Absolute => v16::ChargingProfileKind::Absolute,
            Kind::Daily | Kind::Weekly => v16::ChargingProfileKind::Recurring,
            Kind::Relative => v16::ChargingProfileKind::Relative,
            Kind::Dynamic => panic!("1.6 has no dynamic profiles"),
        };
        let mut profile = v16::ChargingProfile::new(self.id, self.level, purpose, kind, schedule);
        profile.recurrency_kind = match self.kind {
            Kind::Daily => Some(v16::RecurrencyKind::Daily),
            Kind::Weekly => Some(v16::RecurrencyKind::Weekly),
            _ => None,
        };
        profile.transaction_id = self.transaction;
        profile.valid_from = self.valid_from.map(instant);
        profile.valid_to = self.valid_to.map(instant);
        profile
    }

    /// The profile of 2.0.1 is that of 2.1 with fewer members, so it is read from the same text.
    fn v201(&self) -> v201::ChargingProfile {
        serde_json::from_value(serde_json::to_value(self.v21()).unwrap()).unwrap()
    }

    fn v21(&self) -> v21::ChargingProfile {
        let periods = self.steps.iter().map(|step| {
            let mut period =
                v21::ChargingSchedulePeriod::new(step.start).with_limit(Decimal::new(step.tenths, 1));
            period.number_phases = step.phases;
            period
        });
        let unit = if self.amperes { v21::ChargingRateUnit::A } else { v21::ChargingRateUnit::W };
        let mut schedule = v21::ChargingSchedule::new(1, unit, periods.collect());
        schedule.duration = self.duration;
        schedule.start_schedule = self.start.map(instant);
        let purpose = match self.purpose {
            Purpose::Max => v21::ChargingProfilePurpose::ChargingStationMaxProfile,
            Purpose::Default => v21::ChargingProfilePurpose::TxDefaultProfile,
            Purpose::Tx => v21::ChargingProfilePurpose::TxProfile,
            Purpose::External => v21::ChargingProfilePurpose::ChargingStationExternalConstraints,
            Purpose::Priority => v21::ChargingProfilePurpose::PriorityCharging,
            Purpose::Generation => v21::ChargingProfilePurpose::LocalGeneration,
        };
        let kind = match self.kind {
            Kind::Absolute => v21::ChargingProfileKind::Absolute,
            Kind::Daily | Kind::Weekly => v21::ChargingProfileKind::Recurring,
            Kind::Relative => v21::ChargingProfileKind::Relative,
            Kind::Dynamic => v21::ChargingProfileKind::Dynamic,
        };
        let mut profile = v21::ChargingProfile::new(self.id, self.level, purpose, kind, vec![schedule]);
        profile.recurrency_kind = match self.kind {
            Kind::Daily => Some(v21::RecurrencyKind::Daily),
            Kind::Weekly => Some(v21::RecurrencyKind::Weekly),
            _ => None,
        };
        profile.transaction_id = self.transaction.map(|id| id.to_string());
        profile.valid_from = self.valid_from.map(instant);
        profile.valid_to = self.valid_to.map(instant);
        profile.dyn_update_time = self.updated.map(instant);
        profile.max_offline_duration = self.max_offline;
        profile
    }
}
