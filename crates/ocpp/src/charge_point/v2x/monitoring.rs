//! Variable monitoring in 2.x (N02 to N08).

use tieline_service::{After, Call, Router, State};

use super::messages::{
    ClearMonitoringResult, ClearMonitoringStatus, ClearVariableMonitoringRequest,
    ClearVariableMonitoringResponse, EventData, EventNotification, EventTrigger, GenericDeviceModelStatus,
    GenericStatus, GetMonitoringReportRequest, GetMonitoringReportResponse, Monitor, MonitoringBase,
    MonitoringCriterion, MonitoringData, NotifyEventRequest, NotifyMonitoringReportRequest,
    SetMonitoringBaseRequest, SetMonitoringBaseResponse, SetMonitoringData, SetMonitoringLevelRequest,
    SetMonitoringLevelResponse, SetMonitoringResult, SetMonitoringStatus, SetVariableMonitoringRequest,
    SetVariableMonitoringResponse,
};
use super::variables::{component_key, component_of, is_meant, variable_key, variable_of};
use super::{reason, variable_monitoring, wants_stream, with_severity};
use crate::Ocpp;
use crate::charge_point::model::show_monitoring;
use crate::charge_point::monitoring::{
    self, Base, Cleared, Event, EventDetails, Installed, MonitorKind, Refusal,
};
use crate::charge_point::state::State as Known;
use crate::charge_point::{ChargePoint, Link};

/// How many variables one NotifyMonitoringReport tells.
const PAGE: usize = 25;

pub(super) fn routes(router: Router<Ocpp, ChargePoint>) -> Router<Ocpp, ChargePoint> {
    router.on(set).on(clear).on(set_base).on(set_level).on(report)
}

/// N04. A threshold that is exceeded already is told after the answer.
async fn set(
    call: Call<SetVariableMonitoringRequest>,
    State(point): State<ChargePoint>,
) -> (SetVariableMonitoringResponse, After) {
    point.show_in_model();
    let results = {
        let mut state = point.locked();
        let Known { monitors, model, .. } = &mut *state;
        let results = call
            .set_monitoring_data
            .iter()
            .map(|data| result(data, read(data).and_then(|monitor| monitors.set(data.id, monitor, model))))
            .collect();
        point.save(&mut state);
        results
    };
    (SetVariableMonitoringResponse::new(results), speaking(&point))
}

/// What follows from a change is said once the answer has left.
fn speaking(point: &ChargePoint) -> After {
    let speaking = point.clone();
    point.afterwards(async move { speaking.change(|_| ()) })
}

fn read(data: &SetMonitoringData) -> Result<monitoring::Monitor, Refusal> {
    if wants_stream(data) {
        return Err(Refusal::rejected("UnsupportedParam"));
    }
    let unsupported = Refusal { status: "UnsupportedMonitorType", reason: None };
    let kind = MonitorKind::from_wire(data.r#type.as_str()).ok_or(unsupported)?;
    let (component, variable) = (component_key(&data.component), variable_key(&data.variable));
    let mut monitor = monitoring::Monitor::new(component, variable, kind, data.value);
    monitor.severity = data.severity;
    monitor.transaction = data.transaction.unwrap_or(false);
    Ok(monitor)
}

fn result(data: &SetMonitoringData, set: Result<i32, Refusal>) -> SetMonitoringResult {
    let status = set.map_or_else(|refusal| refusal.status, |_| "Accepted");
    let mut result = SetMonitoringResult::new(
        SetMonitoringStatus::from_wire(status),
        data.r#type.clone(),
        data.component.clone(),
        data.variable.clone(),
        data.severity,
    );
    match set {
        Ok(id) => result.id = Some(id),
        Err(refusal) => result.status_info = refusal.reason.map(reason),
    }
    result
}

/// N06.
async fn clear(
    call: Call<ClearVariableMonitoringRequest>,
    State(point): State<ChargePoint>,
) -> ClearVariableMonitoringResponse {
    let clear = |state: &mut Known, id: i32| {
        let (status, why) = match state.monitors.clear(id) {
            Cleared::Accepted => (ClearMonitoringStatus::Accepted, None),
            Cleared::HardWired => (ClearMonitoringStatus::Rejected, Some(reason("ReadOnly"))),
            Cleared::NotFound => (ClearMonitoringStatus::NotFound, None),
        };
        let mut result = ClearMonitoringResult::new(status, id);
        result.status_info = why;
        result
    };
    let results = point.change(|state| call.id.iter().map(|id| clear(state, *id)).collect());
    ClearVariableMonitoringResponse::new(results)
}

/// N03.
async fn set_base(
    call: Call<SetMonitoringBaseRequest>,
    State(point): State<ChargePoint>,
) -> (SetMonitoringBaseResponse, After) {
    let base = match call.monitoring_base {
        MonitoringBase::All => Base::All,
        MonitoringBase::FactoryDefault => Base::FactoryDefault,
        MonitoringBase::HardWiredOnly => Base::HardWiredOnly,
        _ => {
            return (SetMonitoringBaseResponse::new(GenericDeviceModelStatus::NotSupported), After::none());
        }
    };
    {
        let mut state = point.locked();
        let Known { monitors, model, .. } = &mut *state;
        monitors.set_base(base, model);
        show_monitoring(model, monitors);
        point.save(&mut state);
    }
    (SetMonitoringBaseResponse::new(GenericDeviceModelStatus::Accepted), speaking(&point))
}

/// N05.
async fn set_level(
    call: Call<SetMonitoringLevelRequest>,
    State(point): State<ChargePoint>,
) -> (SetMonitoringLevelResponse, After) {
    let exists = {
        let mut state = point.locked();
        let Known { monitors, model, .. } = &mut *state;
        let exists = monitors.set_level(call.severity);
        show_monitoring(model, monitors);
        point.save(&mut state);
        exists
    };
    if !exists {
        let mut response = SetMonitoringLevelResponse::new(GenericStatus::Rejected);
        response.status_info = Some(reason("ValueOutOfRange"));
        return (response, After::none());
    }
    (SetMonitoringLevelResponse::new(GenericStatus::Accepted), speaking(&point))
}

/// N02. The report comes after the answer.
async fn report(
    call: Call<GetMonitoringReportRequest>,
    State(point): State<ChargePoint>,
) -> (GetMonitoringReportResponse, After) {
    let refused = |status| (GetMonitoringReportResponse::new(status), After::none());
    let criteria = call.monitoring_criteria.as_deref().filter(|criteria| !criteria.is_empty());
    if criteria.is_some_and(|criteria| !criteria.iter().all(MonitoringCriterion::is_known)) {
        return refused(GenericDeviceModelStatus::NotSupported);
    }
    let asked = |one: &&Installed| {
        let monitor = &one.monitor;
        let meets = criteria.is_none_or(|criteria| {
            criteria.iter().any(|criterion| criterion.as_str() == monitor.kind.criterion())
        });
        let asked = call.component_variable.as_deref().filter(|asked| !asked.is_empty());
        meets
            && asked.is_none_or(|asked| {
                let (component, variable) = (&monitor.component, &monitor.variable);
                asked.iter().any(|one| is_meant(component, variable, &one.component, one.variable.as_ref()))
            })
    };
    let data = data(point.locked().monitors.all().iter().filter(asked));
    if data.is_empty() {
        return refused(GenericDeviceModelStatus::EmptyResultSet);
    }
    let (told, request) = (point.clone(), call.request_id);
    let after = point.afterwards(async move { tell(told.link(), request, &data).await });
    (GetMonitoringReportResponse::new(GenericDeviceModelStatus::Accepted), after)
}

/// Monitors by their variables.
fn data<'a>(monitors: impl Iterator<Item = &'a Installed>) -> Vec<MonitoringData> {
    let mut all: Vec<MonitoringData> = Vec::new();
    for one in monitors {
        let (component, variable) =
            (component_of(&one.monitor.component), variable_of(&one.monitor.variable));
        let told = variable_monitoring(one, Monitor::from_wire(one.monitor.kind.as_str()));
        match all.iter_mut().find(|data| data.component == component && data.variable == variable) {
            Some(data) => data.variable_monitoring.push(told),
            None => all.push(MonitoringData::new(component, variable, vec![told])),
        }
    }
    all
}

async fn tell(link: &Link, request: i32, data: &[MonitoringData]) {
    let mut pages = data.chunks(PAGE).peekable();
    let mut number = 0;
    while let Some(page) = pages.next() {
        let mut notify = NotifyMonitoringReportRequest::new(request, number, link.now());
        notify.tbc = pages.peek().map(|_| true);
        notify.monitor = Some(page.to_vec());
        if let Err(failure) = link.answer(&notify).await {
            tracing::warn!(protocol = "ocpp", request, number, %failure, "monitors were not reported to their end");
            return;
        }
        number += 1;
    }
}

/// Keeps what monitors say (N07, N08).
pub(in crate::charge_point) fn notify_event(link: &Link, events: &[Event], details: &EventDetails) {
    let now = link.now();
    let told = events.iter().map(|event| {
        let monitor = &event.monitor;
        let mut data = EventData::new(
            event.id,
            now,
            EventTrigger::from_wire(monitor.kind.trigger()),
            event.value.chars().take(2500).collect::<String>(),
            component_of(&monitor.component),
            EventNotification::from_wire(event.origin.as_str()),
            variable_of(&monitor.variable),
        );
        data.variable_monitoring_id = Some(event.monitoring);
        data.cleared = event.cleared.then_some(true);
        data.transaction_id.clone_from(&event.transaction);
        data.cause = details.cause;
        data.tech_code = details.tech_code.as_ref().map(|code| code.chars().take(50).collect());
        data.tech_info = details.tech_info.as_ref().map(|info| info.chars().take(500).collect());
        with_severity(data, monitor.severity)
    });
    link.owe(&NotifyEventRequest::new(now, 0, told.collect()));
}
