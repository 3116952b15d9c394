//! The actions of the three versions: which message belongs to which name.

use ocpp_kit::message::{NoResponse, Request};

use crate::Version;
use crate::protocol::Answer;

/// A request message of one OCPP version. All requests of [`v16`](crate::v16), [`v201`](crate::v201) and
/// [`v21`](crate::v21) are actions, whichever side sends them.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no request message of OCPP",
    note = "requests are `tieline_ocpp::v16::…Request`, `v201::…Request` and `v21::…Request`"
)]
pub trait Action: Request + Send + 'static {
    /// The version that the message belongs to.
    const VERSION: Version;
    /// The name of the action on the wire.
    const NAME: &'static str;
    /// What a handler returns: the response message, or `()` for a message that is never answered (SEND).
    type Handled: Send;

    /// The answer on the wire.
    fn answer(handled: Self::Handled) -> Answer;
}

const fn assert_never_answered<R: Request<Response = NoResponse>>() {}

macro_rules! actions {
    (
        $version:ident in $module:ident;
        answered: [$($name:ident = $request:ident,)*],
        never answered: [$($send:ident = $message:ident,)*]
    ) => {
        $(
            impl Action for crate::$module::$request {
                const VERSION: Version = Version::$version;
                const NAME: &'static str = stringify!($name);
                type Handled = <Self as Request>::Response;

                #[inline]
                fn answer(response: Self::Handled) -> Answer {
                    Answer::of(&response)
                }
            }
        )*
        $(
            impl Action for crate::$module::$message {
                const VERSION: Version = Version::$version;
                const NAME: &'static str = stringify!($send);
                type Handled = ();

                #[inline]
                fn answer((): ()) -> Answer {
                    Answer::Nothing
                }
            }

            // A SEND (2.1 Part 4 §4.2.4).
            const _: () = assert_never_answered::<crate::$module::$message>();
        )*

        #[cfg(any(test, feature = "validation"))]
        pub(crate) mod $module {
            /// Reads a request and writes it anew; `None` if the version has no such action.
            #[cfg(feature = "validation")]
            pub(crate) fn request(
                action: &str,
                payload: &crate::RawValue,
                tolerance: &crate::Tolerance,
            ) -> Option<Result<Box<crate::RawValue>, crate::DecodeError>> {
                match action {
                    $(stringify!($name) => {
                        Some(crate::validation::anew::<crate::$module::$request>(crate::Version::$version, action, payload, tolerance))
                    })*
                    $(stringify!($send) => {
                        Some(crate::validation::anew::<crate::$module::$message>(crate::Version::$version, action, payload, tolerance))
                    })*
                    _ => None,
                }
            }

            /// Reads a response and writes it anew; `None` if the version has none to such an action.
            #[cfg(feature = "validation")]
            pub(crate) fn response(
                action: &str,
                payload: &crate::RawValue,
                tolerance: &crate::Tolerance,
            ) -> Option<Result<Box<crate::RawValue>, crate::DecodeError>> {
                use ocpp_kit::message::Request;
                match action {
                    $(stringify!($name) => Some(crate::validation::anew::<
                        <crate::$module::$request as Request>::Response,
                    >(crate::Version::$version, action, payload, tolerance)),)*
                    _ => None,
                }
            }

            /// The names of all actions, as they are here and as they are on the wire.
            #[cfg(test)]
            pub(crate) fn names() -> Vec<(&'static str, &'static str)> {
                fn both<A: super::Action>() -> (&'static str, &'static str) {
                    use ocpp_kit::message::ActionName as _;
                    (A::NAME, A::ACTION.as_str())
                }
                vec![
                    $(both::<crate::$module::$request>(),)*
                    $(both::<crate::$module::$message>(),)*
                ]
            }
        }
    };
}

actions! {
    V1_6 in v16;
    answered: [
        Authorize = AuthorizeRequest,
        BootNotification = BootNotificationRequest,
        CancelReservation = CancelReservationRequest,
        CertificateSigned = CertificateSignedRequest,
        ChangeAvailability = ChangeAvailabilityRequest,
        ChangeConfiguration = ChangeConfigurationRequest,
        ClearCache = ClearCacheRequest,
        ClearChargingProfile = ClearChargingProfileRequest,
        DataTransfer = DataTransferRequest,
        DeleteCertificate = DeleteCertificateRequest,
        DiagnosticsStatusNotification = DiagnosticsStatusNotificationRequest,
        ExtendedTriggerMessage = ExtendedTriggerMessageRequest,
        FirmwareStatusNotification = FirmwareStatusNotificationRequest,
        GetCompositeSchedule = GetCompositeScheduleRequest,
        GetConfiguration = GetConfigurationRequest,
        GetDiagnostics = GetDiagnosticsRequest,
        GetInstalledCertificateIds = GetInstalledCertificateIdsRequest,
        GetLocalListVersion = GetLocalListVersionRequest,
        GetLog = GetLogRequest,
        Heartbeat = HeartbeatRequest,
        InstallCertificate = InstallCertificateRequest,
        LogStatusNotification = LogStatusNotificationRequest,
        MeterValues = MeterValuesRequest,
        RemoteStartTransaction = RemoteStartTransactionRequest,
        RemoteStopTransaction = RemoteStopTransactionRequest,
        ReserveNow = ReserveNowRequest,
        Reset = ResetRequest,
        SecurityEventNotification = SecurityEventNotificationRequest,
        SendLocalList = SendLocalListRequest,
        SetChargingProfile = SetChargingProfileRequest,
        SignCertificate = SignCertificateRequest,
        SignedFirmwareStatusNotification = SignedFirmwareStatusNotificationRequest,
        SignedUpdateFirmware = SignedUpdateFirmwareRequest,
        StartTransaction = StartTransactionRequest,
        StatusNotification = StatusNotificationRequest,
        StopTransaction = StopTransactionRequest,
        TriggerMessage = TriggerMessageRequest,
        UnlockConnector = UnlockConnectorRequest,
        UpdateFirmware = UpdateFirmwareRequest,
    ],
    never answered: []
}

actions! {
    V2_0_1 in v201;
    answered: [
        Authorize = AuthorizeRequest,
        BootNotification = BootNotificationRequest,
        CancelReservation = CancelReservationRequest,
        CertificateSigned = CertificateSignedRequest,
        ChangeAvailability = ChangeAvailabilityRequest,
        ClearCache = ClearCacheRequest,
        ClearChargingProfile = ClearChargingProfileRequest,
        ClearDisplayMessage = ClearDisplayMessageRequest,
        ClearVariableMonitoring = ClearVariableMonitoringRequest,
        ClearedChargingLimit = ClearedChargingLimitRequest,
        CostUpdated = CostUpdatedRequest,
        CustomerInformation = CustomerInformationRequest,
        DataTransfer = DataTransferRequest,
        DeleteCertificate = DeleteCertificateRequest,
        FirmwareStatusNotification = FirmwareStatusNotificationRequest,
        Get15118EVCertificate = Get15118EVCertificateRequest,
        GetBaseReport = GetBaseReportRequest,
        GetCertificateStatus = GetCertificateStatusRequest,
        GetChargingProfiles = GetChargingProfilesRequest,
        GetCompositeSchedule = GetCompositeScheduleRequest,
        GetDisplayMessages = GetDisplayMessagesRequest,
        GetInstalledCertificateIds = GetInstalledCertificateIdsRequest,
        GetLocalListVersion = GetLocalListVersionRequest,
        GetLog = GetLogRequest,
        GetMonitoringReport = GetMonitoringReportRequest,
        GetReport = GetReportRequest,
        GetTransactionStatus = GetTransactionStatusRequest,
        GetVariables = GetVariablesRequest,
        Heartbeat = HeartbeatRequest,
        InstallCertificate = InstallCertificateRequest,
        LogStatusNotification = LogStatusNotificationRequest,
        MeterValues = MeterValuesRequest,
        NotifyChargingLimit = NotifyChargingLimitRequest,
        NotifyCustomerInformation = NotifyCustomerInformationRequest,
        NotifyDisplayMessages = NotifyDisplayMessagesRequest,
        NotifyEVChargingNeeds = NotifyEVChargingNeedsRequest,
        NotifyEVChargingSchedule = NotifyEVChargingScheduleRequest,
        NotifyEvent = NotifyEventRequest,
        NotifyMonitoringReport = NotifyMonitoringReportRequest,
        NotifyReport = NotifyReportRequest,
        PublishFirmware = PublishFirmwareRequest,
        PublishFirmwareStatusNotification = PublishFirmwareStatusNotificationRequest,
        ReportChargingProfiles = ReportChargingProfilesRequest,
        RequestStartTransaction = RequestStartTransactionRequest,
        RequestStopTransaction = RequestStopTransactionRequest,
        ReservationStatusUpdate = ReservationStatusUpdateRequest,
        ReserveNow = ReserveNowRequest,
        Reset = ResetRequest,
        SecurityEventNotification = SecurityEventNotificationRequest,
        SendLocalList = SendLocalListRequest,
        SetChargingProfile = SetChargingProfileRequest,
        SetDisplayMessage = SetDisplayMessageRequest,
        SetMonitoringBase = SetMonitoringBaseRequest,
        SetMonitoringLevel = SetMonitoringLevelRequest,
        SetNetworkProfile = SetNetworkProfileRequest,
        SetVariableMonitoring = SetVariableMonitoringRequest,
        SetVariables = SetVariablesRequest,
        SignCertificate = SignCertificateRequest,
        StatusNotification = StatusNotificationRequest,
        TransactionEvent = TransactionEventRequest,
        TriggerMessage = TriggerMessageRequest,
        UnlockConnector = UnlockConnectorRequest,
        UnpublishFirmware = UnpublishFirmwareRequest,
        UpdateFirmware = UpdateFirmwareRequest,
    ],
    never answered: []
}

actions! {
    V2_1 in v21;
    answered: [
        AFRRSignal = AFRRSignalRequest,
        AdjustPeriodicEventStream = AdjustPeriodicEventStreamRequest,
        Authorize = AuthorizeRequest,
        BatterySwap = BatterySwapRequest,
        BootNotification = BootNotificationRequest,
        CancelReservation = CancelReservationRequest,
        CertificateSigned = CertificateSignedRequest,
        ChangeAvailability = ChangeAvailabilityRequest,
        ChangeTransactionTariff = ChangeTransactionTariffRequest,
        ClearCache = ClearCacheRequest,
        ClearChargingProfile = ClearChargingProfileRequest,
        ClearDERControl = ClearDERControlRequest,
        ClearDisplayMessage = ClearDisplayMessageRequest,
        ClearTariffs = ClearTariffsRequest,
        ClearVariableMonitoring = ClearVariableMonitoringRequest,
        ClearedChargingLimit = ClearedChargingLimitRequest,
        ClosePeriodicEventStream = ClosePeriodicEventStreamRequest,
        CostUpdated = CostUpdatedRequest,
        CustomerInformation = CustomerInformationRequest,
        DataTransfer = DataTransferRequest,
        DeleteCertificate = DeleteCertificateRequest,
        FirmwareStatusNotification = FirmwareStatusNotificationRequest,
        Get15118EVCertificate = Get15118EVCertificateRequest,
        GetBaseReport = GetBaseReportRequest,
        GetCertificateChainStatus = GetCertificateChainStatusRequest,
        GetCertificateStatus = GetCertificateStatusRequest,
        GetChargingProfiles = GetChargingProfilesRequest,
        GetCompositeSchedule = GetCompositeScheduleRequest,
        GetDERControl = GetDERControlRequest,
        GetDisplayMessages = GetDisplayMessagesRequest,
        GetInstalledCertificateIds = GetInstalledCertificateIdsRequest,
        GetLocalListVersion = GetLocalListVersionRequest,
        GetLog = GetLogRequest,
        GetMonitoringReport = GetMonitoringReportRequest,
        GetPeriodicEventStream = GetPeriodicEventStreamRequest,
        GetReport = GetReportRequest,
        GetTariffs = GetTariffsRequest,
        GetTransactionStatus = GetTransactionStatusRequest,
        GetVariables = GetVariablesRequest,
        Heartbeat = HeartbeatRequest,
        InstallCertificate = InstallCertificateRequest,
        LogStatusNotification = LogStatusNotificationRequest,
        MeterValues = MeterValuesRequest,
        NotifyAllowedEnergyTransfer = NotifyAllowedEnergyTransferRequest,
        NotifyChargingLimit = NotifyChargingLimitRequest,
        NotifyCustomerInformation = NotifyCustomerInformationRequest,
        NotifyDERAlarm = NotifyDERAlarmRequest,
        NotifyDERStartStop = NotifyDERStartStopRequest,
        NotifyDisplayMessages = NotifyDisplayMessagesRequest,
        NotifyEVChargingNeeds = NotifyEVChargingNeedsRequest,
        NotifyEVChargingSchedule = NotifyEVChargingScheduleRequest,
        NotifyEvent = NotifyEventRequest,
        NotifyMonitoringReport = NotifyMonitoringReportRequest,
        NotifyPriorityCharging = NotifyPriorityChargingRequest,
        NotifyReport = NotifyReportRequest,
        NotifySettlement = NotifySettlementRequest,
        NotifyWebPaymentStarted = NotifyWebPaymentStartedRequest,
        OpenPeriodicEventStream = OpenPeriodicEventStreamRequest,
        PublishFirmware = PublishFirmwareRequest,
        PublishFirmwareStatusNotification = PublishFirmwareStatusNotificationRequest,
        PullDynamicScheduleUpdate = PullDynamicScheduleUpdateRequest,
        ReportChargingProfiles = ReportChargingProfilesRequest,
        ReportDERControl = ReportDERControlRequest,
        RequestBatterySwap = RequestBatterySwapRequest,
        RequestStartTransaction = RequestStartTransactionRequest,
        RequestStopTransaction = RequestStopTransactionRequest,
        ReservationStatusUpdate = ReservationStatusUpdateRequest,
        ReserveNow = ReserveNowRequest,
        Reset = ResetRequest,
        SecurityEventNotification = SecurityEventNotificationRequest,
        SendLocalList = SendLocalListRequest,
        SetChargingProfile = SetChargingProfileRequest,
        SetDERControl = SetDERControlRequest,
        SetDefaultTariff = SetDefaultTariffRequest,
        SetDisplayMessage = SetDisplayMessageRequest,
        SetMonitoringBase = SetMonitoringBaseRequest,
        SetMonitoringLevel = SetMonitoringLevelRequest,
        SetNetworkProfile = SetNetworkProfileRequest,
        SetVariableMonitoring = SetVariableMonitoringRequest,
        SetVariables = SetVariablesRequest,
        SignCertificate = SignCertificateRequest,
        StatusNotification = StatusNotificationRequest,
        TransactionEvent = TransactionEventRequest,
        TriggerMessage = TriggerMessageRequest,
        UnlockConnector = UnlockConnectorRequest,
        UnpublishFirmware = UnpublishFirmwareRequest,
        UpdateDynamicSchedule = UpdateDynamicScheduleRequest,
        UpdateFirmware = UpdateFirmwareRequest,
        UsePriorityCharging = UsePriorityChargingRequest,
        VatNumberValidation = VatNumberValidationRequest,
    ],
    never answered: [
        NotifyPeriodicEventStream = NotifyPeriodicEventStreamRequest,
    ]
}

#[cfg(test)]
mod tests {
    use ocpp_kit::message::ActionName;

    fn check<N: ActionName>(mut names: Vec<(&'static str, &'static str)>) {
        for (ours, on_the_wire) in &names {
            assert_eq!(ours, on_the_wire);
        }
        names.sort_unstable();
        let mut all: Vec<_> = N::all().iter().map(|action| (action.as_str(), action.as_str())).collect();
        all.sort_unstable();
        assert_eq!(names, all);
    }

    #[test]
    fn every_action_of_every_version_has_its_name() {
        check::<crate::v16::Action>(super::v16::names());
        check::<crate::v201::Action>(super::v201::names());
        check::<crate::v21::Action>(super::v21::names());
    }
}
