//! What can be set in 1.6 (§5.3, §5.8), and the local list (§5.10, §5.15).

use ocpp_kit::station::authorization::UpdateStatus as Updated;
use ocpp_kit::station::authorization::UpdateType as Update;
use ocpp_kit::station::configuration::{Access, ConfigurationStatus as Set, Key};
use tieline_service::{After, Call, Router, State};

use crate::charge_point::ChargePoint;
use crate::charge_point::snapshot::Listed;
use crate::v16::{
    AuthorizationData, ChangeConfigurationRequest, ChangeConfigurationResponse, ClearCacheRequest,
    ClearCacheResponse, ClearCacheStatus, ConfigurationStatus, DataTransferRequest, DataTransferResponse,
    DataTransferStatus, GetConfigurationRequest, GetConfigurationResponse, GetLocalListVersionRequest,
    GetLocalListVersionResponse, KeyValue, SendLocalListRequest, SendLocalListResponse, UpdateStatus,
    UpdateType,
};
use crate::{CallError, ErrorCode, Ocpp};

/// A password is written and never read (whitepaper §2.5).
const PASSWORD: &str = "AuthorizationKey";

pub(super) fn routes(router: Router<Ocpp, ChargePoint>) -> Router<Ocpp, ChargePoint> {
    router
        .on(get_configuration)
        .on(change_configuration)
        .on(clear_cache)
        .on(get_local_list_version)
        .on(send_local_list)
        .on(data_transfer)
}

async fn get_configuration(
    call: Call<GetConfigurationRequest>,
    State(point): State<ChargePoint>,
) -> Result<GetConfigurationResponse, CallError> {
    let state = point.locked();
    let asked: Vec<&str> = call.key.iter().flatten().map(String::as_str).collect();
    // §9.1.7: more than can be answered is a fault of the request.
    if asked.len() > state.settings.max_keys {
        let description = format!("At most {} keys", state.settings.max_keys);
        return Err(CallError::new(ErrorCode::PropertyConstraintViolation, description));
    }
    let (known, unknown) = state.keys.report(&asked);
    let mut response = GetConfigurationResponse::new();
    response.configuration_key = Some(known.into_iter().map(key_value).collect());
    response.unknown_key = (!unknown.is_empty()).then_some(unknown);
    Ok(response)
}

fn key_value(key: &Key) -> KeyValue {
    let mut told = KeyValue::new(key.name, key.access == Access::ReadOnly);
    told.value = key.value.clone().filter(|_| key.name != PASSWORD);
    told
}

async fn change_configuration(
    call: Call<ChangeConfigurationRequest>,
    State(point): State<ChargePoint>,
) -> (ChangeConfigurationResponse, After) {
    let ChangeConfigurationRequest { key, value, .. } = &*call;
    if key == "SecurityProfile" {
        return change_security_profile(&point, value);
    }
    let status = point.change(|state| {
        let set = if is_sensible(key, value) { state.keys.set(key, value) } else { Set::Rejected };
        if matches!(set, Set::Accepted | Set::RebootRequired) {
            state.snapshot.keys.insert(key.clone(), value.clone());
            state.read_settings();
            state.renew_machines();
            point.intervals_set(state);
        }
        set
    });
    let mut after = After::none();
    let is_set = status == Set::Accepted;
    if is_set {
        point.settings_changed();
    }
    // The new password counts once the answer has left (whitepaper A01.FR.10).
    if is_set && key == PASSWORD {
        let (point, password) = (point.clone(), octets(value));
        after.push(async move { point.password_changed(&password) });
    }
    let status = match status {
        Set::Accepted => ConfigurationStatus::Accepted,
        Set::RebootRequired => ConfigurationStatus::RebootRequired,
        Set::NotSupported => ConfigurationStatus::NotSupported,
        _ => ConfigurationStatus::Rejected,
    };
    (ChangeConfigurationResponse::new(status), after)
}

/// Whitepaper A05: it shows the new profile once there is a connection with it.
fn change_security_profile(point: &ChargePoint, value: &str) -> (ChangeConfigurationResponse, After) {
    let Ok(changes) = point.wants_security_profile(value) else {
        return (ChangeConfigurationResponse::new(ConfigurationStatus::Rejected), After::none());
    };
    let mut after = After::none();
    if let Some(profile) = changes {
        let point = point.clone();
        after.push(async move { point.try_network(profile) });
    }
    (ChangeConfigurationResponse::new(ConfigurationStatus::Accepted), after)
}

/// What the type of a key does not say.
fn is_sensible(key: &str, value: &str) -> bool {
    match key {
        // 16 to 20 octets as hexadecimal digits (whitepaper §2.5.1).
        PASSWORD => {
            (32..=40).contains(&value.len())
                && value.len().is_multiple_of(2)
                && value.bytes().all(|digit| digit.is_ascii_hexdigit())
        }
        _ if key.ends_with("Interval") || key.ends_with("TimeOut") => !value.starts_with('-'),
        _ => true,
    }
}

/// The octets that hexadecimal digits stand for.
pub(in crate::charge_point) fn octets(digits: &str) -> Vec<u8> {
    let digit =
        |digit: u8| char::from(digit).to_digit(16).and_then(|digit| u8::try_from(digit).ok()).unwrap_or(0);
    digits
        .as_bytes()
        .chunks(2)
        .map(|pair| pair.iter().fold(0, |octet, one| octet * 16 + digit(*one)))
        .collect()
}

async fn clear_cache(_: Call<ClearCacheRequest>, State(point): State<ChargePoint>) -> ClearCacheResponse {
    let mut state = point.locked();
    // §5.4: a station without a cache rejects.
    if !state.settings.cache_enabled {
        return ClearCacheResponse::new(ClearCacheStatus::Rejected);
    }
    state.authorizer.cache.clear();
    ClearCacheResponse::new(ClearCacheStatus::Accepted)
}

async fn get_local_list_version(
    _: Call<GetLocalListVersionRequest>,
    State(point): State<ChargePoint>,
) -> GetLocalListVersionResponse {
    let state = point.locked();
    // §5.10: 0 is an empty list, -1 a station that has none.
    let version =
        if state.settings.policy.local_auth_list_enabled { state.authorizer.list.version() } else { -1 };
    GetLocalListVersionResponse::new(version)
}

async fn send_local_list(
    call: Call<SendLocalListRequest>,
    State(point): State<ChargePoint>,
) -> SendLocalListResponse {
    let update = match call.update_type {
        UpdateType::Full => Update::Full,
        _ => Update::Differential,
    };
    let entries = call.local_authorization_list.iter().flatten().map(entry).collect();
    let status = point.change(|state| {
        if !state.settings.policy.local_auth_list_enabled {
            return Updated::NotSupported;
        }
        state.update_list(update, call.list_version, entries)
    });
    SendLocalListResponse::new(match status {
        Updated::Accepted => UpdateStatus::Accepted,
        Updated::VersionMismatch => UpdateStatus::VersionMismatch,
        Updated::NotSupported => UpdateStatus::NotSupported,
        _ => UpdateStatus::Failed,
    })
}

fn entry(data: &AuthorizationData) -> (String, Option<Listed>) {
    let listed = data.id_tag_info.as_ref().map(|info| Listed {
        status: info.status.as_str().to_owned(),
        expires: info.expiry_date.map(crate::types::DateTime::timestamp),
        group: info.parent_id_tag.clone(),
    });
    (data.id_tag.clone(), listed)
}

async fn data_transfer(_: Call<DataTransferRequest>) -> DataTransferResponse {
    // No vendor's messages are known here.
    DataTransferResponse::new(DataTransferStatus::UnknownVendorId)
}
