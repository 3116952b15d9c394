//! What vehicles need and plan, in 2.x (K15 to K17).

use super::messages;
use crate::charge_point::Link;
use crate::charge_point::charging::{ChargingError, call};
use crate::v21;

/// Tells what a vehicle needs, and returns what the CSMS does about it.
pub(in crate::charge_point) async fn charging_needs(
    link: &Link,
    needs: &v21::NotifyEVChargingNeedsRequest,
) -> Result<v21::NotifyEVChargingNeedsStatus, ChargingError> {
    let response = call::<_, messages::NotifyEVChargingNeedsRequest>(link, needs).await?;
    Ok(v21::NotifyEVChargingNeedsStatus::from_wire(response.status.as_str()))
}

/// Tells how a vehicle is going to charge, and returns whether the CSMS accepts it.
pub(in crate::charge_point) async fn charging_schedule(
    link: &Link,
    schedule: &v21::NotifyEVChargingScheduleRequest,
) -> Result<bool, ChargingError> {
    let response = call::<_, messages::NotifyEVChargingScheduleRequest>(link, schedule).await?;
    Ok(response.status == messages::GenericStatus::Accepted)
}
