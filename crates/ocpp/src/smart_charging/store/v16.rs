//! The messages of OCPP 1.6 to a store.

use super::super::answer;
use super::super::composite::Question;
use super::super::read::{v16_purpose, v16_unit};
use super::{Clear, ProfileStore};
use crate::types::DateTime;
use crate::v16;

impl ProfileStore<v16::ChargingProfile> {
    /// Answers SetChargingProfile (§5.16).
    pub fn set_charging_profile(
        &mut self,
        request: &v16::SetChargingProfileRequest,
        now: DateTime,
    ) -> v16::SetChargingProfileResponse {
        let status = match self.install(request.connector_id, request.cs_charging_profiles.clone(), now) {
            Ok(_) => v16::ChargingProfileStatus::Accepted,
            Err(refusal) => refusal.status_v16(),
        };
        v16::SetChargingProfileResponse::new(status)
    }

    /// Answers ClearChargingProfile (§5.5). A purpose that 1.6 does not define matches nothing.
    pub fn clear_charging_profile(
        &mut self,
        request: &v16::ClearChargingProfileRequest,
    ) -> v16::ClearChargingProfileResponse {
        let purpose = request.charging_profile_purpose.as_ref().map(v16_purpose).transpose();
        let cleared = purpose.is_ok_and(|purpose| {
            let (evse, stack_level) = (request.connector_id, request.stack_level);
            !self.clear(&Clear { id: request.id, evse, purpose, stack_level }).is_empty()
        });
        v16::ClearChargingProfileResponse::new(if cleared {
            v16::ClearChargingProfileStatus::Accepted
        } else {
            v16::ClearChargingProfileStatus::Unknown
        })
    }

    /// Answers GetCompositeSchedule (§5.7).
    pub fn get_composite_schedule(
        &self,
        request: &v16::GetCompositeScheduleRequest,
        now: DateTime,
    ) -> v16::GetCompositeScheduleResponse {
        let Ok(unit) = request.charging_rate_unit.as_ref().map(v16_unit).transpose() else {
            return v16::GetCompositeScheduleResponse::new(v16::GetCompositeScheduleStatus::Rejected);
        };
        let question = Question { unit, ..Question::new(request.connector_id, now, request.duration.into()) };
        answer::v16(&self.composite(&question))
    }
}
