//! StatusNotification: the CSMS knows how every connector is (1.6 §4.9, 2.x G01).

use std::convert::Infallible;

use super::ChargePoint;
use crate::{CallFailure, Version};

impl ChargePoint {
    /// Tells what the CSMS does not know yet, without end.
    pub(crate) async fn tell_status(&self) -> Infallible {
        let mut changes = self.changes();
        loop {
            changes.borrow_and_update();
            while self.0.link.is_online() {
                let Some(untold) = self.untold() else { break };
                if let Err(failure) = self.tell(&untold, false).await {
                    tracing::debug!(protocol = "ocpp", evse = untold.evse, %failure, "a status was not told");
                    if matches!(
                        failure,
                        CallFailure::Disconnected | CallFailure::QueueTimedOut | CallFailure::QueueFull
                    ) {
                        break;
                    }
                }
                self.told(&untold);
            }
            // Its sender lives as long as the charge point.
            let _ = changes.changed().await;
        }
    }

    fn untold(&self) -> Option<Status> {
        let state = self.locked();
        let version = state.version;
        let evses = state.evses.iter().map(|evse| Status::of(evse, version));
        // 1.6 tells how the station as a whole is, too (§4.9: connector 0).
        let station = (version == Version::V1_6).then(|| Status::of_station(&state));
        station.into_iter().chain(evses).find(|status| !status.is_told)
    }

    fn told(&self, status: &Status) {
        let mut state = self.locked();
        let told = Some(status.word.to_owned());
        match state.evse(status.evse) {
            Some(evse) => evse.told = told,
            None => state.station_told = told,
        }
    }

    /// Tells how one EVSE is. `asked`: by a TriggerMessage.
    pub(crate) async fn tell(&self, status: &Status, asked: bool) -> Result<(), CallFailure> {
        let link = &self.0.link;
        spoken!(status.version, said => said::status(link, status, asked).await)
    }

    /// How an EVSE is now.
    pub(crate) fn status(&self, evse: i32) -> Option<Status> {
        let mut state = self.locked();
        let version = state.version;
        if evse == 0 && version == Version::V1_6 {
            return Some(Status::of_station(&state));
        }
        state.evse(evse).map(|evse| Status::of(evse, version))
    }
}

/// The status of an EVSE's connector in the words of a version.
#[derive(Clone, Debug)]
pub(crate) struct Status {
    pub(crate) version: Version,
    pub(crate) evse: i32,
    pub(crate) word: &'static str,
    pub(crate) error_code: String,
    is_told: bool,
}

impl Status {
    fn of_station(state: &super::state::State) -> Self {
        let is_operative = state.evses.iter().any(|evse| !evse.kept.inoperative);
        let status = if is_operative { "Available" } else { "Unavailable" };
        Self {
            version: state.version,
            evse: 0,
            word: status,
            error_code: "NoError".to_owned(),
            is_told: state.station_told.as_deref() == Some(status),
        }
    }

    fn of(evse: &super::evse::Evse, version: Version) -> Self {
        let status = if version == Version::V1_6 { evse.status_16() } else { evse.status_2x() };
        Self {
            version,
            evse: evse.id,
            word: status,
            error_code: evse.fault.clone().unwrap_or_else(|| "NoError".to_owned()),
            is_told: evse.told.as_deref() == Some(status),
        }
    }
}
