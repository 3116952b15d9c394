//! A charge point in OCPP 2.0.1.

use super::evse::IdToken;
use super::monitoring::Installed;
use super::profiles::Profiles;
use crate::smart_charging::ProfileStore;
use crate::v201::{self as messages, IdTokenEnum};

#[path = "v2x/mod.rs"]
mod v2x;

pub(super) use v2x::{
    authorize, charging_needs, charging_schedule, delivered, firmware_status, log_status, meter_values,
    notify_event, reservation_ended, routes, security_event, status, tell,
};

const VERSION: crate::Version = crate::Version::V2_0_1;

fn id_token(token: &IdToken) -> messages::IdToken {
    messages::IdToken::new(token.id_token.as_str(), IdTokenEnum::from_wire(&token.kind))
}

fn from_id_token(token: &messages::IdToken) -> IdToken {
    IdToken { id_token: token.id_token.clone(), kind: token.r#type.as_str().to_owned() }
}

fn store(profiles: &Profiles) -> Option<&ProfileStore<messages::ChargingProfile>> {
    match profiles {
        Profiles::V201(store) => Some(store),
        _ => None,
    }
}

fn store_mut(profiles: &mut Profiles) -> Option<&mut ProfileStore<messages::ChargingProfile>> {
    match profiles {
        Profiles::V201(store) => Some(store),
        _ => None,
    }
}

/// 2.0.1 has no event streams.
fn wants_stream(_: &messages::SetMonitoringData) -> bool {
    false
}

fn variable_monitoring(one: &Installed, kind: messages::Monitor) -> messages::VariableMonitoring {
    let monitor = &one.monitor;
    messages::VariableMonitoring::new(one.id, monitor.transaction, monitor.value, kind, monitor.severity)
}

/// 2.0.1 does not say it.
fn with_severity(event: messages::EventData, _: i32) -> messages::EventData {
    event
}

/// 2.0.1 has a message in one language.
fn extra(_: &messages::MessageInfo) -> &[messages::MessageContent] {
    &[]
}

fn with_extra(info: messages::MessageInfo, _: Vec<messages::MessageContent>) -> messages::MessageInfo {
    info
}

/// In 2.0.1 they are the same everywhere.
fn credentials(_: &messages::NetworkConnectionProfile) -> (Option<String>, Option<String>) {
    (None, None)
}
