//! What a CSMS can set, in one form for 1.6's configuration keys and the device model of 2.x.

use std::time::Duration;

use ocpp_kit::engine::{Backoff, RetryPolicy};
use ocpp_kit::station::authorization::AuthorizationPolicy;
use ocpp_kit::station::configuration::ConfigurationKeys;
use ocpp_kit::station::device_model::{Attribute, ComponentKey, DeviceModel, VariableKey};

/// The settings that change how the station works.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "the standards define so many independent switches")]
pub(crate) struct Settings {
    pub(crate) heartbeat: Duration,
    pub(crate) retry: RetryPolicy,
    /// Between pings, from the next connection on; `None`: no pings.
    pub(crate) ping: Option<Duration>,
    /// Pauses between attempts to connect, which 1.6 does not set.
    pub(crate) backoff: Option<Backoff>,
    /// How often one way to a CSMS is tried before the next (2.x).
    pub(crate) network_attempts: u32,
    /// How long an authorization waits for its vehicle.
    pub(crate) connection_timeout: Duration,
    /// Between meter values of a transaction; zero: none.
    pub(crate) sample_interval: Duration,
    /// Between meter values by the clock; zero: none.
    pub(crate) aligned_interval: Duration,
    pub(crate) stop_on_invalid_id: bool,
    pub(crate) stop_on_ev_disconnect: bool,
    pub(crate) authorize_remote: bool,
    pub(crate) cache_enabled: bool,
    pub(crate) policy: AuthorizationPolicy,
    /// How many keys one GetConfiguration may ask for.
    pub(crate) max_keys: usize,
}

impl Settings {
    /// From the configuration keys of 1.6 (§9).
    pub(crate) fn from_keys(keys: &ConfigurationKeys) -> Self {
        let text = |name: &str| keys.get(name).and_then(|key| key.value.clone());
        Self::read(
            |setting| text(setting.key()),
            RetryPolicy {
                attempts: number(text("TransactionMessageAttempts"), 3).max(1),
                interval: seconds(text("TransactionMessageRetryInterval"), 60),
            },
            None,
        )
    }

    /// From the device model of 2.x (Part 2 appendix 3).
    pub(crate) fn from_model(model: &DeviceModel) -> Self {
        let text = |component: &str, variable: &str, instance: Option<&str>| {
            let mut variable = VariableKey::new(variable);
            if let Some(instance) = instance {
                variable = variable.instance(instance);
            }
            model.get(ComponentKey::new(component), variable, Attribute::Actual).ok()
        };
        let of_events = Some("TransactionEvent");
        Self::read(
            |setting| {
                let (component, variable) = setting.variable();
                text(component, variable, None)
            },
            RetryPolicy {
                attempts: number(text("OCPPCommCtrlr", "MessageAttempts", of_events), 3).max(1),
                interval: seconds(text("OCPPCommCtrlr", "MessageAttemptInterval", of_events), 60),
            },
            Some(Backoff {
                wait_minimum: seconds(text("OCPPCommCtrlr", "RetryBackOffWaitMinimum", None), 10),
                random_range: seconds(text("OCPPCommCtrlr", "RetryBackOffRandomRange", None), 10),
                repeat_times: number(text("OCPPCommCtrlr", "RetryBackOffRepeatTimes", None), 3),
            }),
        )
    }

    fn read(text: impl Fn(Setting) -> Option<String>, retry: RetryPolicy, backoff: Option<Backoff>) -> Self {
        let truth =
            |setting, default| text(setting).map_or(default, |text| text.eq_ignore_ascii_case("true"));
        Self {
            heartbeat: seconds(text(Setting::HeartbeatInterval), 300).max(Duration::from_secs(1)),
            retry,
            ping: Some(seconds(text(Setting::PingInterval), 60)).filter(|pause| !pause.is_zero()),
            backoff,
            network_attempts: number(text(Setting::NetworkAttempts), 3).max(1),
            connection_timeout: seconds(text(Setting::ConnectionTimeOut), 60),
            sample_interval: seconds(text(Setting::SampleInterval), 60),
            aligned_interval: seconds(text(Setting::AlignedInterval), 0),
            stop_on_invalid_id: truth(Setting::StopOnInvalidId, true),
            stop_on_ev_disconnect: truth(Setting::StopOnEvDisconnect, true),
            authorize_remote: truth(Setting::AuthorizeRemote, false),
            cache_enabled: truth(Setting::CacheEnabled, true),
            policy: AuthorizationPolicy::default()
                .local_auth_list_enabled(truth(Setting::LocalListEnabled, true))
                .local_authorize_offline(truth(Setting::LocalAuthorizeOffline, true))
                .local_pre_authorize(truth(Setting::LocalPreAuthorize, false))
                .offline_tx_for_unknown_id(truth(Setting::OfflineUnknown, false)),
            max_keys: usize::try_from(number(text(Setting::MaxKeys), 50)).unwrap_or(50),
        }
    }
}

fn number(text: Option<String>, default: u32) -> u32 {
    text.and_then(|text| text.parse().ok()).unwrap_or(default)
}

fn seconds(text: Option<String>, default: u32) -> Duration {
    Duration::from_secs(number(text, default).into())
}

/// One setting that both generations have.
#[derive(Clone, Copy, Debug)]
enum Setting {
    HeartbeatInterval,
    PingInterval,
    ConnectionTimeOut,
    SampleInterval,
    AlignedInterval,
    StopOnInvalidId,
    StopOnEvDisconnect,
    AuthorizeRemote,
    CacheEnabled,
    LocalListEnabled,
    LocalAuthorizeOffline,
    LocalPreAuthorize,
    OfflineUnknown,
    MaxKeys,
    NetworkAttempts,
}

impl Setting {
    /// Its key in 1.6.
    fn key(self) -> &'static str {
        match self {
            Self::HeartbeatInterval => "HeartbeatInterval",
            Self::PingInterval => "WebSocketPingInterval",
            Self::ConnectionTimeOut => "ConnectionTimeOut",
            Self::SampleInterval => "MeterValueSampleInterval",
            Self::AlignedInterval => "ClockAlignedDataInterval",
            Self::StopOnInvalidId => "StopTransactionOnInvalidId",
            Self::StopOnEvDisconnect => "StopTransactionOnEVSideDisconnect",
            Self::AuthorizeRemote => "AuthorizeRemoteTxRequests",
            Self::CacheEnabled => "AuthorizationCacheEnabled",
            Self::LocalListEnabled => "LocalAuthListEnabled",
            Self::LocalAuthorizeOffline => "LocalAuthorizeOffline",
            Self::LocalPreAuthorize => "LocalPreAuthorize",
            Self::OfflineUnknown => "AllowOfflineTxForUnknownId",
            Self::MaxKeys => "GetConfigurationMaxKeys",
            // 1.6 does not set it.
            Self::NetworkAttempts => "",
        }
    }

    /// Its component and variable in 2.x.
    fn variable(self) -> (&'static str, &'static str) {
        match self {
            Self::HeartbeatInterval => ("OCPPCommCtrlr", "HeartbeatInterval"),
            Self::PingInterval => ("OCPPCommCtrlr", "WebSocketPingInterval"),
            Self::ConnectionTimeOut => ("TxCtrlr", "EVConnectionTimeOut"),
            Self::SampleInterval => ("SampledDataCtrlr", "TxUpdatedInterval"),
            Self::AlignedInterval => ("AlignedDataCtrlr", "Interval"),
            Self::StopOnInvalidId => ("TxCtrlr", "StopTxOnInvalidId"),
            Self::StopOnEvDisconnect => ("TxCtrlr", "StopTxOnEVSideDisconnect"),
            Self::AuthorizeRemote => ("AuthCtrlr", "AuthorizeRemoteStart"),
            Self::CacheEnabled => ("AuthCacheCtrlr", "Enabled"),
            Self::LocalListEnabled => ("LocalAuthListCtrlr", "Enabled"),
            Self::LocalAuthorizeOffline => ("AuthCtrlr", "LocalAuthorizeOffline"),
            Self::LocalPreAuthorize => ("AuthCtrlr", "LocalPreAuthorize"),
            Self::OfflineUnknown => ("AuthCtrlr", "OfflineTxForUnknownIdEnabled"),
            Self::MaxKeys => ("DeviceDataCtrlr", "ItemsPerMessage"),
            Self::NetworkAttempts => ("OCPPCommCtrlr", "NetworkProfileConnectionAttempts"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_generations_set_the_same() {
        let mut keys = ConfigurationKeys::with_defaults();
        let _ = keys.set("MeterValueSampleInterval", "15");
        let _ = keys.set("TransactionMessageAttempts", "0");
        let _ = keys.set("LocalPreAuthorize", "true");
        let settings = Settings::from_keys(&keys);
        assert_eq!(settings.sample_interval, Duration::from_secs(15));
        assert_eq!(settings.retry.attempts, 1);
        assert!(settings.policy.local_pre_authorize);

        let mut model = super::super::model::device_model(2, &crate::smart_charging::Capabilities::new(2));
        let status = model.set("SampledDataCtrlr", "TxUpdatedInterval", Attribute::Actual, "15");
        assert_eq!(status, ocpp_kit::station::device_model::SetStatus::Accepted);
        assert_eq!(Settings::from_model(&model).sample_interval, Duration::from_secs(15));
    }
}
