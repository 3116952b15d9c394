//! What the hardware says of variables, and the events that follow.

use ocpp_kit::station::device_model::{
    Attribute, ComponentKey, DeviceModel, ReportDatum, VariableKey, VariableSpec,
};

use super::Monitor;
use super::store::{Now, declared};
use crate::Version;
use crate::charge_point::ChargePoint;
use crate::charge_point::evse::Evse;
use crate::charge_point::model::{show_base, show_power};
use crate::charge_point::state::State;

/// What stands beside a value in the events that it leads to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct EventDetails {
    /// The number of the event that has caused it (N07.FR.05).
    pub cause: Option<i32>,
    /// The maker's code for it; at most 50 characters.
    pub tech_code: Option<String>,
    /// What a technician should know; at most 500 characters.
    pub tech_info: Option<String>,
}

/// Why a value can't be that of a variable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ObserveError {
    /// The station has no such variable.
    #[error("there is no such variable")]
    UnknownVariable,
    /// The variable's type does not have this value.
    #[error("the variable's type does not have this value")]
    WrongType,
}

impl ChargePoint {
    /// A variable of 2.x has this actual value now, such as `Temperature` of a connector: GetVariables tells it, and
    /// monitors watch it. Returns the numbers of the events that it leads to.
    ///
    /// The station has its own variables, and those that [`Hardware::variables`](crate::charge_point::Hardware::variables) names. It knows
    /// itself how available its EVSEs are, and by the meter the `Power` of an EVSE.
    ///
    /// # Errors
    ///
    /// There is no such variable, or it can't have this value.
    pub fn observe(
        &self,
        component: impl Into<ComponentKey>,
        variable: impl Into<VariableKey>,
        value: &str,
    ) -> Result<Vec<i32>, ObserveError> {
        self.observe_with(component, variable, value, &EventDetails::default())
    }

    /// [`observe`](Self::observe) with what the events are to say beside the value.
    ///
    /// # Errors
    ///
    /// There is no such variable, or it can't have this value.
    pub fn observe_with(
        &self,
        component: impl Into<ComponentKey>,
        variable: impl Into<VariableKey>,
        value: &str,
        details: &EventDetails,
    ) -> Result<Vec<i32>, ObserveError> {
        let (component, variable) = (component.into(), variable.into());
        self.change(|state| {
            put(&mut state.model, component, &variable, value)?;
            Ok(self.monitor(state, details))
        })
    }

    /// Lets the monitors speak, if they have to say anything. Returns the numbers of their events.
    pub(crate) fn monitor(&self, state: &mut State, details: &EventDetails) -> Vec<i32> {
        let version = state.version;
        if version == Version::V1_6 || state.monitors.is_empty() {
            return Vec::new();
        }
        self.show_monitored(state);
        if !is_enabled(&state.model) {
            state.monitors.rest();
            return Vec::new();
        }
        // N07.FR.04, N08.FR.03: others would not be delivered. They speak once the station is online.
        let severity = if self.0.link.is_online() { 9 } else { offline_severity(&state.model) };
        let now = Now { at: self.now(), severity };
        let State { monitors, model, evses, .. } = state;
        let events = monitors.watch(now, model, |monitor| running(evses, monitor));
        if !events.is_empty() {
            let _: Option<()> = spoken_2x!(version, v => v::notify_event(&self.0.link, &events, details));
        }
        events.into_iter().map(|event| event.id).collect()
    }

    /// The model shows what the station knows itself and somebody monitors.
    fn show_monitored(&self, state: &mut State) {
        let State { monitors, model, evses, .. } = state;
        show_base(model, evses);
        for evse in evses {
            let is_of_meter = |monitor: &Monitor| {
                let component = &monitor.component;
                component.name == "EVSE"
                    && component.evse == Some(evse.id.unsigned_abs())
                    && monitor.variable.name == "Power"
            };
            if monitors.all().iter().any(|one| is_of_meter(&one.monitor)) {
                show_power(model, evse.id, self.0.hardware.meter(evse.id).power);
            }
        }
    }
}

fn is_enabled(model: &DeviceModel) -> bool {
    model.get("MonitoringCtrlr", "Enabled", Attribute::Actual).is_ok_and(|text| text == "true")
}

fn offline_severity(model: &DeviceModel) -> i32 {
    let text = model.get("MonitoringCtrlr", "OfflineQueuingSeverity", Attribute::Actual);
    text.ok().and_then(|text| text.parse().ok()).unwrap_or(9)
}

/// Whether a transaction is running that a monitor is about, and its id where it is one.
fn running(evses: &[Evse], monitor: &Monitor) -> (bool, Option<String>) {
    let evse = monitor.component.evse;
    let about = evses.iter().filter(|known| evse.is_none_or(|evse| evse == known.id.unsigned_abs()));
    let mut running = about.filter_map(|known| known.kept.transaction.as_ref());
    match (running.next(), running.next()) {
        (None, _) => (false, None),
        (Some(only), None) if evse.is_some() || monitor.transaction => (true, Some(only.id.clone())),
        (Some(_), _) => (true, None),
    }
}

/// Gives a variable a value, whoever else may set it.
fn put(
    model: &mut DeviceModel,
    component: ComponentKey,
    variable: &VariableKey,
    value: &str,
) -> Result<(), ObserveError> {
    let Some(datum) = declared(model, &component, variable) else {
        return Err(ObserveError::UnknownVariable);
    };
    if !datum.data_type.accepts(value, &datum.values_list) {
        return Err(ObserveError::WrongType);
    }
    model.declare(component, redeclared(&datum, value));
    Ok(())
}

fn redeclared(datum: &ReportDatum, value: &str) -> VariableSpec {
    let ReportDatum { variable, data_type, mutability, .. } = datum;
    let mut spec = VariableSpec::new(variable.name.as_str(), *data_type)
        .mutability(*mutability)
        .values(datum.values_list.clone())
        .limits(datum.min_limit, datum.max_limit);
    if let Some(instance) = &variable.instance {
        spec = spec.instance(instance.as_str());
    }
    if let Some(unit) = &datum.unit {
        spec = spec.unit(unit.as_str());
    }
    if datum.constant {
        spec = spec.constant();
    }
    for (attribute, _, value) in &datum.attributes {
        spec = spec.supports(*attribute);
        if let Some(value) = value {
            spec = spec.attribute(*attribute, value.as_str());
        }
    }
    spec.value(value)
}
