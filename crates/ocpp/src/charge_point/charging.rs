//! What a station tells of charging beside its transactions: what a vehicle needs and plans, and limits from elsewhere than
//! the CSMS (2.x K11 to K17).

use ocpp_kit::message::Confirmed;
use ocpp_kit::station::device_model::Attribute;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::ChargePoint;
use super::profiles::Profiles;
use super::state::State;
use crate::smart_charging::Refusal;
use crate::types::DateTime;
use crate::v21::{
    ChargingNeeds, ChargingProfile, ChargingRateUnit, ChargingSchedule, NotifyEVChargingNeedsRequest,
    NotifyEVChargingNeedsStatus, NotifyEVChargingScheduleRequest,
};
use crate::{Action, CallFailure, v201};

/// Why the CSMS was not told, or a limit not taken.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ChargingError {
    /// 1.6 has no such message.
    #[error("the version that is spoken does not know it")]
    Version,
    /// 2.0.1 can't say it.
    #[error("the version that is spoken can't say it: {0}")]
    Unsayable(#[from] serde_json::Error),
    /// A vehicle's schedule is in watts.
    #[error("a vehicle's schedule is in watts")]
    NotInWatts,
    /// The CSMS has not answered, or refused the message.
    #[error(transparent)]
    Call(#[from] CallFailure),
    /// The limit is none, or can't be carried out.
    #[error(transparent)]
    Limit(#[from] Refusal),
}

impl ChargePoint {
    /// A vehicle says what it needs (2.x K15): the CSMS is told, and returns whether it will set a profile. What 2.1 knows of a
    /// vehicle and 2.0.1 does not is left out there. `max_schedule_tuples`: how many periods the vehicle takes.
    ///
    /// A profile that follows is obeyed like any other; until then what is set already counts.
    ///
    /// # Errors
    ///
    /// The version has no such message, or the CSMS has not answered.
    pub async fn notify_charging_needs(
        &self,
        evse: i32,
        needs: ChargingNeeds,
        max_schedule_tuples: Option<i32>,
    ) -> Result<NotifyEVChargingNeedsStatus, ChargingError> {
        let mut request = NotifyEVChargingNeedsRequest::new(evse, needs);
        request.max_schedule_tuples = max_schedule_tuples;
        request.timestamp = Some(self.0.link.now());
        let version = self.locked().version;
        let status = spoken_2x!(version, said => said::charging_needs(&self.0.link, &request).await?);
        status.ok_or(ChargingError::Version)
    }

    /// A vehicle says how it is going to charge (2.x K15 to K17), in watts from `time_base` on; `selected`: by which of the
    /// schedules that it was offered (2.1). Returns whether that is within what the CSMS wants.
    ///
    /// # Errors
    ///
    /// The version has no such message or can't say it, or the CSMS has not answered.
    pub async fn notify_charging_schedule(
        &self,
        evse: i32,
        time_base: DateTime,
        schedule: ChargingSchedule,
        selected: Option<i32>,
    ) -> Result<bool, ChargingError> {
        if schedule.charging_rate_unit != ChargingRateUnit::W {
            return Err(ChargingError::NotInWatts);
        }
        let mut request = NotifyEVChargingScheduleRequest::new(time_base, schedule, evse);
        request.selected_charging_schedule_id = selected;
        let version = self.locked().version;
        let fits = spoken_2x!(version, said => said::charging_schedule(&self.0.link, &request).await?);
        fits.ok_or(ChargingError::Version)
    }

    /// Somebody beside the CSMS limits an EVSE, or with 0 the station (2.x K11, K12): it is obeyed from now on, and the CSMS is
    /// told, when it can be. `source` is such as `EMS` or `SO` (`ChargingLimitSourceEnumStringType`), and the profile's purpose
    /// ChargingStationExternalConstraints, in 2.1 also LocalGeneration.
    ///
    /// # Errors
    ///
    /// The version knows no such limits or can't say this one, or the station can't carry it out.
    pub fn set_external_limit(
        &self,
        evse: i32,
        source: &str,
        profile: ChargingProfile,
        grid_critical: bool,
    ) -> Result<(), ChargingError> {
        let now = self.0.link.now();
        self.change(|state| {
            let with_schedules = tells_schedules(state);
            match &mut state.profiles {
                Profiles::V16(_) => return Err(ChargingError::Version),
                Profiles::V201(store) => {
                    let profile: v201::ChargingProfile = exactly(&profile)?;
                    let mut told = store.set_external_limit(evse, source, profile, grid_critical, now)?;
                    told.charging_schedule.take_if(|_| !with_schedules);
                    self.0.link.owe(&told);
                }
                Profiles::V21(store) => {
                    let mut told = store.set_external_limit(evse, source, profile, grid_critical, now)?;
                    told.charging_schedule.take_if(|_| !with_schedules);
                    self.0.link.owe(&told);
                }
            }
            self.rate_changed(state, evse);
            Ok(())
        })
    }

    /// Whoever has limited an EVSE, or with 0 the station, does so no longer (2.x K13). Returns whether there was a limit; the
    /// CSMS is told then.
    pub fn clear_external_limit(&self, evse: i32, source: &str) -> bool {
        self.change(|state| {
            let was_there = match &mut state.profiles {
                Profiles::V16(_) => false,
                Profiles::V201(store) => {
                    store.clear_external_limit(evse, source).inspect(|told| self.0.link.owe(told)).is_some()
                }
                Profiles::V21(store) => {
                    store.clear_external_limit(evse, source).inspect(|told| self.0.link.owe(told)).is_some()
                }
            };
            if was_there {
                self.rate_changed(state, evse);
            }
            was_there
        })
    }

    /// The transactions that a limit is about go on with it (K11 to K13).
    fn rate_changed(&self, state: &mut State, evse: i32) {
        let ids: Vec<i32> = state.evses.iter().map(|known| known.id).collect();
        for id in ids.into_iter().filter(|id| evse == 0 || *id == evse) {
            self.update(state, id, "ChargingRateChanged");
        }
    }
}

fn tells_schedules(state: &State) -> bool {
    let text = state.model.get("SmartChargingCtrlr", "NotifyChargingLimitWithSchedules", Attribute::Actual);
    text.is_ok_and(|text| text == "true")
}

/// The same in the words of another version; what it does not know is left out.
pub(crate) fn as_far_as_known<T: Serialize, U: DeserializeOwned>(
    message: &T,
) -> Result<U, serde_json::Error> {
    serde_json::from_value(serde_json::to_value(message)?)
}

/// The same in the words of another version, which must know all of it.
fn exactly<T: Serialize, U: DeserializeOwned + Serialize>(message: &T) -> Result<U, serde_json::Error> {
    let said = serde_json::to_value(message)?;
    let understood: U = serde_json::from_value(said.clone())?;
    if serde_json::to_value(&understood)? == said {
        Ok(understood)
    } else {
        Err(serde::de::Error::custom("a member would be lost"))
    }
}

/// Sends a message in the words of the version that is spoken.
pub(crate) async fn call<T: Serialize, R: Action + Confirmed + DeserializeOwned>(
    link: &super::Link,
    message: &T,
) -> Result<R::Response, ChargingError> {
    let request: R = as_far_as_known(message)?;
    Ok(link.call(request).await?)
}
