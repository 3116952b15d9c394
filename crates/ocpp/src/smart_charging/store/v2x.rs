//! The messages of OCPP 2.x to and from a store. This file is compiled once for each version, with its messages.

use ocpp_kit::standard::reason_codes::ReasonCode;

use super::{answer, limit, messages, read_purpose, read_unit, source, sources};
use crate::smart_charging::composite::Question;
use crate::smart_charging::store::report::Criterion;
use crate::smart_charging::store::{Clear, ProfileStore, Refusal};
use crate::types::DateTime;

impl ProfileStore<messages::ChargingProfile> {
    /// Answers SetChargingProfile (K01).
    pub fn set_charging_profile(
        &mut self,
        request: &messages::SetChargingProfileRequest,
        now: DateTime,
    ) -> messages::SetChargingProfileResponse {
        match self.install(request.evse_id, request.charging_profile.clone(), now) {
            Ok(_) => messages::SetChargingProfileResponse::new(messages::ChargingProfileStatus::Accepted),
            Err(refusal) => {
                messages::SetChargingProfileResponse::new(messages::ChargingProfileStatus::Rejected)
                    .with_status_info(messages::StatusInfo::new(refusal.reason().as_str()))
            }
        }
    }

    /// Answers ClearChargingProfile (K10). A purpose that the version does not define matches nothing.
    pub fn clear_charging_profile(
        &mut self,
        request: &messages::ClearChargingProfileRequest,
    ) -> messages::ClearChargingProfileResponse {
        let unknown =
            messages::ClearChargingProfileResponse::new(messages::ClearChargingProfileStatus::Unknown);
        let criteria = request.charging_profile_criteria.clone();
        if request.charging_profile_id.is_none() && criteria.is_none() {
            return unknown.with_status_info(messages::StatusInfo::new(ReasonCode::MissingParam.as_str()));
        }
        let criteria = criteria.unwrap_or_default();
        let Ok(purpose) = criteria.charging_profile_purpose.as_ref().map(read_purpose).transpose() else {
            return unknown;
        };
        let (evse, stack_level) = (criteria.evse_id, criteria.stack_level);
        let clear = Clear { id: request.charging_profile_id, evse, purpose, stack_level };
        if self.clear(&clear).is_empty() {
            return unknown;
        }
        messages::ClearChargingProfileResponse::new(messages::ClearChargingProfileStatus::Accepted)
    }

    /// Answers GetCompositeSchedule (K08).
    pub fn get_composite_schedule(
        &self,
        request: &messages::GetCompositeScheduleRequest,
        now: DateTime,
    ) -> messages::GetCompositeScheduleResponse {
        let Ok(unit) = request.charging_rate_unit.as_ref().map(read_unit).transpose() else {
            return messages::GetCompositeScheduleResponse::new(messages::GenericStatus::Rejected)
                .with_status_info(messages::StatusInfo::new(ReasonCode::UnsupportedRateUnit.as_str()));
        };
        let question = Question { unit, ..Question::new(request.evse_id, now, request.duration.into()) };
        answer(&self.composite(&question))
    }

    /// Answers GetChargingProfiles, with the ReportChargingProfiles that follow the answer, in order (K09).
    pub fn get_charging_profiles(
        &self,
        request: &messages::GetChargingProfilesRequest,
    ) -> (messages::GetChargingProfilesResponse, Vec<messages::ReportChargingProfilesRequest>) {
        let asked = &request.charging_profile;
        let Ok(purpose) = asked.charging_profile_purpose.as_ref().map(read_purpose).transpose() else {
            return (
                messages::GetChargingProfilesResponse::new(messages::GetChargingProfileStatus::NoProfiles),
                Vec::new(),
            );
        };
        let criterion = Criterion {
            evse: request.evse_id,
            purpose,
            stack_level: asked.stack_level,
            ids: asked.charging_profile_id.clone(),
            sources: sources(asked),
        };
        let reports = self.pages(&criterion).into_iter().map(|page| {
            let profiles = page.profiles.iter().map(|one| one.message.clone()).collect();
            let mut report = messages::ReportChargingProfilesRequest::new(
                request.request_id,
                source(page.source),
                profiles,
                page.evse,
            );
            report.tbc = page.tbc.then_some(true);
            report
        });
        let reports: Vec<_> = reports.collect();
        let status = if reports.is_empty() {
            messages::GetChargingProfileStatus::NoProfiles
        } else {
            messages::GetChargingProfileStatus::Accepted
        };
        (messages::GetChargingProfilesResponse::new(status), reports)
    }

    /// Sets a limit that comes from another source than the CSMS, such as `EMS` or `SO`, in the place of its last one of that purpose and
    /// level. Returns what the CSMS is told (K11, K12).
    ///
    /// # Errors
    ///
    /// The profile is none of an external limit, or the station can't carry it out. Nothing has changed then.
    pub fn set_external_limit(
        &mut self,
        evse: i32,
        limit_source: &str,
        profile: messages::ChargingProfile,
        grid_critical: bool,
        now: DateTime,
    ) -> Result<messages::NotifyChargingLimitRequest, Refusal> {
        let limit = limit(limit_source, &profile, grid_critical);
        let schedules = profile.charging_schedule.clone();
        self.set_external(evse, limit_source, profile, now)?;
        Ok(messages::NotifyChargingLimitRequest::new(limit)
            .with_evse_id(evse)
            .with_charging_schedule(schedules))
    }

    /// Clears what a source has set on an EVSE. Returns what the CSMS is told, if there was something (K13).
    pub fn clear_external_limit(
        &mut self,
        evse: i32,
        limit_source: &str,
    ) -> Option<messages::ClearedChargingLimitRequest> {
        self.clear_external(evse, limit_source)
            .then(|| messages::ClearedChargingLimitRequest::new(source(limit_source)).with_evse_id(evse))
    }
}
