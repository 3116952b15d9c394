//! Firmware and logs in 2.x (L01, L02, N01), and messages of vendors.

use tieline_service::{After, Call, Router, State};

use super::messages::{
    DataTransferRequest, DataTransferResponse, DataTransferStatus, GetLogRequest, GetLogResponse, Log,
    LogStatus, UpdateFirmwareRequest, UpdateFirmwareResponse, UpdateFirmwareStatus,
};
use crate::Ocpp;
use crate::charge_point::ChargePoint;
use crate::charge_point::hardware::{FirmwareRequest, LogRequest};
use crate::charge_point::upkeep::{Retries, Way};
use crate::types::DateTime;

pub(super) fn routes(router: Router<Ocpp, ChargePoint>) -> Router<Ocpp, ChargePoint> {
    router.on(update_firmware).on(get_log).on(data_transfer)
}

async fn update_firmware(
    call: Call<UpdateFirmwareRequest>,
    State(point): State<ChargePoint>,
) -> (UpdateFirmwareResponse, After) {
    let told = &call.firmware;
    let signature = told.signing_certificate.clone().zip(told.signature.clone());
    // L01.FR.22: before anything is downloaded.
    if let Some((certificate, _)) = &signature
        && !point.0.hardware.trusts_signer(certificate)
    {
        let event = point.clone();
        let after =
            point.afterwards(async move { event.security_event("InvalidFirmwareSigningCertificate", None) });
        return (UpdateFirmwareResponse::new(UpdateFirmwareStatus::InvalidCertificate), after);
    }
    let firmware = FirmwareRequest {
        location: told.location.clone(),
        retrieve_at: told.retrieve_date_time.timestamp(),
        install_at: told.install_date_time.map(DateTime::timestamp),
        signature,
    };
    let retries = Retries::new(call.retries, call.retry_interval);
    let way = Way::Numbered(call.request_id);
    let (generation, cancels) = point.begin_firmware(way);
    let work = point.clone();
    let after =
        point.afterwards(async move { work.update_firmware(firmware, retries, way, generation).await });
    let status =
        if cancels { UpdateFirmwareStatus::AcceptedCanceled } else { UpdateFirmwareStatus::Accepted };
    (UpdateFirmwareResponse::new(status), after)
}

async fn get_log(call: Call<GetLogRequest>, State(point): State<ChargePoint>) -> (GetLogResponse, After) {
    let log = LogRequest {
        is_security_log: call.log_type == Log::SecurityLog,
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

async fn data_transfer(_: Call<DataTransferRequest>) -> DataTransferResponse {
    // No vendor's messages are known here.
    DataTransferResponse::new(DataTransferStatus::UnknownVendorId)
}
