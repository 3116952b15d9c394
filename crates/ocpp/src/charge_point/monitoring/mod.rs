//! Variable monitoring (2.x, functional block N): what the CSMS, or the maker, wants to be told of a variable.

mod observe;
mod store;
mod watch;

use ocpp_kit::station::device_model::{ComponentKey, VariableKey};
use serde::{Deserialize, Serialize};

use crate::types::Decimal;

pub use observe::{EventDetails, ObserveError};
pub(crate) use store::{Base, Cleared, Installed, Monitors, Refusal, SavedMonitors};
pub(crate) use watch::Event;

/// When a monitor speaks (`MonitorEnumType`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum MonitorKind {
    /// The value rises above that of the monitor.
    UpperThreshold,
    /// The value drops below that of the monitor.
    LowerThreshold,
    /// The value has changed by more than that of the monitor since it was set or has spoken last; at all, where it is no
    /// number.
    Delta,
    /// So many seconds after it was set, and again and again.
    Periodic,
    /// At the multiples of so many seconds since midnight (UTC).
    PeriodicClockAligned,
    /// The value is further from its target (attribute `Target`) than that of the monitor (2.1).
    TargetDelta,
    /// The same, in parts of the target: 0.1 is a tenth (2.1).
    TargetDeltaRelative,
}

impl MonitorKind {
    const ALL: [Self; 7] = [
        Self::UpperThreshold,
        Self::LowerThreshold,
        Self::Delta,
        Self::Periodic,
        Self::PeriodicClockAligned,
        Self::TargetDelta,
        Self::TargetDeltaRelative,
    ];

    /// Its name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::UpperThreshold => "UpperThreshold",
            Self::LowerThreshold => "LowerThreshold",
            Self::Delta => "Delta",
            Self::Periodic => "Periodic",
            Self::PeriodicClockAligned => "PeriodicClockAligned",
            Self::TargetDelta => "TargetDelta",
            Self::TargetDeltaRelative => "TargetDeltaRelative",
        }
    }

    pub(crate) fn from_wire(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }

    /// The `MonitoringCriterion` that asks for it (N02.FR.12 to FR.14).
    pub(crate) const fn criterion(self) -> &'static str {
        match self {
            Self::UpperThreshold | Self::LowerThreshold => "ThresholdMonitoring",
            Self::Delta | Self::TargetDelta | Self::TargetDeltaRelative => "DeltaMonitoring",
            Self::Periodic | Self::PeriodicClockAligned => "PeriodicMonitoring",
        }
    }

    /// The `trigger` of its events (N07.FR.16 to FR.19, N08.FR.05).
    pub(crate) const fn trigger(self) -> &'static str {
        match self {
            Self::UpperThreshold | Self::LowerThreshold => "Alerting",
            Self::Delta | Self::TargetDelta | Self::TargetDeltaRelative => "Delta",
            Self::Periodic | Self::PeriodicClockAligned => "Periodic",
        }
    }

    pub(crate) const fn is_periodic(self) -> bool {
        matches!(self, Self::Periodic | Self::PeriodicClockAligned)
    }
}

/// A monitor of a variable's actual value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Monitor {
    /// The component whose variable is monitored.
    #[serde(with = "ComponentDef")]
    pub component: ComponentKey,
    /// The variable.
    #[serde(with = "VariableDef")]
    pub variable: VariableKey,
    /// When it speaks.
    pub kind: MonitorKind,
    /// The threshold or difference in the variable's unit, or seconds.
    pub value: Decimal,
    /// How much it matters: 0 (danger) to 9 (debugging).
    pub severity: i32,
    /// It speaks only while a transaction is running at its EVSE; without EVSE, while any is.
    pub transaction: bool,
}

impl Monitor {
    /// A monitor of severity 5 (alert) that speaks at all times.
    pub fn new(
        component: impl Into<ComponentKey>,
        variable: impl Into<VariableKey>,
        kind: MonitorKind,
        value: impl Into<Decimal>,
    ) -> Self {
        Self {
            component: component.into(),
            variable: variable.into(),
            kind,
            value: value.into(),
            severity: 5,
            transaction: false,
        }
    }

    /// The same with this severity, 0 to 9.
    pub fn with_severity(mut self, severity: i32) -> Self {
        self.severity = severity;
        self
    }

    /// The same, only while a transaction is running.
    pub fn during_transactions(mut self) -> Self {
        self.transaction = true;
        self
    }

    fn is_of_same_variable(&self, other: &Self) -> bool {
        self.component == other.component && self.variable == other.variable
    }
}

/// A monitor that the maker has set.
#[derive(Clone, Debug, PartialEq)]
pub enum Preset {
    /// A CSMS can neither change nor clear it.
    HardWired(Monitor),
    /// A CSMS can change and clear it, and get it back (SetMonitoringBase).
    Preconfigured(Monitor),
}

/// Where a monitor comes from (`EventNotificationEnumType`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Origin {
    HardWired,
    Preconfigured,
    Custom,
}

impl Origin {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::HardWired => "HardWiredMonitor",
            Self::Preconfigured => "PreconfiguredMonitor",
            Self::Custom => "CustomMonitor",
        }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "ComponentKey")]
pub(crate) struct ComponentDef {
    name: String,
    instance: Option<String>,
    evse: Option<u32>,
    connector: Option<u32>,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "VariableKey")]
struct VariableDef {
    name: String,
    instance: Option<String>,
}
