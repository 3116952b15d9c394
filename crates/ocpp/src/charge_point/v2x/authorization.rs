//! Cache and local list in 2.x (C11, D01, D02).

use ocpp_kit::station::authorization::{UpdateStatus, UpdateType};
use tieline_service::{Call, Router, State};

use super::messages::{
    AuthorizationData, ClearCacheRequest, ClearCacheResponse, ClearCacheStatus, GetLocalListVersionRequest,
    GetLocalListVersionResponse, SendLocalListRequest, SendLocalListResponse, SendLocalListStatus, Update,
};
use super::reason;
use crate::Ocpp;
use crate::charge_point::ChargePoint;
use crate::charge_point::snapshot::Listed;
use crate::types::DateTime;

pub(super) fn routes(router: Router<Ocpp, ChargePoint>) -> Router<Ocpp, ChargePoint> {
    router.on(clear_cache).on(get_local_list_version).on(send_local_list)
}

async fn clear_cache(_: Call<ClearCacheRequest>, State(point): State<ChargePoint>) -> ClearCacheResponse {
    let mut state = point.locked();
    // C11.FR.04.
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
    // D02.FR.03: 0 where there is none.
    let is_used = state.settings.policy.local_auth_list_enabled;
    GetLocalListVersionResponse::new(if is_used { state.authorizer.list.version() } else { 0 })
}

async fn send_local_list(
    call: Call<SendLocalListRequest>,
    State(point): State<ChargePoint>,
) -> SendLocalListResponse {
    let update = match call.update_type {
        Update::Full => UpdateType::Full,
        _ => UpdateType::Differential,
    };
    let entries = call.local_authorization_list.iter().flatten().map(entry).collect();
    let status = point.change(|state| {
        if !state.settings.policy.local_auth_list_enabled {
            return UpdateStatus::NotSupported;
        }
        state.update_list(update, call.version_number, entries)
    });
    let (status, why) = match status {
        UpdateStatus::Accepted => (SendLocalListStatus::Accepted, None),
        UpdateStatus::VersionMismatch => (SendLocalListStatus::VersionMismatch, None),
        UpdateStatus::NotSupported => (SendLocalListStatus::Failed, Some(reason("NotEnabled"))),
        _ => (SendLocalListStatus::Failed, Some(reason("OutOfStorage"))),
    };
    let mut response = SendLocalListResponse::new(status);
    response.status_info = why;
    response
}

fn entry(data: &AuthorizationData) -> (String, Option<Listed>) {
    let listed = data.id_token_info.as_ref().map(|info| Listed {
        status: info.status.as_str().to_owned(),
        expires: info.cache_expiry_date_time.map(DateTime::timestamp),
        group: info.group_id_token.as_ref().map(|group| group.id_token.clone()),
    });
    (data.id_token.id_token.clone(), listed)
}
