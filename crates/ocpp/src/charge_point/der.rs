//! Controls of distributed energy resources, which only 2.1 has (functional block R).

use tieline_service::{After, Call, Router, State};

use super::ChargePoint;
use super::state::State as Known;
use crate::types::DateTime;
use crate::v21::{
    ClearDERControlRequest, ClearDERControlResponse, GetDERControlRequest, GetDERControlResponse,
    NotifyDERAlarmRequest, NotifyDERStartStopRequest, SetDERControlRequest, SetDERControlResponse,
};
use crate::{CallError, ErrorCode, Ocpp, Version};

pub(super) fn routes(router: Router<Ocpp, ChargePoint>) -> Router<Ocpp, ChargePoint> {
    router.on(set).on(get).on(clear)
}

fn supported(point: &ChargePoint) -> Result<(), CallError> {
    if point.locked().der.is_supported() {
        return Ok(());
    }
    Err(CallError::new(ErrorCode::NotSupported, "This station feeds nothing back"))
}

async fn set(
    call: Call<SetDERControlRequest>,
    State(point): State<ChargePoint>,
) -> Result<SetDERControlResponse, CallError> {
    supported(&point)?;
    let request = (*call).clone();
    Ok(point.change(|state| state.der.set(request)))
}

async fn clear(
    call: Call<ClearDERControlRequest>,
    State(point): State<ChargePoint>,
) -> Result<ClearDERControlResponse, CallError> {
    supported(&point)?;
    Ok(point.change(|state| state.der.clear(&call)))
}

/// The reports come after the answer.
async fn get(
    call: Call<GetDERControlRequest>,
    State(point): State<ChargePoint>,
) -> Result<(GetDERControlResponse, After), CallError> {
    supported(&point)?;
    let (response, reports) = point.locked().der.get(&call);
    let told = point.clone();
    let after = point.afterwards(async move {
        for report in reports {
            if let Err(failure) = told.link().answer(&report).await {
                tracing::warn!(protocol = "ocpp", %failure, "controls were not reported to their end");
                return;
            }
        }
    });
    Ok((response, after))
}

impl ChargePoint {
    /// The hardware follows the controls that are in force now, and the CSMS is told when a scheduled one starts or stops.
    pub(crate) fn follow_der(&self, state: &mut Known) {
        if !state.der.is_supported() {
            return;
        }
        let now = self.0.link.now();
        state.der.expire(now);
        state.der_due =
            state.der.next_change(now).and_then(|second| jiff::Timestamp::from_second(second).ok());
        let is_spoken = state.version == Version::V2_1;
        let followed: Vec<_> =
            if is_spoken { state.der.followed(now).into_iter().cloned().collect() } else { Vec::new() };
        if followed == state.der_followed {
            return;
        }
        self.0.hardware.follow_der(&followed);
        let before = std::mem::replace(&mut state.der_followed, followed);
        if is_spoken {
            self.tell_start_and_stop(&before, &state.der_followed, now);
        }
    }

    fn tell_start_and_stop(
        &self,
        before: &[SetDERControlRequest],
        after: &[SetDERControlRequest],
        now: DateTime,
    ) {
        let is_in = |all: &[SetDERControlRequest], one: &SetDERControlRequest| {
            all.iter().any(|known| known.control_id == one.control_id)
        };
        for stopped in before.iter().filter(|one| !one.is_default && !is_in(after, one)) {
            self.0.link.owe(&NotifyDERStartStopRequest::new(stopped.control_id.as_str(), false, now));
        }
        for started in after.iter().filter(|one| !one.is_default && !is_in(before, one)) {
            let superseded = before.iter().filter(|one| one.control_type == started.control_type);
            let superseded: Vec<String> = superseded.map(|one| one.control_id.clone()).collect();
            let mut told = NotifyDERStartStopRequest::new(started.control_id.as_str(), true, now);
            told.superseded_ids = Some(superseded).filter(|ids| !ids.is_empty());
            self.0.link.owe(&told);
        }
    }

    /// A control that protects has tripped, or does so no longer: the CSMS is told, when it can be (2.1). Returns `false` where
    /// another version is spoken, which knows no such alarm.
    pub fn notify_der_alarm(&self, alarm: &NotifyDERAlarmRequest) -> bool {
        let is_spoken = self.locked().version == Version::V2_1;
        if is_spoken {
            self.0.link.owe(alarm);
        }
        is_spoken
    }
}
