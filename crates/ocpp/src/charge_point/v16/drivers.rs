//! Transactions, reservations and availability on behalf of the CSMS in 1.6.

use tieline_service::{After, Call, Router, State};

use crate::charge_point::driver::Remote;
use crate::charge_point::evse::{IdToken, Reservation};
use crate::charge_point::{ChargePoint, Unlocked};
use crate::v16::{
    AvailabilityStatus, AvailabilityType, CancelReservationRequest, CancelReservationResponse,
    CancelReservationStatus, ChangeAvailabilityRequest, ChangeAvailabilityResponse, RemoteStartStopStatus,
    RemoteStartTransactionRequest, RemoteStartTransactionResponse, RemoteStopTransactionRequest,
    RemoteStopTransactionResponse, ReservationStatus, ReserveNowRequest, ReserveNowResponse, ResetRequest,
    ResetResponse, ResetStatus, ResetType, UnlockConnectorRequest, UnlockConnectorResponse, UnlockStatus,
};
use crate::{CallError, Ocpp};

pub(super) fn routes(router: Router<Ocpp, ChargePoint>) -> Router<Ocpp, ChargePoint> {
    router
        .on(remote_start)
        .on(remote_stop)
        .on(reserve_now)
        .on(cancel_reservation)
        .on(change_availability)
        .on(unlock_connector)
        .on(reset)
}

/// §5.11. The transaction begins after the answer.
async fn remote_start(
    call: Call<RemoteStartTransactionRequest>,
    State(point): State<ChargePoint>,
) -> (RemoteStartTransactionResponse, After) {
    let token = IdToken::card(call.id_tag.as_str());
    let Some(evse) = point.evse_for(call.connector_id, &token.id_token, None) else {
        return (RemoteStartTransactionResponse::new(RemoteStartStopStatus::Rejected), After::none());
    };
    let profile = call.charging_profile.as_ref().and_then(|profile| serde_json::to_string(profile).ok());
    let starting = point.clone();
    let remote = Remote { id: None, profile };
    let after = point.afterwards(async move { starting.start_remotely(evse, token, remote).await });
    (RemoteStartTransactionResponse::new(RemoteStartStopStatus::Accepted), after)
}

/// §5.12.
async fn remote_stop(
    call: Call<RemoteStopTransactionRequest>,
    State(point): State<ChargePoint>,
) -> (RemoteStopTransactionResponse, After) {
    let evse = point.locked().evse_of_number(call.transaction_id).map(|evse| evse.id);
    let Some(evse) = evse else {
        return (RemoteStopTransactionResponse::new(RemoteStartStopStatus::Rejected), After::none());
    };
    let stopping = point.clone();
    let after = point.afterwards(async move { stopping.stop_remotely(evse) });
    (RemoteStopTransactionResponse::new(RemoteStartStopStatus::Accepted), after)
}

/// §5.13; connector 0 is any.
async fn reserve_now(call: Call<ReserveNowRequest>, State(point): State<ChargePoint>) -> ReserveNowResponse {
    let reservation = Reservation {
        id: call.reservation_id,
        token: call.id_tag.clone(),
        group: call.parent_id_tag.clone(),
        until: call.expiry_date.timestamp(),
    };
    let evse = (call.connector_id != 0).then_some(call.connector_id);
    ReserveNowResponse::new(ReservationStatus::from_wire(point.reserve(evse, reservation).as_str()))
}

async fn cancel_reservation(
    call: Call<CancelReservationRequest>,
    State(point): State<ChargePoint>,
) -> CancelReservationResponse {
    CancelReservationResponse::new(if point.cancel_reservation(call.reservation_id) {
        CancelReservationStatus::Accepted
    } else {
        CancelReservationStatus::Rejected
    })
}

/// §5.2; connector 0 is the whole station.
async fn change_availability(
    call: Call<ChangeAvailabilityRequest>,
    State(point): State<ChargePoint>,
) -> ChangeAvailabilityResponse {
    let evse = (call.connector_id != 0).then_some(call.connector_id);
    let status = point.set_operative(evse, call.r#type == AvailabilityType::Operative);
    ChangeAvailabilityResponse::new(AvailabilityStatus::from_wire(status))
}

/// §5.18.
async fn unlock_connector(
    call: Call<UnlockConnectorRequest>,
    State(point): State<ChargePoint>,
) -> Result<UnlockConnectorResponse, CallError> {
    if point.locked().evse(call.connector_id).is_none() {
        return Ok(UnlockConnectorResponse::new(UnlockStatus::NotSupported));
    }
    Ok(UnlockConnectorResponse::new(match point.unlock(call.connector_id, 1) {
        Unlocked::Unlocked => UnlockStatus::Unlocked,
        Unlocked::Failed => UnlockStatus::UnlockFailed,
        Unlocked::NotSupported => UnlockStatus::NotSupported,
    }))
}

/// §5.14. It answers, then restarts.
async fn reset(call: Call<ResetRequest>, State(point): State<ChargePoint>) -> (ResetResponse, After) {
    let hard = call.r#type == ResetType::Hard;
    let restarting = point.clone();
    let after = point.afterwards(async move { restarting.restart(None, hard).await });
    (ResetResponse::new(ResetStatus::Accepted), after)
}
