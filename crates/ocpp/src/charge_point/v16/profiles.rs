//! Charging profiles of 1.6 (§5.5, §5.7, §5.16).

use tieline_service::{Call, Router, State};

use crate::Ocpp;
use crate::charge_point::ChargePoint;
use crate::charge_point::profiles::Profiles;
use crate::v16::{
    ChargingProfileStatus, ClearChargingProfileRequest, ClearChargingProfileResponse,
    ClearChargingProfileStatus, GetCompositeScheduleRequest, GetCompositeScheduleResponse,
    GetCompositeScheduleStatus, SetChargingProfileRequest, SetChargingProfileResponse,
};

pub(super) fn routes(router: Router<Ocpp, ChargePoint>) -> Router<Ocpp, ChargePoint> {
    router.on(set).on(clear).on(composite)
}

async fn set(
    call: Call<SetChargingProfileRequest>,
    State(point): State<ChargePoint>,
) -> SetChargingProfileResponse {
    let now = point.link().now();
    point.change(|state| match &mut state.profiles {
        Profiles::V16(store) => store.set_charging_profile(&call, now),
        _ => SetChargingProfileResponse::new(ChargingProfileStatus::Rejected),
    })
}

async fn clear(
    call: Call<ClearChargingProfileRequest>,
    State(point): State<ChargePoint>,
) -> ClearChargingProfileResponse {
    point.change(|state| match &mut state.profiles {
        Profiles::V16(store) => store.clear_charging_profile(&call),
        _ => ClearChargingProfileResponse::new(ClearChargingProfileStatus::Unknown),
    })
}

async fn composite(
    call: Call<GetCompositeScheduleRequest>,
    State(point): State<ChargePoint>,
) -> GetCompositeScheduleResponse {
    let now = point.link().now();
    match &point.locked().profiles {
        Profiles::V16(store) => store.get_composite_schedule(&call, now),
        _ => GetCompositeScheduleResponse::new(GetCompositeScheduleStatus::Rejected),
    }
}
