//! What a CSMS wants of a station, in the words of no version: start, stop, reserve, change availability, reset.

use jiff::Timestamp;

use super::ChargePoint;
use super::driver::Remote;
use super::evse::{IdToken, Reservation};
use super::state::State;
use super::transactions::Cause;
use crate::v21::BootReason;

/// Why an EVSE can't be reserved, spelt alike in all versions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reserved {
    Accepted,
    Faulted,
    Occupied,
    Rejected,
    Unavailable,
}

impl Reserved {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "Accepted",
            Self::Faulted => "Faulted",
            Self::Occupied => "Occupied",
            Self::Rejected => "Rejected",
            Self::Unavailable => "Unavailable",
        }
    }
}

impl ChargePoint {
    /// The EVSE at which a driver whom the CSMS names can charge: the one it names, else one where a vehicle waits, else
    /// a free one.
    pub(crate) fn evse_for(&self, evse: Option<i32>, token: &str, group: Option<&str>) -> Option<i32> {
        let state = self.locked();
        let fits = |known: &&super::evse::Evse| {
            known.fault.is_none()
                && !known.kept.inoperative
                && known.kept.authorization.is_none()
                && known.kept.transaction.as_ref().is_none_or(|running| running.authorization.is_none())
                && known.kept.reservation.as_ref().is_none_or(|reservation| reservation.is_for(token, group))
        };
        let mut fitting = state.evses.iter().filter(fits);
        match evse {
            Some(wanted) => fitting.find(|known| known.id == wanted).map(|known| known.id),
            None => fitting.max_by_key(|known| (known.kept.plugged, -known.id)).map(|known| known.id),
        }
    }

    /// Begins a transaction for a driver whom the CSMS names (1.6 §5.11, 2.x F01 and F02).
    pub(crate) async fn start_remotely(&self, evse: i32, token: IdToken, remote: Remote) {
        let ask = self.locked().settings.authorize_remote;
        let presented = self.authorize(evse, token, Some(remote), ask).await;
        tracing::info!(protocol = "ocpp", evse, ?presented, "the CSMS wants a transaction");
    }

    /// Ends a transaction (1.6 §5.12, 2.x F03).
    pub(crate) fn stop_remotely(&self, evse: i32) {
        self.change(|state| self.withdraw(state, evse, Cause::ending("RemoteStop", "Remote")));
    }

    /// Reserves an EVSE, or any for `None` (1.6 §5.14, 2.x H01).
    pub(crate) fn reserve(&self, evse: Option<i32>, reservation: Reservation) -> Reserved {
        let now = self.now();
        self.change(|state| {
            if reservation.until <= now {
                return Reserved::Rejected;
            }
            // The same number replaces what it reserved before (1.6 §5.14, H01.FR.02).
            for known in &mut state.evses {
                known.kept.reservation.take_if(|one| one.id == reservation.id);
            }
            let is_free = |known: &super::evse::Evse| known.is_free() && known.kept.reservation.is_none();
            let chosen = evse.or_else(|| {
                let mut all = state.evses.iter();
                let free = all.clone().find(|known| is_free(known)).or_else(|| all.next());
                free.map(|known| known.id)
            });
            let Some(known) = chosen.and_then(|id| state.evse(id)) else { return Reserved::Rejected };
            if known.fault.is_some() {
                Reserved::Faulted
            } else if known.kept.inoperative {
                Reserved::Unavailable
            } else if is_free(known) {
                known.kept.reservation = Some(reservation);
                Reserved::Accepted
            } else {
                Reserved::Occupied
            }
        })
    }

    /// Whether there was such a reservation.
    pub(crate) fn cancel_reservation(&self, id: i32) -> bool {
        self.change(|state| {
            let mut evses = state.evses.iter_mut();
            evses.any(|evse| evse.kept.reservation.take_if(|reservation| reservation.id == id).is_some())
        })
    }

    /// Puts an EVSE, or all for `None`, in or out of order; after its transaction where there is one (1.6 §5.2, 2.x
    /// G03). Returns the status, spelt alike in all versions.
    pub(crate) fn set_operative(&self, evse: Option<i32>, operative: bool) -> &'static str {
        self.change(|state| {
            let mut status = "Rejected";
            for known in state.evses.iter_mut().filter(|known| evse.is_none_or(|id| id == known.id)) {
                if known.kept.transaction.is_some() && !operative {
                    known.kept.change_to_operative = Some(operative);
                    status = "Scheduled";
                    continue;
                }
                known.kept.change_to_operative = None;
                known.kept.inoperative = !operative;
                if status == "Rejected" {
                    status = "Accepted";
                }
            }
            status
        })
    }

    /// Restarts the station (1.6 §5.14, 2.x B11 and B12): transactions end, then it registers anew.
    pub(crate) async fn restart(&self, evse: Option<i32>, hard: bool) {
        self.change(|state| {
            let reason = if hard { "HardReset" } else { "SoftReset" };
            // 2.x knows one reason for both.
            let reason = if state.version == crate::Version::V1_6 { reason } else { "ImmediateReset" };
            for id in ids(state, evse) {
                self.end(state, id, Cause::ending("ResetCommand", reason));
            }
        });
        self.0.hardware.reset(evse, hard).await;
        if evse.is_none() {
            // B10.FR.04.
            self.change(|state| state.networks.begin());
            self.0.link.reconnect("the station restarts", Some(BootReason::RemoteReset));
        }
    }

    /// Waits until no transaction is running at an EVSE (`None`: at all).
    pub(crate) async fn idle(&self, evse: Option<i32>) {
        let mut changes = self.changes();
        loop {
            changes.borrow_and_update();
            let is_idle = {
                let state = self.locked();
                let mut asked = state.evses.iter().filter(|known| evse.is_none_or(|id| id == known.id));
                asked.all(|known| known.kept.transaction.is_none())
            };
            if is_idle {
                return;
            }
            // Its sender lives as long as the charge point.
            let _ = changes.changed().await;
        }
    }

    /// Unlocks a connector, whose transaction ends first where the version wants that.
    pub(crate) fn unlock(&self, evse: i32, connector: i32) -> super::Unlocked {
        self.change(|state| {
            self.end(state, evse, Cause::ending("UnlockCommand", "UnlockCommand"));
        });
        self.0.hardware.unlock(evse, connector)
    }

    pub(crate) async fn wait_until(&self, at: Timestamp) {
        let ours = self.0.clock.now();
        let wait = ours.checked_add(at.duration_since(self.now())).unwrap_or(Timestamp::MAX);
        drop(self.0.clock.wait_until(wait).await);
    }
}

fn ids(state: &State, evse: Option<i32>) -> Vec<i32> {
    state.evses.iter().map(|known| known.id).filter(|id| evse.is_none_or(|evse| evse == *id)).collect()
}
