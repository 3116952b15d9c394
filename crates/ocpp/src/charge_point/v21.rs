//! A charge point in OCPP 2.1.

use super::evse::IdToken;
use super::monitoring::Installed;
use super::profiles::Profiles;
use crate::smart_charging::ProfileStore;
use crate::v21 as messages;

#[path = "v2x/mod.rs"]
#[expect(clippy::duplicate_mod, reason = "the messages of 2.0.1 and 2.1 differ in type and hardly in shape")]
mod v2x;

pub(super) use v2x::{
    authorize, charging_needs, charging_schedule, delivered, firmware_status, log_status, meter_values,
    notify_event, reservation_ended, routes, security_event, status, tell,
};

const VERSION: crate::Version = crate::Version::V2_1;

fn id_token(token: &IdToken) -> messages::IdToken {
    messages::IdToken::new(token.id_token.as_str(), token.kind.as_str())
}

fn from_id_token(token: &messages::IdToken) -> IdToken {
    IdToken { id_token: token.id_token.clone(), kind: token.r#type.clone() }
}

fn store(profiles: &Profiles) -> Option<&ProfileStore<messages::ChargingProfile>> {
    match profiles {
        Profiles::V21(store) => Some(store),
        _ => None,
    }
}

fn store_mut(profiles: &mut Profiles) -> Option<&mut ProfileStore<messages::ChargingProfile>> {
    match profiles {
        Profiles::V21(store) => Some(store),
        _ => None,
    }
}

/// Whether a monitor is to send a stream, which this station does not.
fn wants_stream(data: &messages::SetMonitoringData) -> bool {
    data.periodic_event_stream.is_some()
}

fn variable_monitoring(one: &Installed, kind: messages::Monitor) -> messages::VariableMonitoring {
    let monitor = &one.monitor;
    let origin = messages::EventNotification::from_wire(one.origin.as_str());
    messages::VariableMonitoring::new(
        one.id,
        monitor.transaction,
        monitor.value,
        kind,
        monitor.severity,
        origin,
    )
}

fn with_severity(event: messages::EventData, severity: i32) -> messages::EventData {
    event.with_severity(severity)
}

fn extra(info: &messages::MessageInfo) -> &[messages::MessageContent] {
    info.message_extra.as_deref().unwrap_or_default()
}

fn with_extra(
    mut info: messages::MessageInfo,
    contents: Vec<messages::MessageContent>,
) -> messages::MessageInfo {
    info.message_extra = (!contents.is_empty()).then_some(contents);
    info
}

/// Identity and password by which the station authenticates there.
fn credentials(data: &messages::NetworkConnectionProfile) -> (Option<String>, Option<String>) {
    (data.identity.clone(), data.basic_auth_password.clone())
}
