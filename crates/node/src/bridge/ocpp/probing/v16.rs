//! OCPP 1.6: configuration keys, and the composite schedule of a connector.

use rust_decimal::Decimal;
use tieline_ocpp::v16::{ChargingRateUnit, GetCompositeScheduleRequest, GetConfigurationRequest};
use tieline_ocpp::{CallFailure, Peer, Version};

use super::briefly;
use super::learning::{Answers, KEYS};
use crate::config::ProfileUnit;

pub(super) async fn ask(peer: &Peer) -> Result<Answers, CallFailure> {
    let mut request = GetConfigurationRequest::new();
    request.key = Some(KEYS.map(str::to_owned).to_vec());
    let response = peer.call_with(&request, briefly()).await?;
    let mut answers = Answers::none(Version::V1_6);
    for known in response.configuration_key.unwrap_or_default() {
        if let Some(value) = &known.value {
            answers.told(&known.key, value);
        }
    }
    Ok(answers)
}

/// The limit of a connector now, in the unit; `None` if the charge point says none.
pub(super) async fn composite(
    peer: &Peer,
    (connector, unit): (i32, ProfileUnit),
) -> Result<Option<Decimal>, CallFailure> {
    let mut request = GetCompositeScheduleRequest::new(connector, 60);
    let asked = match unit {
        ProfileUnit::W => ChargingRateUnit::W,
        ProfileUnit::A => ChargingRateUnit::A,
    };
    request.charging_rate_unit = Some(asked.clone());
    let response = peer.call_with(&request, briefly()).await?;
    let schedule = response.charging_schedule.filter(|schedule| schedule.charging_rate_unit == asked);
    let first = schedule.and_then(|schedule| schedule.charging_schedule_period.into_iter().next());
    Ok(first.and_then(|period| period.limit.to_string().parse().ok()))
}
