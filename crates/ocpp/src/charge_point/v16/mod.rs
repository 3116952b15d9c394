//! A charge point in OCPP 1.6.

mod configuration;
mod drivers;
mod profiles;
mod security;
mod telling;
mod trigger;
mod upkeep;

use tieline_service::Router;

use super::ChargePoint;
use crate::Ocpp;

pub(super) use configuration::octets;
pub(super) use telling::{
    authorize, complete, delivered, firmware_status, log_status, meter_values, security_event, status, tell,
};

/// What a charge point answers in 1.6.
pub(super) fn routes(router: Router<Ocpp, ChargePoint>) -> Router<Ocpp, ChargePoint> {
    let router = profiles::routes(drivers::routes(configuration::routes(router)));
    security::routes(upkeep::routes(trigger::routes(router)))
}
