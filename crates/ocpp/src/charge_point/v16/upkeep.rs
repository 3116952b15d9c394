//! Firmware, diagnostics and logs in 1.6 (§5.7, §5.19, whitepaper L01 and N01).

use tieline_service::{After, Call, Router, State};

use crate::Ocpp;
use crate::charge_point::ChargePoint;
use crate::charge_point::hardware::{FirmwareRequest, LogRequest};
use crate::charge_point::upkeep::{Retries, Way};
use crate::types::DateTime;
use crate::v16::{
    GetDiagnosticsRequest, GetDiagnosticsResponse, GetLogRequest, GetLogResponse, LogStatus, LogType,
    SignedUpdateFirmwareRequest, SignedUpdateFirmwareResponse, UpdateFirmwareRequest, UpdateFirmwareResponse,
    UpdateFirmwareStatus,
};

pub(super) fn routes(router: Router<Ocpp, ChargePoint>) -> Router<Ocpp, ChargePoint> {
    router.on(update_firmware).on(signed_update_firmware).on(get_diagnostics).on(get_log)
}

async fn update_firmware(
    call: Call<UpdateFirmwareRequest>,
    State(point): State<ChargePoint>,
) -> (UpdateFirmwareResponse, After) {
    let firmware = FirmwareRequest {
        location: call.location.clone(),
        retrieve_at: call.retrieve_date.timestamp(),
        install_at: None,
        signature: None,
    };
    let retries = Retries::new(call.retries, call.retry_interval);
    let (generation, _) = point.begin_firmware(Way::Plain);
    let work = point.clone();
    let after = point
        .afterwards(async move { work.update_firmware(firmware, retries, Way::Plain, generation).await });
    (UpdateFirmwareResponse::new(), after)
}

async fn signed_update_firmware(
    call: Call<SignedUpdateFirmwareRequest>,
    State(point): State<ChargePoint>,
) -> (SignedUpdateFirmwareResponse, After) {
    let told = &call.firmware;
    // L01.FR.22: before anything is downloaded.
    if !point.0.hardware.trusts_signer(&told.signing_certificate) {
        let event = point.clone();
        let after =
            point.afterwards(async move { event.security_event("InvalidFirmwareSigningCertificate", None) });
        return (SignedUpdateFirmwareResponse::new(UpdateFirmwareStatus::InvalidCertificate), after);
    }
    let firmware = FirmwareRequest {
        location: told.location.clone(),
        retrieve_at: told.retrieve_date_time.timestamp(),
        install_at: told.install_date_time.map(DateTime::timestamp),
        signature: Some((told.signing_certificate.clone(), told.signature.clone())),
    };
    let retries = Retries::new(call.retries, call.retry_interval);
    let way = Way::Numbered(call.request_id);
    let (generation, cancels) = point.begin_firmware(way);
    let work = point.clone();
    let after =
        point.afterwards(async move { work.update_firmware(firmware, retries, way, generation).await });
    let status =
        if cancels { UpdateFirmwareStatus::AcceptedCanceled } else { UpdateFirmwareStatus::Accepted };
    (SignedUpdateFirmwareResponse::new(status), after)
}

async fn get_diagnostics(
    call: Call<GetDiagnosticsRequest>,
    State(point): State<ChargePoint>,
) -> (GetDiagnosticsResponse, After) {
    let log = LogRequest {
        is_security_log: false,
        location: call.location.clone(),
        oldest: call.start_time.map(DateTime::timestamp),
        latest: call.stop_time.map(DateTime::timestamp),
    };
    let mut response = GetDiagnosticsResponse::new();
    response.file_name = point.0.hardware.log_name(&log);
    // §5.7: without a file there is nothing to upload.
    if response.file_name.is_none() {
        return (response, After::none());
    }
    let retries = Retries::new(call.retries, call.retry_interval);
    let (generation, _) = point.begin_log(Way::Plain);
    let work = point.clone();
    (response, point.afterwards(async move { work.upload_log(log, retries, Way::Plain, generation).await }))
}

async fn get_log(call: Call<GetLogRequest>, State(point): State<ChargePoint>) -> (GetLogResponse, After) {
    let log = LogRequest {
        is_security_log: call.log_type == LogType::SecurityLog,
        location: call.log.remote_location.clone(),
        oldest: call.log.oldest_timestamp.map(DateTime::timestamp),
        latest: call.log.latest_timestamp.map(DateTime::timestamp),
    };
    let Some(name) = point.0.hardware.log_name(&log) else {
        return (GetLogResponse::new(LogStatus::Rejected), After::none());
    };
    let retries = Retries::new(call.retries, call.retry_interval);
    let way = Way::Numbered(call.request_id);
    let (generation, cancels) = point.begin_log(way);
    let status = if cancels { LogStatus::AcceptedCanceled } else { LogStatus::Accepted };
    let mut response = GetLogResponse::new(status);
    response.filename = Some(name);
    let work = point.clone();
    (response, point.afterwards(async move { work.upload_log(log, retries, way, generation).await }))
}
