//! Dynamic profiles and priority charging, which only 2.1 has (K21, K22, K28).

use ocpp_kit::standard::reason_codes::ReasonCode;
use tieline_service::{Call, Router, State};

use super::ChargePoint;
use super::profiles::Profiles;
use crate::Ocpp;
use crate::v21::{
    ChargingProfileStatus, NotifyPriorityChargingRequest, PriorityChargingStatus,
    PullDynamicScheduleUpdateRequest, StatusInfo, UpdateDynamicScheduleRequest,
    UpdateDynamicScheduleResponse, UsePriorityChargingRequest, UsePriorityChargingResponse,
};

pub(super) fn routes(router: Router<Ocpp, ChargePoint>) -> Router<Ocpp, ChargePoint> {
    router.on(update).on(use_priority)
}

async fn update(
    call: Call<UpdateDynamicScheduleRequest>,
    State(point): State<ChargePoint>,
) -> UpdateDynamicScheduleResponse {
    let now = point.0.link.now();
    point.change(|state| match &mut state.profiles {
        Profiles::V21(store) => store.update_dynamic_schedule(&call, now),
        _ => UpdateDynamicScheduleResponse::new(ChargingProfileStatus::Rejected)
            .with_status_info(StatusInfo::new(ReasonCode::InvalidProfileId.as_str())),
    })
}

async fn use_priority(
    call: Call<UsePriorityChargingRequest>,
    State(point): State<ChargePoint>,
) -> UsePriorityChargingResponse {
    point.change(|state| match &mut state.profiles {
        Profiles::V21(store) => store.use_priority_charging(&call),
        _ => UsePriorityChargingResponse::new(PriorityChargingStatus::Rejected),
    })
}

impl ChargePoint {
    /// Somebody at the station turns priority charging on or off (2.1 K21). Returns whether that changes something.
    pub fn prioritize(&self, evse: i32, on: bool) -> bool {
        let told = self.change(|state| match &mut state.profiles {
            Profiles::V21(store) => store.set_priority_charging(evse, on),
            _ => None,
        });
        let Some(told) = told else { return false };
        let link = self.0.link.clone();
        self.spawn(async move {
            if let Err(failure) = link.call::<NotifyPriorityChargingRequest>(told).await {
                tracing::warn!(protocol = "ocpp", evse, %failure, "the CSMS does not know of priority charging");
            }
        });
        true
    }

    /// Asks for the updates that are due.
    pub(crate) fn pull_updates(&self, due: Vec<PullDynamicScheduleUpdateRequest>) {
        for request in due {
            let point = self.clone();
            self.spawn(async move { point.pull_update(request).await });
        }
    }

    async fn pull_update(&self, request: PullDynamicScheduleUpdateRequest) {
        let profile = request.charging_profile_id;
        let response = match self.0.link.call(request).await {
            Ok(response) => response,
            Err(failure) => {
                tracing::warn!(protocol = "ocpp", profile, %failure, "a dynamic profile has no update");
                return;
            }
        };
        let now = self.0.link.now();
        let taken = self.change(|state| match &mut state.profiles {
            Profiles::V21(store) => store.take_update(profile, &response, now),
            _ => Ok(false),
        });
        if let Err(reason) = taken {
            tracing::warn!(protocol = "ocpp", profile, reason = reason.as_str(), "an update can't be taken");
        }
    }
}
