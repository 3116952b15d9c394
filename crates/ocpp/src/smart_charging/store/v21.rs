//! The messages of OCPP 2.1 to and from a store that 2.0.1 has, too.

use ocpp_kit::standard::reason_codes::ReasonCode;

use super::super::answer;
use super::super::composite::Question;
use super::super::read::{v21_purpose, v21_unit};
use super::report::Criterion;
use super::{Clear, ProfileStore, Refusal};
use crate::types::DateTime;
use crate::v21;

impl ProfileStore<v21::ChargingProfile> {
    /// Answers SetChargingProfile (K01).
    pub fn set_charging_profile(
        &mut self,
        request: &v21::SetChargingProfileRequest,
        now: DateTime,
    ) -> v21::SetChargingProfileResponse {
        match self.install(request.evse_id, request.charging_profile.clone(), now) {
            Ok(_) => v21::SetChargingProfileResponse::new(v21::ChargingProfileStatus::Accepted),
            Err(refusal) => v21::SetChargingProfileResponse::new(v21::ChargingProfileStatus::Rejected)
                .with_status_info(v21::StatusInfo::new(refusal.reason().as_str())),
        }
    }

    /// Answers ClearChargingProfile (K10). A purpose that 2.1 does not define matches nothing.
    pub fn clear_charging_profile(
        &mut self,
        request: &v21::ClearChargingProfileRequest,
    ) -> v21::ClearChargingProfileResponse {
        let unknown = v21::ClearChargingProfileResponse::new(v21::ClearChargingProfileStatus::Unknown);
        let criteria = request.charging_profile_criteria.clone();
        if request.charging_profile_id.is_none() && criteria.is_none() {
            return unknown.with_status_info(v21::StatusInfo::new(ReasonCode::MissingParam.as_str()));
        }
        let criteria = criteria.unwrap_or_default();
        let Ok(purpose) = criteria.charging_profile_purpose.as_ref().map(v21_purpose).transpose() else {
            return unknown;
        };
        let (evse, stack_level) = (criteria.evse_id, criteria.stack_level);
        let clear = Clear { id: request.charging_profile_id, evse, purpose, stack_level };
        if self.clear(&clear).is_empty() {
            return unknown;
        }
        v21::ClearChargingProfileResponse::new(v21::ClearChargingProfileStatus::Accepted)
    }

    /// Answers GetCompositeSchedule (K08).
    pub fn get_composite_schedule(
        &self,
        request: &v21::GetCompositeScheduleRequest,
        now: DateTime,
    ) -> v21::GetCompositeScheduleResponse {
        let Ok(unit) = request.charging_rate_unit.as_ref().map(v21_unit).transpose() else {
            return v21::GetCompositeScheduleResponse::new(v21::GenericStatus::Rejected)
                .with_status_info(v21::StatusInfo::new(ReasonCode::UnsupportedRateUnit.as_str()));
        };
        let question = Question { unit, ..Question::new(request.evse_id, now, request.duration.into()) };
        answer::v21(&self.composite(&question))
    }

    /// Answers GetChargingProfiles, with the ReportChargingProfiles that follow the answer, in order (K09).
    pub fn get_charging_profiles(
        &self,
        request: &v21::GetChargingProfilesRequest,
    ) -> (v21::GetChargingProfilesResponse, Vec<v21::ReportChargingProfilesRequest>) {
        let asked = &request.charging_profile;
        let Ok(purpose) = asked.charging_profile_purpose.as_ref().map(v21_purpose).transpose() else {
            return (
                v21::GetChargingProfilesResponse::new(v21::GetChargingProfileStatus::NoProfiles),
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
            let mut report = v21::ReportChargingProfilesRequest::new(
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
            v21::GetChargingProfileStatus::NoProfiles
        } else {
            v21::GetChargingProfileStatus::Accepted
        };
        (v21::GetChargingProfilesResponse::new(status), reports)
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
        profile: v21::ChargingProfile,
        grid_critical: bool,
        now: DateTime,
    ) -> Result<v21::NotifyChargingLimitRequest, Refusal> {
        let limit = limit(limit_source, &profile, grid_critical);
        let schedules = profile.charging_schedule.clone();
        self.set_external(evse, limit_source, profile, now)?;
        Ok(v21::NotifyChargingLimitRequest::new(limit).with_evse_id(evse).with_charging_schedule(schedules))
    }

    /// Clears what a source has set on an EVSE. Returns what the CSMS is told, if there was something (K13).
    pub fn clear_external_limit(
        &mut self,
        evse: i32,
        limit_source: &str,
    ) -> Option<v21::ClearedChargingLimitRequest> {
        self.clear_external(evse, limit_source)
            .then(|| v21::ClearedChargingLimitRequest::new(source(limit_source)).with_evse_id(evse))
    }
}

fn sources(asked: &v21::ChargingProfileCriterion) -> Option<Vec<String>> {
    asked.charging_limit_source.clone()
}

fn source(source: &str) -> String {
    source.to_owned()
}

fn limit(limit_source: &str, profile: &v21::ChargingProfile, grid_critical: bool) -> v21::ChargingLimit {
    let mut limit = v21::ChargingLimit::new(source(limit_source)).with_is_grid_critical(grid_critical);
    if profile.charging_profile_purpose == v21::ChargingProfilePurpose::LocalGeneration {
        limit.is_local_generation = Some(true);
    }
    limit
}
