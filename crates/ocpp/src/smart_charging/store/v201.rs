//! The messages of OCPP 2.0.1 to and from a store.

use ocpp_kit::standard::reason_codes::ReasonCode;

use super::super::answer;
use super::super::composite::Question;
use super::super::read::{v201_purpose, v201_unit};
use super::report::Criterion;
use super::{Clear, ProfileStore, Refusal};
use crate::types::DateTime;
use crate::v201;

impl ProfileStore<v201::ChargingProfile> {
    /// Answers SetChargingProfile (K01).
    pub fn set_charging_profile(
        &mut self,
        request: &v201::SetChargingProfileRequest,
        now: DateTime,
    ) -> v201::SetChargingProfileResponse {
        match self.install(request.evse_id, request.charging_profile.clone(), now) {
            Ok(_) => v201::SetChargingProfileResponse::new(v201::ChargingProfileStatus::Accepted),
            Err(refusal) => v201::SetChargingProfileResponse::new(v201::ChargingProfileStatus::Rejected)
                .with_status_info(v201::StatusInfo::new(refusal.reason().as_str())),
        }
    }

    /// Answers ClearChargingProfile (K10). A purpose that 2.0.1 does not define matches nothing.
    pub fn clear_charging_profile(
        &mut self,
        request: &v201::ClearChargingProfileRequest,
    ) -> v201::ClearChargingProfileResponse {
        let unknown = v201::ClearChargingProfileResponse::new(v201::ClearChargingProfileStatus::Unknown);
        let criteria = request.charging_profile_criteria.clone();
        if request.charging_profile_id.is_none() && criteria.is_none() {
            return unknown.with_status_info(v201::StatusInfo::new(ReasonCode::MissingParam.as_str()));
        }
        let criteria = criteria.unwrap_or_default();
        let Ok(purpose) = criteria.charging_profile_purpose.as_ref().map(v201_purpose).transpose() else {
            return unknown;
        };
        let (evse, stack_level) = (criteria.evse_id, criteria.stack_level);
        let clear = Clear { id: request.charging_profile_id, evse, purpose, stack_level };
        if self.clear(&clear).is_empty() {
            return unknown;
        }
        v201::ClearChargingProfileResponse::new(v201::ClearChargingProfileStatus::Accepted)
    }

    /// Answers GetCompositeSchedule (K08).
    pub fn get_composite_schedule(
        &self,
        request: &v201::GetCompositeScheduleRequest,
        now: DateTime,
    ) -> v201::GetCompositeScheduleResponse {
        let Ok(unit) = request.charging_rate_unit.as_ref().map(v201_unit).transpose() else {
            return v201::GetCompositeScheduleResponse::new(v201::GenericStatus::Rejected)
                .with_status_info(v201::StatusInfo::new(ReasonCode::UnsupportedRateUnit.as_str()));
        };
        let question = Question { unit, ..Question::new(request.evse_id, now, request.duration.into()) };
        answer::v201(&self.composite(&question))
    }

    /// Answers GetChargingProfiles, with the ReportChargingProfiles that follow the answer, in order (K09).
    pub fn get_charging_profiles(
        &self,
        request: &v201::GetChargingProfilesRequest,
    ) -> (v201::GetChargingProfilesResponse, Vec<v201::ReportChargingProfilesRequest>) {
        let asked = &request.charging_profile;
        let Ok(purpose) = asked.charging_profile_purpose.as_ref().map(v201_purpose).transpose() else {
            return (
                v201::GetChargingProfilesResponse::new(v201::GetChargingProfileStatus::NoProfiles),
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
            let mut report = v201::ReportChargingProfilesRequest::new(
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
            v201::GetChargingProfileStatus::NoProfiles
        } else {
            v201::GetChargingProfileStatus::Accepted
        };
        (v201::GetChargingProfilesResponse::new(status), reports)
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
        profile: v201::ChargingProfile,
        grid_critical: bool,
        now: DateTime,
    ) -> Result<v201::NotifyChargingLimitRequest, Refusal> {
        let limit = limit(limit_source, grid_critical);
        let schedules = profile.charging_schedule.clone();
        self.set_external(evse, limit_source, profile, now)?;
        Ok(v201::NotifyChargingLimitRequest::new(limit).with_evse_id(evse).with_charging_schedule(schedules))
    }

    /// Clears what a source has set on an EVSE. Returns what the CSMS is told, if there was something (K13).
    pub fn clear_external_limit(
        &mut self,
        evse: i32,
        limit_source: &str,
    ) -> Option<v201::ClearedChargingLimitRequest> {
        self.clear_external(evse, limit_source)
            .then(|| v201::ClearedChargingLimitRequest::new(source(limit_source)).with_evse_id(evse))
    }
}

fn sources(asked: &v201::ChargingProfileCriterion) -> Option<Vec<String>> {
    let sources = asked.charging_limit_source.as_ref()?;
    Some(sources.iter().map(|source| source.as_str().to_owned()).collect())
}

fn source(source: &str) -> v201::ChargingLimitSource {
    v201::ChargingLimitSource::from_wire(source)
}

fn limit(limit_source: &str, grid_critical: bool) -> v201::ChargingLimit {
    v201::ChargingLimit::new(source(limit_source)).with_is_grid_critical(grid_critical)
}
