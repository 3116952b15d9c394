//! Dynamic profiles and priority charging (2.1).

use ocpp_kit::standard::reason_codes::ReasonCode;

use super::super::profile::{Kind, Purpose, second};
use super::super::profile_error::ProfileError;
use super::{ChargingProfile, Installed, ProfileStore};
use crate::types::DateTime;
use crate::v21;

impl ProfileStore<v21::ChargingProfile> {
    /// Answers UpdateDynamicSchedule (K28). What the update does not name stays as it is.
    pub fn update_dynamic_schedule(
        &mut self,
        request: &v21::UpdateDynamicScheduleRequest,
        now: DateTime,
    ) -> v21::UpdateDynamicScheduleResponse {
        match self.update(request.charging_profile_id, &request.schedule_update, now) {
            Ok(()) => v21::UpdateDynamicScheduleResponse::new(v21::ChargingProfileStatus::Accepted),
            Err(reason) => v21::UpdateDynamicScheduleResponse::new(v21::ChargingProfileStatus::Rejected)
                .with_status_info(v21::StatusInfo::new(reason.as_str())),
        }
    }

    /// The updates that are to be asked for now: of dynamic profiles with a dynUpdateInterval that was over since the last update, or since
    /// it was last asked for (K28). Each is asked for once in an interval.
    pub fn updates_due(&mut self, now: DateTime) -> Vec<v21::PullDynamicScheduleUpdateRequest> {
        let due =
            self.installed.iter_mut().filter(|one| next_update(one).is_some_and(|at| at <= second(now)));
        due.map(|one| {
            one.asked = Some(now);
            v21::PullDynamicScheduleUpdateRequest::new(one.profile.id)
        })
        .collect()
    }

    /// The second since 1970 in which an update is due next.
    pub fn next_update(&self) -> Option<i64> {
        self.installed.iter().filter_map(next_update).min()
    }

    /// Takes the response to PullDynamicScheduleUpdate for a profile. Returns whether it has changed it: a response that is rejected or has no
    /// update leaves it as it is.
    ///
    /// # Errors
    ///
    /// The update can't be taken: the reason that 2.1 has for it.
    pub fn take_update(
        &mut self,
        profile: i32,
        response: &v21::PullDynamicScheduleUpdateResponse,
        now: DateTime,
    ) -> Result<bool, ReasonCode> {
        match &response.schedule_update {
            Some(update) if response.status == v21::ChargingProfileStatus::Accepted => {
                self.update(profile, update, now).map(|()| true)
            }
            _ => Ok(false),
        }
    }

    /// Answers UsePriorityCharging (K21, K22).
    pub fn use_priority_charging(
        &mut self,
        request: &v21::UsePriorityChargingRequest,
    ) -> v21::UsePriorityChargingResponse {
        let running =
            self.running.iter().find(|(_, running)| running.transaction.id == request.transaction_id);
        let Some(evse) = running.map(|(evse, _)| *evse) else {
            return v21::UsePriorityChargingResponse::new(v21::PriorityChargingStatus::Rejected)
                .with_status_info(v21::StatusInfo::new(ReasonCode::TxNotFound.as_str()));
        };
        if request.activate && !self.has_priority_profile(evse) {
            return v21::UsePriorityChargingResponse::new(v21::PriorityChargingStatus::NoProfile);
        }
        self.set_priority(evse, request.activate);
        v21::UsePriorityChargingResponse::new(v21::PriorityChargingStatus::Accepted)
    }

    /// Somebody at the station has turned priority charging on or off. Returns what the CSMS is told, if this changes something: there is
    /// a transaction, and to turn it on a profile with this purpose.
    pub fn set_priority_charging(
        &mut self,
        evse: i32,
        on: bool,
    ) -> Option<v21::NotifyPriorityChargingRequest> {
        let running = self.running.get(&evse)?;
        if running.priority_charging == on || (on && !self.has_priority_profile(evse)) {
            return None;
        }
        let told = v21::NotifyPriorityChargingRequest::new(running.transaction.id.clone(), on);
        self.set_priority(evse, on);
        Some(told)
    }

    fn has_priority_profile(&self, evse: i32) -> bool {
        self.installed.iter().any(|one| {
            one.profile.purpose == Purpose::PriorityCharging && (one.evse == evse || one.evse == 0)
        })
    }

    fn set_priority(&mut self, evse: i32, on: bool) {
        if let Some(running) = self.running.get_mut(&evse) {
            running.priority_charging = on;
        }
    }

    fn update(
        &mut self,
        profile: i32,
        update: &v21::ChargingScheduleUpdate,
        now: DateTime,
    ) -> Result<(), ReasonCode> {
        let one = self.installed.iter_mut().find(|one| one.profile.id == profile && one.is_csms());
        let one = one.ok_or(ReasonCode::InvalidProfileId)?;
        if one.profile.kind != Kind::Dynamic {
            return Err(ReasonCode::InvalidProfile);
        }
        let mut message = one.message.clone();
        let period =
            message.charging_schedule.first_mut().and_then(|one| one.charging_schedule_period.first_mut());
        apply(update, period.ok_or(ReasonCode::InvalidSchedule)?);
        message.dyn_update_time = Some(now);
        one.profile = message.read().map_err(|error: ProfileError| error.reason())?;
        one.message = message;
        one.asked = None;
        Ok(())
    }
}

fn next_update(one: &Installed<v21::ChargingProfile>) -> Option<i64> {
    let interval =
        one.profile.update_interval.filter(|_| one.profile.kind == Kind::Dynamic && one.is_csms())?;
    let last = one.profile.updated.map(second).max(one.asked.map(second))?;
    Some(last.saturating_add(interval))
}

fn apply(update: &v21::ChargingScheduleUpdate, period: &mut v21::ChargingSchedulePeriod) {
    let members = [
        (update.limit, &mut period.limit),
        (update.limit_l2, &mut period.limit_l2),
        (update.limit_l3, &mut period.limit_l3),
        (update.discharge_limit, &mut period.discharge_limit),
        (update.discharge_limit_l2, &mut period.discharge_limit_l2),
        (update.discharge_limit_l3, &mut period.discharge_limit_l3),
        (update.setpoint, &mut period.setpoint),
        (update.setpoint_l2, &mut period.setpoint_l2),
        (update.setpoint_l3, &mut period.setpoint_l3),
        (update.setpoint_reactive, &mut period.setpoint_reactive),
        (update.setpoint_reactive_l2, &mut period.setpoint_reactive_l2),
        (update.setpoint_reactive_l3, &mut period.setpoint_reactive_l3),
    ];
    for (new, member) in members {
        *member = new.or(*member);
    }
}
