//! The device model in 2.x (B05 to B08).

use ocpp_kit::station::device_model::{
    Attribute, ComponentKey, DeviceModel, GetStatus, Mutability as Mutable, ReportBase as Base, ReportDatum,
    SetStatus, VariableKey,
};
use tieline_service::{After, Call, Router, State};

use super::messages::{
    self, Component, Data, EVSE, GenericDeviceModelStatus, GetBaseReportRequest, GetBaseReportResponse,
    GetReportRequest, GetReportResponse, GetVariableData, GetVariableResult, GetVariableStatus,
    GetVariablesRequest, GetVariablesResponse, Mutability, NotifyReportRequest, ReportBase, ReportData,
    SetVariableData, SetVariableResult, SetVariableStatus, SetVariablesRequest, SetVariablesResponse,
    Variable, VariableAttribute, VariableCharacteristics,
};
use super::reason;
use crate::Ocpp;
use crate::charge_point::ChargePoint;
use crate::charge_point::model::show_networks;
use crate::charge_point::snapshot;
use crate::charge_point::state::State as Known;

/// How many variables one NotifyReport tells.
const PAGE: usize = 25;

pub(super) fn routes(router: Router<Ocpp, ChargePoint>) -> Router<Ocpp, ChargePoint> {
    router.on(get_variables).on(set_variables).on(get_base_report).on(get_report)
}

/// B06.
async fn get_variables(
    call: Call<GetVariablesRequest>,
    State(point): State<ChargePoint>,
) -> GetVariablesResponse {
    point.show_in_model();
    let state = point.locked();
    let results = call.get_variable_data.iter().map(|asked| got(&state.model, asked)).collect();
    GetVariablesResponse::new(results)
}

fn got(model: &DeviceModel, asked: &GetVariableData) -> GetVariableResult {
    let attribute = attribute_of(asked.attribute_type.as_ref());
    let value = model.get(component_key(&asked.component), variable_key(&asked.variable), attribute);
    let status = match &value {
        Ok(_) => GetVariableStatus::Accepted,
        Err(GetStatus::UnknownComponent) => GetVariableStatus::UnknownComponent,
        Err(GetStatus::UnknownVariable) => GetVariableStatus::UnknownVariable,
        Err(GetStatus::NotSupportedAttributeType) => GetVariableStatus::NotSupportedAttributeType,
        Err(_) => GetVariableStatus::Rejected,
    };
    let mut result = GetVariableResult::new(status, asked.component.clone(), asked.variable.clone());
    result.attribute_type.clone_from(&asked.attribute_type);
    result.attribute_value = value.ok();
    result
}

/// B05.
async fn set_variables(
    call: Call<SetVariablesRequest>,
    State(point): State<ChargePoint>,
) -> (SetVariablesResponse, After) {
    let mut password = None;
    let results = point.change(|state| {
        let mut results = Vec::new();
        for wanted in &call.set_variable_data {
            if is_priority(wanted) {
                results.push(set_priority(state, wanted));
                continue;
            }
            let status = if is_sensible(wanted) {
                state.model.set(
                    component_key(&wanted.component),
                    variable_key(&wanted.variable),
                    attribute_of(wanted.attribute_type.as_ref()),
                    &wanted.attribute_value,
                )
            } else {
                SetStatus::Rejected
            };
            if matches!(status, SetStatus::Accepted | SetStatus::RebootRequired) {
                state.remember(kept(wanted));
                if is_password(wanted) {
                    password = Some(wanted.attribute_value.clone());
                }
            }
            results.push(set(wanted, status));
        }
        state.read_settings();
        state.renew_machines();
        point.intervals_set(state);
        results
    });
    point.settings_changed();
    if call.set_variable_data.iter().any(|wanted| wanted.variable.name.starts_with("RetryBackOff")) {
        point.backoff_set();
    }
    let mut after = After::none();
    if let Some(password) = password {
        let point = point.clone();
        // A01.FR.10: once the answer has left, it connects with it.
        after.push(async move { point.password_changed(password.as_bytes()) });
    }
    (SetVariablesResponse::new(results), after)
}

fn is_priority(wanted: &SetVariableData) -> bool {
    let is_actual = attribute_of(wanted.attribute_type.as_ref()) == Attribute::Actual;
    is_actual
        && wanted.component.name == "OCPPCommCtrlr"
        && wanted.variable.name == "NetworkConfigurationPriority"
}

/// The ways to a CSMS that are tried after the next restart (A05.FR.02 to FR.04, B10.FR.01).
fn set_priority(state: &mut Known, wanted: &SetVariableData) -> SetVariableResult {
    let refusal = state.networks.set_priority(&wanted.attribute_value).err();
    show_networks(&mut state.keys, &mut state.model, &state.networks);
    let status = if refusal.is_some() { SetStatus::Rejected } else { SetStatus::Accepted };
    let mut result = set(wanted, status);
    result.attribute_status_info = refusal.map(|refusal| reason(refusal.as_str()));
    result
}

fn is_password(wanted: &SetVariableData) -> bool {
    wanted.component.name == "SecurityCtrlr" && wanted.variable.name == "BasicAuthPassword"
}

/// What the type of a variable does not say.
fn is_sensible(wanted: &SetVariableData) -> bool {
    if is_password(wanted) {
        // A00.FR.205: 16 to 40 characters.
        return (16..=40).contains(&wanted.attribute_value.chars().count());
    }
    !(wanted.variable.name.contains("Interval") && wanted.attribute_value.starts_with('-'))
}

fn set(wanted: &SetVariableData, status: SetStatus) -> SetVariableResult {
    let status = match status {
        SetStatus::Accepted => SetVariableStatus::Accepted,
        SetStatus::RebootRequired => SetVariableStatus::RebootRequired,
        SetStatus::UnknownComponent => SetVariableStatus::UnknownComponent,
        SetStatus::UnknownVariable => SetVariableStatus::UnknownVariable,
        SetStatus::NotSupportedAttributeType => SetVariableStatus::NotSupportedAttributeType,
        _ => SetVariableStatus::Rejected,
    };
    let mut result = SetVariableResult::new(status, wanted.component.clone(), wanted.variable.clone());
    result.attribute_type.clone_from(&wanted.attribute_type);
    result
}

fn kept(wanted: &SetVariableData) -> snapshot::Variable {
    let evse = wanted.component.evse.as_ref();
    snapshot::Variable {
        component: wanted.component.name.clone(),
        component_instance: wanted.component.instance.clone(),
        evse: evse.map(|evse| evse.id.unsigned_abs()),
        connector: evse.and_then(|evse| evse.connector_id).map(i32::unsigned_abs),
        name: wanted.variable.name.clone(),
        instance: wanted.variable.instance.clone(),
        attribute: attribute_of(wanted.attribute_type.as_ref()).as_str().to_owned(),
        value: wanted.attribute_value.clone(),
    }
}

fn attribute_of(attribute: Option<&messages::Attribute>) -> Attribute {
    attribute.and_then(|attribute| Attribute::from_wire(attribute.as_str())).unwrap_or(Attribute::Actual)
}

pub(super) fn component_key(component: &Component) -> ComponentKey {
    let mut key = ComponentKey::new(component.name.as_str());
    if let Some(instance) = &component.instance {
        key = key.instance(instance.as_str());
    }
    if let Some(evse) = &component.evse {
        key = key.evse(evse.id.unsigned_abs(), evse.connector_id.map(i32::unsigned_abs));
    }
    key
}

pub(super) fn variable_key(variable: &Variable) -> VariableKey {
    let key = VariableKey::new(variable.name.as_str());
    match &variable.instance {
        Some(instance) => key.instance(instance.as_str()),
        None => key,
    }
}

pub(super) fn component_of(key: &ComponentKey) -> Component {
    let mut component = Component::new(key.name.as_str());
    component.instance.clone_from(&key.instance);
    component.evse = key.evse.and_then(|id| i32::try_from(id).ok()).map(|id| {
        let mut evse = EVSE::new(id);
        evse.connector_id = key.connector.and_then(|id| i32::try_from(id).ok());
        evse
    });
    component
}

pub(super) fn variable_of(key: &VariableKey) -> Variable {
    let mut variable = Variable::new(key.name.as_str());
    variable.instance.clone_from(&key.instance);
    variable
}

/// B07.
async fn get_base_report(
    call: Call<GetBaseReportRequest>,
    State(point): State<ChargePoint>,
) -> (GetBaseReportResponse, After) {
    let base = match call.report_base {
        ReportBase::ConfigurationInventory => Base::ConfigurationInventory,
        ReportBase::FullInventory => Base::FullInventory,
        ReportBase::SummaryInventory => Base::SummaryInventory,
        _ => return (GetBaseReportResponse::new(GenericDeviceModelStatus::NotSupported), After::none()),
    };
    point.show_in_model();
    let data = point.locked().model.report(base, None, None);
    if data.is_empty() {
        return (GetBaseReportResponse::new(GenericDeviceModelStatus::EmptyResultSet), After::none());
    }
    let after = reporting(&point, call.request_id, data);
    (GetBaseReportResponse::new(GenericDeviceModelStatus::Accepted), after)
}

/// B08.
async fn get_report(
    call: Call<GetReportRequest>,
    State(point): State<ChargePoint>,
) -> (GetReportResponse, After) {
    point.show_in_model();
    let data = point.locked().model.report(Base::FullInventory, None, None);
    let data: Vec<ReportDatum> = data
        .into_iter()
        .filter(|datum| {
            let asked = call.component_variable.as_deref();
            asked.is_none_or(|asked| {
                asked.iter().any(|one| {
                    is_meant(&datum.component, &datum.variable, &one.component, one.variable.as_ref())
                })
            })
        })
        .filter(|datum| call.component_criteria.as_deref().is_none_or(|criteria| meets(datum, criteria)))
        .collect();
    if data.is_empty() {
        return (GetReportResponse::new(GenericDeviceModelStatus::EmptyResultSet), After::none());
    }
    let after = reporting(&point, call.request_id, data);
    (GetReportResponse::new(GenericDeviceModelStatus::Accepted), after)
}

/// B08.FR.20 and after: what is left out of a name stands for all.
pub(super) fn is_meant(
    of: &ComponentKey,
    named: &VariableKey,
    component: &Component,
    variable: Option<&Variable>,
) -> bool {
    let of_evse = component.evse.as_ref().is_none_or(|evse| {
        of.evse == Some(evse.id.unsigned_abs())
            && evse.connector_id.is_none_or(|connector| of.connector == Some(connector.unsigned_abs()))
    });
    let of_component = of.name == component.name
        && (component.instance.is_none() || of.instance == component.instance)
        && of_evse;
    let of_variable = variable.is_none_or(|variable| {
        named.name == variable.name && (variable.instance.is_none() || named.instance == variable.instance)
    });
    of_component && of_variable
}

/// B08.FR.07 to FR.10: components are active, available, enabled and without problem unless a variable says otherwise; ours
/// have none that could.
fn meets(datum: &ReportDatum, criteria: &[messages::ComponentCriterion]) -> bool {
    let says = |criterion: &messages::ComponentCriterion| datum.variable.name == criterion.as_str();
    criteria.iter().any(|criterion| says(criterion) || *criterion != messages::ComponentCriterion::Problem)
}

fn reporting(point: &ChargePoint, request: i32, data: Vec<ReportDatum>) -> After {
    let told = point.clone();
    point.afterwards(async move {
        for (number, continues, page) in DeviceModel::paginate(&data, PAGE) {
            let mut notify = NotifyReportRequest::new(request, told.link().now(), number);
            notify.tbc = continues.then_some(true);
            notify.report_data = Some(page.iter().map(report_data).collect());
            if let Err(failure) = told.link().answer(&notify).await {
                tracing::warn!(protocol = "ocpp", request, number, %failure, "a report was not told to its end");
                return;
            }
        }
    })
}

fn report_data(datum: &ReportDatum) -> ReportData {
    let mutability = |mutability| match mutability {
        Mutable::ReadOnly => Mutability::ReadOnly,
        Mutable::WriteOnly => Mutability::WriteOnly,
        Mutable::ReadWrite => Mutability::ReadWrite,
    };
    let attributes = datum.attributes.iter().map(|(attribute, mutable, value)| {
        let mut told = VariableAttribute::new();
        told.r#type = Some(messages::Attribute::from_wire(attribute.as_str()));
        told.mutability = Some(mutability(*mutable));
        told.value.clone_from(value);
        told.persistent = Some(datum.persistent);
        told.constant = Some(datum.constant);
        told
    });
    let mut characteristics = VariableCharacteristics::new(Data::from_wire(datum.data_type.as_str()), true);
    characteristics.unit.clone_from(&datum.unit);
    characteristics.min_limit = datum.min_limit;
    characteristics.max_limit = datum.max_limit;
    characteristics.values_list = (!datum.values_list.is_empty()).then(|| datum.values_list.join(","));
    let attributes = attributes.collect();
    let (component, variable) = (component_of(&datum.component), variable_of(&datum.variable));
    let mut data = ReportData::new(component, variable, attributes);
    data.variable_characteristics = Some(characteristics);
    data
}
