//! Transactions, reservations and availability on behalf of the CSMS in 2.x.

use tieline_service::{After, Call, Router, State};

use super::messages::{
    CancelReservationRequest, CancelReservationResponse, CancelReservationStatus, ChangeAvailabilityRequest,
    ChangeAvailabilityResponse, ChangeAvailabilityStatus, GetTransactionStatusRequest,
    GetTransactionStatusResponse, OperationalStatus, RequestStartStopStatus, RequestStartTransactionRequest,
    RequestStartTransactionResponse, RequestStopTransactionRequest, RequestStopTransactionResponse,
    ReserveNowRequest, ReserveNowResponse, ReserveNowStatus, ResetEnum, ResetRequest, ResetResponse,
    ResetStatus, UnlockConnectorRequest, UnlockConnectorResponse, UnlockStatus,
};
use super::{from_id_token, reason};
use crate::Ocpp;
use crate::charge_point::driver::Remote;
use crate::charge_point::evse::Reservation;
use crate::charge_point::{ChargePoint, Unlocked};

pub(super) fn routes(router: Router<Ocpp, ChargePoint>) -> Router<Ocpp, ChargePoint> {
    router
        .on(request_start)
        .on(request_stop)
        .on(get_transaction_status)
        .on(reserve_now)
        .on(cancel_reservation)
        .on(change_availability)
        .on(unlock_connector)
        .on(reset)
}

/// F01, F02. The transaction begins after the answer.
async fn request_start(
    call: Call<RequestStartTransactionRequest>,
    State(point): State<ChargePoint>,
) -> (RequestStartTransactionResponse, After) {
    let token = from_id_token(&call.id_token);
    let group = call.group_id_token.as_ref().map(|group| group.id_token.as_str());
    let Some(evse) = point.evse_for(call.evse_id, &token.id_token, group) else {
        let mut response = RequestStartTransactionResponse::new(RequestStartStopStatus::Rejected);
        let exists = call.evse_id.is_none_or(|id| point.locked().evse(id).is_some());
        response.status_info = Some(reason(if exists { "TxInProgress" } else { "UnknownEvse" }));
        return (response, After::none());
    };
    let mut response = RequestStartTransactionResponse::new(RequestStartStopStatus::Accepted);
    // F01.FR.13: where the transaction has begun already, with the vehicle.
    response.transaction_id = {
        let mut state = point.locked();
        state.evse(evse).and_then(|evse| evse.kept.transaction.as_ref()).map(|running| running.id.clone())
    };
    let profile = call.charging_profile.as_ref().and_then(|profile| serde_json::to_string(profile).ok());
    let (starting, remote) = (point.clone(), Remote { id: Some(call.remote_start_id), profile });
    (response, point.afterwards(async move { starting.start_remotely(evse, token, remote).await }))
}

/// F03.
async fn request_stop(
    call: Call<RequestStopTransactionRequest>,
    State(point): State<ChargePoint>,
) -> (RequestStopTransactionResponse, After) {
    let evse = point.locked().evse_of(&call.transaction_id).map(|evse| evse.id);
    let Some(evse) = evse else {
        let mut response = RequestStopTransactionResponse::new(RequestStartStopStatus::Rejected);
        response.status_info = Some(reason("TxNotFound"));
        return (response, After::none());
    };
    let stopping = point.clone();
    let after = point.afterwards(async move { stopping.stop_remotely(evse) });
    (RequestStopTransactionResponse::new(RequestStartStopStatus::Accepted), after)
}

/// E14.
async fn get_transaction_status(
    call: Call<GetTransactionStatusRequest>,
    State(point): State<ChargePoint>,
) -> GetTransactionStatusResponse {
    let Some(transaction) = &call.transaction_id else {
        return GetTransactionStatusResponse::new(point.link().owes_any("TransactionEvent"));
    };
    let is_ongoing = point.locked().evse_of(transaction).is_some();
    let mut response = GetTransactionStatusResponse::new(point.link().owes(transaction));
    response.ongoing_indicator = Some(is_ongoing);
    response
}

/// H01.
async fn reserve_now(call: Call<ReserveNowRequest>, State(point): State<ChargePoint>) -> ReserveNowResponse {
    let reservation = Reservation {
        id: call.id,
        token: call.id_token.id_token.clone(),
        group: call.group_id_token.as_ref().map(|group| group.id_token.clone()),
        until: call.expiry_date_time.timestamp(),
    };
    let status = point.reserve(call.evse_id, reservation);
    ReserveNowResponse::new(ReserveNowStatus::from_wire(status.as_str()))
}

/// H02.
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

/// G03, G04.
async fn change_availability(
    call: Call<ChangeAvailabilityRequest>,
    State(point): State<ChargePoint>,
) -> ChangeAvailabilityResponse {
    let evse = call.evse.as_ref().map(|evse| evse.id).filter(|id| *id != 0);
    let status = point.set_operative(evse, call.operational_status == OperationalStatus::Operative);
    let mut response = ChangeAvailabilityResponse::new(ChangeAvailabilityStatus::from_wire(status));
    response.status_info = (status == "Rejected").then(|| reason("UnknownEvse"));
    response
}

/// F05.
async fn unlock_connector(
    call: Call<UnlockConnectorRequest>,
    State(point): State<ChargePoint>,
) -> UnlockConnectorResponse {
    let is_authorized = {
        let mut state = point.locked();
        let evse = state.evse(call.evse_id).filter(|_| call.connector_id == 1);
        evse.map(|evse| evse.kept.transaction.as_ref().is_some_and(|running| running.authorization.is_some()))
    };
    UnlockConnectorResponse::new(match is_authorized {
        None => UnlockStatus::UnknownConnector,
        // F05.FR.02: the CSMS has to end it first.
        Some(true) => UnlockStatus::OngoingAuthorizedTransaction,
        Some(false) => match point.unlock(call.evse_id, call.connector_id) {
            Unlocked::Unlocked => UnlockStatus::Unlocked,
            Unlocked::Failed | Unlocked::NotSupported => UnlockStatus::UnlockFailed,
        },
    })
}

/// B11, B12. It answers, then restarts, where it is to be idle after its transactions.
async fn reset(call: Call<ResetRequest>, State(point): State<ChargePoint>) -> (ResetResponse, After) {
    let (is_known, is_busy) = {
        let state = point.locked();
        let mut asked =
            state.evses.iter().filter(|evse| call.evse_id.is_none_or(|id| id == evse.id)).peekable();
        (asked.peek().is_some(), asked.any(|evse| evse.kept.transaction.is_some()))
    };
    if !is_known {
        let mut response = ResetResponse::new(ResetStatus::Rejected);
        response.status_info = Some(reason("UnknownEvse"));
        return (response, After::none());
    }
    let waits = is_busy && call.r#type == ResetEnum::OnIdle;
    let (restarting, evse) = (point.clone(), call.evse_id);
    let after = point.afterwards(async move {
        if waits {
            restarting.idle(evse).await;
        }
        restarting.restart(evse, false).await;
    });
    (ResetResponse::new(if waits { ResetStatus::Scheduled } else { ResetStatus::Accepted }), after)
}
