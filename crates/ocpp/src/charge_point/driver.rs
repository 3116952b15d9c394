//! What drivers and vehicles do at a station.

use ocpp_kit::station::authorization::{AuthorizationStatus, Decision, IdTokenInfo};

use super::ChargePoint;
use super::evse::{Authorization, IdToken, Transfer};
use super::state::State;
use super::transactions::Cause;
use crate::CallFailure;

/// What a CSMS says with its wish to start a transaction.
#[derive(Clone, Debug, Default)]
pub(crate) struct Remote {
    /// The number by which it knows the transaction (2.x).
    pub(crate) id: Option<i32>,
    /// A charging profile, as JSON of its version.
    pub(crate) profile: Option<String>,
}

/// What became of a driver's wish.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Presented {
    /// He may charge.
    Authorized,
    /// His transaction, or one of his group, has ended.
    Stopped,
    /// He may not charge: he is not authorized, with this status.
    Refused(AuthorizationStatus),
    /// There is no such EVSE, or it is out of order, in use or reserved for another.
    NotAvailable,
}

impl ChargePoint {
    /// A vehicle is plugged into this EVSE (from 1).
    pub fn plug_in(&self, evse: i32) {
        self.change(|state| {
            let Some(known) = state.evse(evse) else { return };
            known.kept.plugged = true;
            state.connect_until.remove(&evse);
            self.follow(state, evse, Cause::SEEN);
        });
    }

    /// The vehicle is unplugged.
    pub fn unplug(&self, evse: i32) {
        self.change(|state| {
            let Some(known) = state.evse(evse) else { return };
            known.kept.plugged = false;
            known.kept.transfer = Transfer::None;
            known.finishing = false;
            self.follow(state, evse, Cause::SEEN);
            let Some(known) = state.evse(evse) else { return };
            if known.kept.transaction.is_none() {
                known.kept.authorization = None;
                // A later vehicle begins a transaction of its own.
                self.follow(state, evse, Cause::SEEN);
                state.renew_machines();
            }
        });
    }

    /// Energy begins or ceases to flow. Without a transaction nothing flows.
    pub fn transfer(&self, evse: i32, transfer: Transfer) {
        self.change(|state| {
            let Some(known) = state.evse(evse) else { return };
            if known.kept.transfer == transfer
                || (known.kept.transaction.is_none() && transfer != Transfer::None)
            {
                return;
            }
            let was_charging = known.kept.transfer == Transfer::Charging;
            known.kept.transfer = transfer;
            // What the transaction's conditions do not see is told nevertheless.
            if was_charging == (transfer == Transfer::Charging) {
                self.update(state, evse, "ChargingStateChanged");
            } else {
                self.follow(state, evse, Cause::trigger("ChargingStateChanged"));
            }
        });
    }

    /// The EVSE is faulted with this error code of 1.6 (§7.6), such as `GroundFailure`, or works again (`None`). A
    /// fault ends its transaction.
    pub fn fault(&self, evse: i32, error_code: Option<&str>) {
        self.change(|state| {
            let Some(known) = state.evse(evse) else { return };
            known.fault = error_code.map(str::to_owned);
            known.told = None;
            if error_code.is_some() {
                self.end(state, evse, Cause::ending("AbnormalCondition", "Other"));
            }
        });
    }

    /// A driver presents his token at an EVSE.
    pub async fn present(&self, evse: i32, token: IdToken) -> Presented {
        self.authorize(evse, token, None, true).await
    }

    /// [`present`](Self::present), or the CSMS does it for the driver. `ask`: he must be authorized first.
    pub(crate) async fn authorize(
        &self,
        evse: i32,
        token: IdToken,
        remote: Option<Remote>,
        ask: bool,
    ) -> Presented {
        if let Some(decided) = self.decide_at_once(evse, &token) {
            return decided;
        }
        let info = if ask { self.ask(&token).await } else { IdTokenInfo::accepted() };
        let status = info.status_at(self.0.link.now());
        if status != AuthorizationStatus::Accepted {
            return Presented::Refused(status);
        }
        let trigger = if remote.is_some() { "RemoteStart" } else { "Authorized" };
        let Remote { id: remote_start_id, profile } = remote.unwrap_or_default();
        let driver = Authorization { token, group: info.group_id, remote_start_id, profile };
        self.change(|state| {
            let until = super::timers::later(self.now(), state.settings.connection_timeout);
            let Some(known) = state.evse(evse) else { return Presented::NotAvailable };
            if let Some(running) =
                known.kept.transaction.as_ref().and_then(|running| running.authorization.as_ref())
            {
                // Another of the same group ends it (1.6 §5.2 with parentIdTag, 2.x C09).
                if running.group.is_none() || running.group != driver.group {
                    return Presented::NotAvailable;
                }
                self.stop_locally(state, evse);
                return Presented::Stopped;
            }
            let reserved = known.kept.reservation.as_ref();
            if reserved.is_some_and(|one| !one.is_for(&driver.token.id_token, driver.group.as_deref())) {
                return Presented::NotAvailable;
            }
            known.kept.authorization = Some(driver);
            if !known.kept.plugged
                && let Some(until) = until
            {
                state.connect_until.insert(evse, until);
            }
            self.follow(state, evse, Cause::trigger(trigger));
            Presented::Authorized
        })
    }

    /// What needs no authorization: the end of one's own transaction, and what can't be.
    fn decide_at_once(&self, evse: i32, token: &IdToken) -> Option<Presented> {
        self.change(|state| {
            let Some(known) = state.evse(evse) else { return Some(Presented::NotAvailable) };
            if known.fault.is_some() || (known.kept.inoperative && known.kept.transaction.is_none()) {
                return Some(Presented::NotAvailable);
            }
            let driver = known.kept.authorization.as_ref();
            if driver.is_some_and(|driver| driver.token.id_token == token.id_token) {
                self.stop_locally(state, evse);
                return Some(Presented::Stopped);
            }
            None
        })
    }

    fn stop_locally(&self, state: &mut State, evse: i32) {
        self.withdraw(state, evse, Cause::ending("StopAuthorized", "Local"));
    }

    /// Local list, cache, then the CSMS (1.6 §3.4 and §3.5, 2.x C01, C10 to C15).
    async fn ask(&self, token: &IdToken) -> IdTokenInfo {
        match self.decide(token, self.0.link.is_online()) {
            Ok(info) => info,
            Err(()) => match self.ask_csms(token).await {
                Ok(info) => {
                    self.locked().authorizer.remember(&token.id_token, info.clone());
                    info
                }
                Err(CallFailure::Refused(_) | CallFailure::UnusableResult(_)) => {
                    IdTokenInfo::new(AuthorizationStatus::Invalid)
                }
                // Gone in between: as if it had been away before.
                Err(_) => self.decide(token, false).unwrap_or(IdTokenInfo::new(AuthorizationStatus::Unknown)),
            },
        }
    }

    fn decide(&self, token: &IdToken, online: bool) -> Result<IdTokenInfo, ()> {
        let now = self.0.link.now();
        let decision = self.locked().authorizer.decide(&token.id_token, online, now);
        match decision {
            Decision::Local { info, .. } => Ok(info),
            Decision::OfflineUnknown { start_anyway: true } => Ok(IdTokenInfo::accepted()),
            Decision::OfflineUnknown { start_anyway: false } => {
                Ok(IdTokenInfo::new(AuthorizationStatus::Unknown))
            }
            _ => Err(()),
        }
    }

    async fn ask_csms(&self, token: &IdToken) -> Result<IdTokenInfo, CallFailure> {
        let version = self.locked().version;
        spoken!(version, said => said::authorize(&self.0.link, token).await)
    }

    /// The CSMS says of a driver who charges already that he may not (1.6 §4.8, 2.x E05).
    pub(crate) fn deauthorized(&self, evse: i32, transaction: &str) {
        self.change(|state| {
            if !state.settings.stop_on_invalid_id {
                return;
            }
            let Some(known) = state.evse(evse) else { return };
            if known.kept.transaction.as_ref().is_some_and(|running| running.id == transaction) {
                self.withdraw(state, evse, Cause::ending("Deauthorized", "DeAuthorized"));
            }
        });
    }
}
