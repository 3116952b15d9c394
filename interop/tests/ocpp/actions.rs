//! Every action of the three versions, with its types.

use std::future::Future;
use std::pin::Pin;

use ocpp_kit::message::{Origin, Request};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tieline_ocpp::{Action, CallError, CallFailure, InvalidMessage, Ocpp, Peer, Version};
use tieline_service::{Call, Router, State};

use crate::book::Book;

/// What a typed call came to: the response, written anew.
pub(crate) type Called = Pin<Box<dyn Future<Output = Result<Option<String>, CallFailure>> + Send>>;

/// An action, its types hidden.
#[derive(Clone, Copy)]
pub(crate) struct Kind {
    pub(crate) version: Version,
    pub(crate) name: &'static str,
    pub(crate) origin: Origin,
    /// Whether it is a SEND, which is never answered.
    pub(crate) is_send: bool,
    /// Adds its typed route.
    route: fn(Router<Ocpp, Book>) -> Router<Ocpp, Book>,
    /// Sends this request as a typed one.
    pub(crate) call: fn(Peer, String) -> Called,
}

impl Kind {
    /// Whether a request that obeys its schema is not sent because of a list that has nothing in it. The schema of
    /// `StopTransaction` lets `sampledValue` be empty; the standard's own table of MeterValue says 1..*, and so does what we
    /// send. It is read, however.
    pub(crate) fn is_too_little_to_send(&self, error: &InvalidMessage) -> bool {
        (self.version, self.name) == (Version::V1_6, "StopTransaction")
            && error.to_string().ends_with("sampledValue: minItems 1 not reached (got 0)")
    }
}

/// A router with a typed route for each action of a version: it notes the request and gives the response that the book has.
pub(crate) fn router(version: Version) -> Router<Ocpp, Book> {
    all()
        .into_iter()
        .filter(|kind| kind.version == version)
        .fold(Router::new(), |router, kind| (kind.route)(router))
}

/// The actions of a version.
pub(crate) fn of(version: Version) -> Vec<Kind> {
    all().into_iter().filter(|kind| kind.version == version).collect()
}

async fn note<A>(call: Call<A>, State(book): State<Book>) -> Result<A::Handled, CallError>
where
    A: Action + Serialize,
    A::Handled: DeserializeOwned,
{
    book.note(A::NAME, text(&*call));
    serde_json::from_str(&book.answer()).map_err(|error| CallError::internal(error.to_string()))
}

fn route<A>(router: Router<Ocpp, Book>) -> Router<Ocpp, Book>
where
    A: Action + Serialize + Sync,
    A::Handled: DeserializeOwned,
{
    router.on(note::<A>)
}

fn read<A: DeserializeOwned>(request: &str) -> A {
    serde_json::from_str(request).unwrap_or_else(|error| panic!("{error}: {request}"))
}

fn text(message: &impl Serialize) -> String {
    serde_json::to_string(message).expect("a message can be written")
}

macro_rules! kinds {
    ($($module:ident: answered [$($request:ident)*] never answered [$($message:ident)*])*) => {
        /// Every action of every version.
        pub(crate) fn all() -> Vec<Kind> {
            vec![
                $($(Kind {
                    version: <tieline_ocpp::$module::$request as Action>::VERSION,
                    name: <tieline_ocpp::$module::$request as Action>::NAME,
                    origin: <tieline_ocpp::$module::$request as Request>::ORIGIN,
                    is_send: false,
                    route: route::<tieline_ocpp::$module::$request>,
                    call: |peer, request| Box::pin(async move {
                        let request: tieline_ocpp::$module::$request = read(&request);
                        peer.call(request).await.map(|response| Some(text(&response)))
                    }),
                },)*
                $(Kind {
                    version: <tieline_ocpp::$module::$message as Action>::VERSION,
                    name: <tieline_ocpp::$module::$message as Action>::NAME,
                    origin: <tieline_ocpp::$module::$message as Request>::ORIGIN,
                    is_send: true,
                    route: route::<tieline_ocpp::$module::$message>,
                    call: |peer, request| Box::pin(async move {
                        let message: tieline_ocpp::$module::$message = read(&request);
                        peer.send(&message).map(|()| None)
                    }),
                },)*)*
            ]
        }
    };
}

kinds! {
    v16:
    answered [
        AuthorizeRequest
        BootNotificationRequest
        CancelReservationRequest
        CertificateSignedRequest
        ChangeAvailabilityRequest
        ChangeConfigurationRequest
        ClearCacheRequest
        ClearChargingProfileRequest
        DataTransferRequest
        DeleteCertificateRequest
        DiagnosticsStatusNotificationRequest
        ExtendedTriggerMessageRequest
        FirmwareStatusNotificationRequest
        GetCompositeScheduleRequest
        GetConfigurationRequest
        GetDiagnosticsRequest
        GetInstalledCertificateIdsRequest
        GetLocalListVersionRequest
        GetLogRequest
        HeartbeatRequest
        InstallCertificateRequest
        LogStatusNotificationRequest
        MeterValuesRequest
        RemoteStartTransactionRequest
        RemoteStopTransactionRequest
        ReserveNowRequest
        ResetRequest
        SecurityEventNotificationRequest
        SendLocalListRequest
        SetChargingProfileRequest
        SignCertificateRequest
        SignedFirmwareStatusNotificationRequest
        SignedUpdateFirmwareRequest
        StartTransactionRequest
        StatusNotificationRequest
        StopTransactionRequest
        TriggerMessageRequest
        UnlockConnectorRequest
        UpdateFirmwareRequest
    ]
    never answered []
    v201:
    answered [
        AuthorizeRequest
        BootNotificationRequest
        CancelReservationRequest
        CertificateSignedRequest
        ChangeAvailabilityRequest
        ClearCacheRequest
        ClearChargingProfileRequest
        ClearDisplayMessageRequest
        ClearVariableMonitoringRequest
        ClearedChargingLimitRequest
        CostUpdatedRequest
        CustomerInformationRequest
        DataTransferRequest
        DeleteCertificateRequest
        FirmwareStatusNotificationRequest
        Get15118EVCertificateRequest
        GetBaseReportRequest
        GetCertificateStatusRequest
        GetChargingProfilesRequest
        GetCompositeScheduleRequest
        GetDisplayMessagesRequest
        GetInstalledCertificateIdsRequest
        GetLocalListVersionRequest
        GetLogRequest
        GetMonitoringReportRequest
        GetReportRequest
        GetTransactionStatusRequest
        GetVariablesRequest
        HeartbeatRequest
        InstallCertificateRequest
        LogStatusNotificationRequest
        MeterValuesRequest
        NotifyChargingLimitRequest
        NotifyCustomerInformationRequest
        NotifyDisplayMessagesRequest
        NotifyEVChargingNeedsRequest
        NotifyEVChargingScheduleRequest
        NotifyEventRequest
        NotifyMonitoringReportRequest
        NotifyReportRequest
        PublishFirmwareRequest
        PublishFirmwareStatusNotificationRequest
        ReportChargingProfilesRequest
        RequestStartTransactionRequest
        RequestStopTransactionRequest
        ReservationStatusUpdateRequest
        ReserveNowRequest
        ResetRequest
        SecurityEventNotificationRequest
        SendLocalListRequest
        SetChargingProfileRequest
        SetDisplayMessageRequest
        SetMonitoringBaseRequest
        SetMonitoringLevelRequest
        SetNetworkProfileRequest
        SetVariableMonitoringRequest
        SetVariablesRequest
        SignCertificateRequest
        StatusNotificationRequest
        TransactionEventRequest
        TriggerMessageRequest
        UnlockConnectorRequest
        UnpublishFirmwareRequest
        UpdateFirmwareRequest
    ]
    never answered []
    v21:
    answered [
        AFRRSignalRequest
        AdjustPeriodicEventStreamRequest
        AuthorizeRequest
        BatterySwapRequest
        BootNotificationRequest
        CancelReservationRequest
        CertificateSignedRequest
        ChangeAvailabilityRequest
        ChangeTransactionTariffRequest
        ClearCacheRequest
        ClearChargingProfileRequest
        ClearDERControlRequest
        ClearDisplayMessageRequest
        ClearTariffsRequest
        ClearVariableMonitoringRequest
        ClearedChargingLimitRequest
        ClosePeriodicEventStreamRequest
        CostUpdatedRequest
        CustomerInformationRequest
        DataTransferRequest
        DeleteCertificateRequest
        FirmwareStatusNotificationRequest
        Get15118EVCertificateRequest
        GetBaseReportRequest
        GetCertificateChainStatusRequest
        GetCertificateStatusRequest
        GetChargingProfilesRequest
        GetCompositeScheduleRequest
        GetDERControlRequest
        GetDisplayMessagesRequest
        GetInstalledCertificateIdsRequest
        GetLocalListVersionRequest
        GetLogRequest
        GetMonitoringReportRequest
        GetPeriodicEventStreamRequest
        GetReportRequest
        GetTariffsRequest
        GetTransactionStatusRequest
        GetVariablesRequest
        HeartbeatRequest
        InstallCertificateRequest
        LogStatusNotificationRequest
        MeterValuesRequest
        NotifyAllowedEnergyTransferRequest
        NotifyChargingLimitRequest
        NotifyCustomerInformationRequest
        NotifyDERAlarmRequest
        NotifyDERStartStopRequest
        NotifyDisplayMessagesRequest
        NotifyEVChargingNeedsRequest
        NotifyEVChargingScheduleRequest
        NotifyEventRequest
        NotifyMonitoringReportRequest
        NotifyPriorityChargingRequest
        NotifyReportRequest
        NotifySettlementRequest
        NotifyWebPaymentStartedRequest
        OpenPeriodicEventStreamRequest
        PublishFirmwareRequest
        PublishFirmwareStatusNotificationRequest
        PullDynamicScheduleUpdateRequest
        ReportChargingProfilesRequest
        ReportDERControlRequest
        RequestBatterySwapRequest
        RequestStartTransactionRequest
        RequestStopTransactionRequest
        ReservationStatusUpdateRequest
        ReserveNowRequest
        ResetRequest
        SecurityEventNotificationRequest
        SendLocalListRequest
        SetChargingProfileRequest
        SetDERControlRequest
        SetDefaultTariffRequest
        SetDisplayMessageRequest
        SetMonitoringBaseRequest
        SetMonitoringLevelRequest
        SetNetworkProfileRequest
        SetVariableMonitoringRequest
        SetVariablesRequest
        SignCertificateRequest
        StatusNotificationRequest
        TransactionEventRequest
        TriggerMessageRequest
        UnlockConnectorRequest
        UnpublishFirmwareRequest
        UpdateDynamicScheduleRequest
        UpdateFirmwareRequest
        UsePriorityChargingRequest
        VatNumberValidationRequest
    ]
    never answered [NotifyPeriodicEventStreamRequest]
}
