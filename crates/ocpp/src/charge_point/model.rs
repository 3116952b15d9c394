//! What the station has of the device model of 2.x, and of the configuration keys of 1.6.

use ocpp_kit::station::configuration::{Access, ConfigurationKeys};
use ocpp_kit::station::device_model::{
    Attribute, ComponentKey, DataType, DeviceModel, Mutability, SetStatus, VariableSpec,
};

use super::display::{Display, STATES};
use super::evse::Evse;
use super::monitoring::Monitors;
use super::networks::Networks;
use crate::smart_charging::Capabilities;
use crate::types::{DateTime, Decimal};

/// The keys of 1.6 for a station with so many connectors.
pub(crate) fn configuration_keys(connectors: i32, can: &Capabilities) -> ConfigurationKeys {
    let mut keys = ConfigurationKeys::with_defaults();
    // The limits of this station's own parts.
    for (name, value) in [
        ("NumberOfConnectors", connectors.to_string()),
        ("LocalAuthListMaxLength", LIST_LIMIT.to_string()),
        ("SendLocalListMaxLength", LIST_LIMIT.to_string()),
        ("ReserveConnectorZeroSupported", "true".to_owned()),
        ("AuthorizeRemoteTxRequests", "false".to_owned()),
        ("CertificateSignedMaxChainSize", "10000".to_owned()),
        ("ChargeProfileMaxStackLevel", can.max_stack_level.to_string()),
        ("ChargingScheduleAllowedChargingRateUnit", units(can, "Current", "Power")),
        ("ChargingScheduleMaxPeriods", can.max_periods.to_string()),
        ("MaxChargingProfilesInstalled", can.max_profiles.to_string()),
    ] {
        if let Some(mut key) = keys.get(name).cloned() {
            key.value = Some(value);
            // Whitepaper and §9.1.4 leave it to the station whether this one can be set.
            if name == "AuthorizeRemoteTxRequests" {
                key.access = Access::ReadWrite;
            }
            keys.declare(key);
        }
    }
    // What this station does in one way only, or leaves to its hardware.
    for (name, value) in [
        ("MeterValuesSampledData", MEASURANDS),
        ("MeterValuesAlignedData", MEASURANDS),
        ("StopTxnSampledData", MEASURANDS),
        ("StopTxnAlignedData", ""),
        ("ResetRetries", "0"),
        ("UnlockConnectorOnEVSideDisconnect", "true"),
    ] {
        if let Some(mut key) = keys.get(name).cloned() {
            key.value = Some(value.to_owned());
            key.access = Access::ReadOnly;
            keys.declare(key);
        }
    }
    // Where it connects to is the maker's to set.
    keys.remove("ConnectionUrl");
    keys
}

/// What is measured, where the hardware has it.
const MEASURANDS: &str = "Energy.Active.Import.Register,Power.Active.Import,SoC";

/// The units that are taken, as a list.
fn units(can: &Capabilities, amperes: &str, watts: &str) -> String {
    let units = [(can.amperes, amperes), (can.watts, watts)];
    units.iter().filter(|(taken, _)| *taken).map(|(_, unit)| *unit).collect::<Vec<_>>().join(",")
}

/// How many entries the local list may have.
pub(crate) const LIST_LIMIT: usize = 10_000;

/// The device model of 2.x for a station with so many EVSEs of one connector each.
pub(crate) fn device_model(evses: u32, can: &Capabilities) -> DeviceModel {
    use DataType::{Boolean, Integer};
    let mut model = DeviceModel::with_defaults();
    let seconds = |name: &str, value: &str| {
        VariableSpec::new(name, Integer).unit("s").mutability(Mutability::ReadWrite).value(value)
    };
    let switch = |name: &str, value: &str| {
        VariableSpec::new(name, Boolean).mutability(Mutability::ReadWrite).value(value)
    };
    for (component, spec) in [
        ("TxCtrlr", seconds("EVConnectionTimeOut", "60")),
        ("TxCtrlr", switch("StopTxOnEVSideDisconnect", "true")),
        ("SampledDataCtrlr", seconds("TxUpdatedInterval", "60")),
        ("AlignedDataCtrlr", seconds("Interval", "0")),
        (
            "OCPPCommCtrlr",
            VariableSpec::new("NetworkProfileConnectionAttempts", Integer)
                .mutability(Mutability::ReadWrite)
                .limits(Some(Decimal::from(1)), None)
                .value("3"),
        ),
        ("AuthCtrlr", switch("LocalAuthorizeOffline", "true")),
        ("AuthCtrlr", switch("OfflineTxForUnknownIdEnabled", "false")),
        ("ReservationCtrlr", switch("NonEvseSpecific", "true")),
        ("LocalAuthListCtrlr", VariableSpec::new("ItemsPerMessage", Integer).value(LIST_LIMIT.to_string())),
    ] {
        model.declare(ComponentKey::new(component), spec);
    }
    // As a transaction ends in 1.6 (2.x Part 2, Table 62).
    if let SetStatus::Rejected =
        model.set("TxCtrlr", "TxStopPoint", Attribute::Actual, "EVConnected,Authorized")
    {
        tracing::error!(protocol = "ocpp", "the device model does not take its own stop points");
    }
    // What this station does in one way only.
    let measurands = |name: &str| VariableSpec::new(name, DataType::MemberList).value(MEASURANDS);
    for (component, spec) in [
        ("SampledDataCtrlr", measurands("TxStartedMeasurands")),
        ("SampledDataCtrlr", measurands("TxUpdatedMeasurands")),
        ("SampledDataCtrlr", measurands("TxEndedMeasurands")),
        ("AlignedDataCtrlr", measurands("Measurands")),
        ("OCPPCommCtrlr", VariableSpec::new("QueueAllMessages", Boolean).value("false")),
        ("OCPPCommCtrlr", VariableSpec::new("OfflineThreshold", Integer).unit("s").value("0")),
        ("ClockCtrlr", VariableSpec::new("TimeSource", DataType::SequenceList).value("Heartbeat")),
        ("SampledDataCtrlr", VariableSpec::new("TxEndedInterval", Integer).unit("s").value("0")),
    ] {
        model.declare(ComponentKey::new(component), spec);
    }
    // 2.x Part 2, SmartChargingCtrlr.
    let number = |name: &str, value: String| VariableSpec::new(name, Integer).value(value);
    for spec in [
        VariableSpec::new("Enabled", Boolean).value((!can.purposes.is_empty()).to_string()),
        number("ProfileStackLevel", can.max_stack_level.to_string()),
        number("PeriodsPerSchedule", can.max_periods.to_string()),
        number("Entries", can.max_profiles.to_string()).instance("ChargingProfiles"),
        VariableSpec::new("RateUnit", DataType::MemberList).values(["A", "W"]).value(units(can, "A", "W")),
        VariableSpec::new("ExternalControlSignalsEnabled", Boolean).value("true"),
        switch("NotifyChargingLimitWithSchedules", "true"),
        VariableSpec::new("SupportsDynamicProfiles", Boolean).value(can.dynamic_profiles.to_string()),
    ] {
        model.declare(ComponentKey::new("SmartChargingCtrlr"), spec);
    }
    declare_monitoring(&mut model);
    let statuses: Vec<(u32, &str)> = (1..=evses).map(|evse| (evse, "Available")).collect();
    show_statuses(&mut model, &statuses);
    for evse in 1..=evses {
        model.declare(ComponentKey::new("EVSE").evse(evse, None), power());
    }
    show_time(&mut model, DateTime::UNIX_EPOCH);
    model
}

/// 2.x Part 2, MonitoringCtrlr.
fn declare_monitoring(model: &mut DeviceModel) {
    let number = |name: &str, value: i64| VariableSpec::new(name, DataType::Integer).value(value.to_string());
    let most = |name: &str, of: &str, value| number(name, value).instance(of);
    for spec in [
        VariableSpec::new("Available", DataType::Boolean).value("true"),
        VariableSpec::new("Enabled", DataType::Boolean).mutability(Mutability::ReadWrite).value("true"),
        number("OfflineQueuingSeverity", 9)
            .mutability(Mutability::ReadWrite)
            .limits(Some(Decimal::from(0)), Some(Decimal::from(9))),
        most("ItemsPerMessage", "SetVariableMonitoring", 1000),
        most("BytesPerMessage", "SetVariableMonitoring", 1_000_000),
        most("ItemsPerMessage", "ClearVariableMonitoring", 1000),
        most("BytesPerMessage", "ClearVariableMonitoring", 1_000_000),
    ] {
        model.declare(ComponentKey::new("MonitoringCtrlr"), spec);
    }
}

/// Shows which ways there are to a CSMS, and which is gone.
pub(crate) fn show_networks(keys: &mut ConfigurationKeys, model: &mut DeviceModel, networks: &Networks) {
    let profile = networks.security_profile();
    if let Some(mut key) = keys.get("SecurityProfile").cloned() {
        key.value = Some(profile.to_string());
        keys.declare(key);
    }
    let number = |name: &str, value: i32| VariableSpec::new(name, DataType::Integer).value(value.to_string());
    let priority = VariableSpec::new("NetworkConfigurationPriority", DataType::SequenceList)
        .mutability(Mutability::ReadWrite)
        .value(networks.priority());
    for (component, spec) in [
        // 2.x has no 0.
        ("SecurityCtrlr", number("SecurityProfile", profile.max(1))),
        ("OCPPCommCtrlr", number("ActiveNetworkProfile", networks.active())),
        ("OCPPCommCtrlr", priority),
    ] {
        model.declare(ComponentKey::new(component), spec);
    }
}

/// 2.x Part 2, DisplayMessageCtrlr.
pub(crate) fn declare_display(model: &mut DeviceModel, display: &Display) {
    let list = |name: &str, values: &[&str]| {
        VariableSpec::new(name, DataType::MemberList).values(values.iter().copied()).value(values.join(","))
    };
    let formats: Vec<&str> = display.formats.iter().map(String::as_str).collect();
    for spec in [
        VariableSpec::new("Available", DataType::Boolean).value("true"),
        VariableSpec::new("Enabled", DataType::Boolean).value("true"),
        list("SupportedFormats", &formats),
        list("SupportedPriorities", &["AlwaysFront", "InFront", "NormalCycle"]),
        list("SupportedStates", &STATES),
    ] {
        model.declare(ComponentKey::new("DisplayMessageCtrlr"), spec);
    }
    show_display(model, display, 0);
}

/// Shows how many messages there are.
pub(crate) fn show_display(model: &mut DeviceModel, display: &Display, messages: usize) {
    let most = i64::try_from(display.most).unwrap_or(i64::MAX);
    let number = VariableSpec::new("DisplayMessages", DataType::Integer)
        .limits(None, Some(Decimal::from(most)))
        .value(messages.to_string());
    model.declare(ComponentKey::new("DisplayMessageCtrlr"), number);
}

/// Shows which monitors may speak.
pub(crate) fn show_monitoring(model: &mut DeviceModel, monitors: &Monitors) {
    let base = VariableSpec::new("ActiveMonitoringBase", DataType::OptionList)
        .values(["All", "FactoryDefault", "HardWiredOnly"])
        .value(monitors.base().as_str());
    let level =
        VariableSpec::new("ActiveMonitoringLevel", DataType::Integer).value(monitors.level().to_string());
    for spec in [base, level] {
        model.declare(ComponentKey::new("MonitoringCtrlr"), spec);
    }
}

/// Shows how the EVSEs are.
pub(crate) fn show_base(model: &mut DeviceModel, evses: &[Evse]) {
    let statuses: Vec<_> = evses.iter().map(|evse| (evse.id.unsigned_abs(), evse.status_2x())).collect();
    show_statuses(model, &statuses);
}

fn power() -> VariableSpec {
    VariableSpec::new("Power", DataType::Decimal).unit("W")
}

/// Shows what an EVSE draws, in W, where its meter says it.
pub(crate) fn show_power(model: &mut DeviceModel, evse: i32, watts: Option<i64>) {
    // Without a meter for it the owner may say it.
    if let Some(watts) = watts {
        let component = ComponentKey::new("EVSE").evse(evse.unsigned_abs(), None);
        model.declare(component, power().value(watts.to_string()));
    }
}

/// Shows what time it is.
pub(crate) fn show_time(model: &mut DeviceModel, now: DateTime) {
    let clock = VariableSpec::new("DateTime", DataType::DateTime).value(now.to_string());
    model.declare(ComponentKey::new("ClockCtrlr"), clock);
}

fn show_statuses(model: &mut DeviceModel, statuses: &[(u32, &str)]) {
    let state = |value: &str| {
        VariableSpec::new("AvailabilityState", DataType::OptionList)
            .values(["Available", "Occupied", "Reserved", "Unavailable", "Faulted"])
            .value(value)
    };
    let is_available = statuses.iter().any(|(_, status)| *status != "Unavailable");
    let station = if is_available { "Available" } else { "Unavailable" };
    model.declare(ComponentKey::new("ChargingStation"), state(station));
    for (evse, status) in statuses {
        model.declare(ComponentKey::new("EVSE").evse(*evse, None), state(status));
        model.declare(ComponentKey::new("Connector").evse(*evse, Some(1)), state(status));
    }
}
