//! A charge point in OCPP 2.x. This file and those beside it are compiled once for each version, with its messages.

mod authorization;
mod charging;
mod customer;
mod display;
mod drivers;
mod monitoring;
mod networks;
mod profiles;
mod security;
mod telling;
mod trigger;
mod upkeep;
mod variables;

use tieline_service::Router;

use super::{
    VERSION, credentials, extra, from_id_token, id_token, messages, store, store_mut, variable_monitoring,
    wants_stream, with_extra, with_severity,
};
use crate::Ocpp;
use crate::charge_point::ChargePoint;

pub(in crate::charge_point) use charging::{charging_needs, charging_schedule};
pub(in crate::charge_point) use monitoring::notify_event;
pub(in crate::charge_point) use telling::{
    authorize, delivered, firmware_status, log_status, meter_values, reservation_ended, security_event,
    status, tell,
};

/// What a charge point answers.
pub(in crate::charge_point) fn routes(router: Router<Ocpp, ChargePoint>) -> Router<Ocpp, ChargePoint> {
    let router = networks::routes(display::routes(customer::routes(monitoring::routes(router))));
    let router = profiles::routes(variables::routes(authorization::routes(drivers::routes(router))));
    security::routes(upkeep::routes(trigger::routes(router)))
}

/// A reason beside a status (Part 2 appendix 5).
fn reason(code: &str) -> messages::StatusInfo {
    messages::StatusInfo::new(code)
}
