//! Charging profiles of 2.x (K01, K08 to K10).

use tieline_service::{After, Call, Router, State};

use super::messages::{
    ChargingProfileStatus, ClearChargingProfileRequest, ClearChargingProfileResponse,
    ClearChargingProfileStatus, GenericStatus, GetChargingProfileStatus, GetChargingProfilesRequest,
    GetChargingProfilesResponse, GetCompositeScheduleRequest, GetCompositeScheduleResponse,
    SetChargingProfileRequest, SetChargingProfileResponse,
};
use super::{store, store_mut};
use crate::Ocpp;
use crate::charge_point::ChargePoint;

pub(super) fn routes(router: Router<Ocpp, ChargePoint>) -> Router<Ocpp, ChargePoint> {
    router.on(set).on(clear).on(composite).on(report)
}

async fn set(
    call: Call<SetChargingProfileRequest>,
    State(point): State<ChargePoint>,
) -> SetChargingProfileResponse {
    let now = point.link().now();
    point.change(|state| match store_mut(&mut state.profiles) {
        Some(store) => store.set_charging_profile(&call, now),
        None => SetChargingProfileResponse::new(ChargingProfileStatus::Rejected),
    })
}

async fn clear(
    call: Call<ClearChargingProfileRequest>,
    State(point): State<ChargePoint>,
) -> ClearChargingProfileResponse {
    point.change(|state| match store_mut(&mut state.profiles) {
        Some(store) => store.clear_charging_profile(&call),
        None => ClearChargingProfileResponse::new(ClearChargingProfileStatus::Unknown),
    })
}

async fn composite(
    call: Call<GetCompositeScheduleRequest>,
    State(point): State<ChargePoint>,
) -> GetCompositeScheduleResponse {
    let now = point.link().now();
    match store(&point.locked().profiles) {
        Some(store) => store.get_composite_schedule(&call, now),
        None => GetCompositeScheduleResponse::new(GenericStatus::Rejected),
    }
}

/// The reports come after the answer.
async fn report(
    call: Call<GetChargingProfilesRequest>,
    State(point): State<ChargePoint>,
) -> (GetChargingProfilesResponse, After) {
    let answered = store(&point.locked().profiles).map(|store| store.get_charging_profiles(&call));
    let Some((response, reports)) = answered else {
        return (GetChargingProfilesResponse::new(GetChargingProfileStatus::NoProfiles), After::none());
    };
    let told = point.clone();
    let after = point.afterwards(async move {
        for report in reports {
            if let Err(failure) = told.link().answer(&report).await {
                tracing::warn!(protocol = "ocpp", %failure, "profiles were not reported to their end");
                return;
            }
        }
    });
    (response, after)
}
