//! From a slot to a connection.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::slots::OWN;
use super::{NetworkProfile, SlotRefusal};
use crate::Version;
use crate::charge_point::ChargePoint;
use crate::charge_point::model::show_networks;
use crate::charge_point::state::State;
use crate::client::ChargingStation;

/// How often a way is tried in 1.6, which does not set it.
const ATTEMPTS_16: u32 = 3;

/// The maker's own way, and the one that is gone now.
pub(crate) struct Road {
    own: Arc<ChargingStation>,
    now: Mutex<(i32, Arc<ChargingStation>)>,
}

impl Road {
    pub(crate) fn new(own: Arc<ChargingStation>) -> Self {
        let now = Mutex::new((OWN, Arc::clone(&own)));
        Self { own, now }
    }

    /// The way that is gone now.
    pub(crate) fn now(&self) -> Arc<ChargingStation> {
        Arc::clone(&self.now.lock().unwrap_or_else(PoisonError::into_inner).1)
    }

    fn slot(&self) -> i32 {
        self.now.lock().unwrap_or_else(PoisonError::into_inner).0
    }

    fn go(&self, slot: i32, station: Arc<ChargingStation>) {
        *self.now.lock().unwrap_or_else(PoisonError::into_inner) = (slot, station);
    }

    /// Both, since what is set counts for either.
    fn each(&self, set: impl Fn(&ChargingStation)) {
        set(&self.own);
        let now = self.now();
        if !Arc::ptr_eq(&now, &self.own) {
            set(&now);
        }
    }

    pub(crate) fn set_ping_interval(&self, interval: Option<Duration>) {
        self.each(|station| station.set_ping_interval(interval));
    }

    /// `by_certificate`: the station proves itself by one now.
    pub(crate) fn set_password(&self, password: &[u8], by_certificate: bool) {
        if by_certificate {
            self.own.set_password(password);
        } else {
            self.each(|station| station.set_password(password));
        }
    }
}

impl ChargePoint {
    /// The connection that is to be tried. `None`: the station can't go that way.
    pub(crate) fn way(&self) -> Option<Arc<ChargingStation>> {
        let (slot, profile) = {
            let state = self.locked();
            let slot = state.networks.slot();
            (slot, state.networks.get(slot).cloned())
        };
        let road = &self.0.road;
        if slot != road.slot() {
            let station = match profile {
                Some(profile) => self.station_for(&profile)?,
                None => Arc::clone(&road.own),
            };
            tracing::info!(protocol = "ocpp", slot, ?station, "the station takes another way to its CSMS");
            road.go(slot, station);
        }
        Some(road.now())
    }

    fn station_for(&self, profile: &NetworkProfile) -> Option<Arc<ChargingStation>> {
        let network = self.0.hardware.network(profile)?;
        let station = self.0.road.own.elsewhere(&network.csms_url, network.connector, profile);
        station
            .inspect_err(
                |error| tracing::warn!(protocol = "ocpp", ?profile, %error, "a way to a CSMS is none"),
            )
            .ok()
            .map(Arc::new)
    }

    /// Whether the CSMS that is to be tried may not know the station yet (B10).
    pub(crate) fn is_elsewhere(&self) -> bool {
        let state = self.locked();
        // 1.6 has one CSMS.
        state.version != Version::V1_6 && state.networks.slot() != state.networks.active()
    }

    pub(crate) fn reached(&self) {
        self.change(|state| {
            let is_higher = state.networks.reached();
            if state.version == Version::V1_6 {
                state.networks.settle();
            }
            show_networks(&mut state.keys, &mut state.model, &state.networks);
            if is_higher {
                let profile = state.networks.security_profile();
                tracing::info!(protocol = "ocpp", profile, "the station has a higher security profile");
            }
        });
    }

    /// Returns whether there is another way.
    pub(crate) fn unreached(&self) -> bool {
        self.change(|state| {
            let attempts = attempts(state);
            let has_others = state.networks.has_others();
            state.networks.failed(attempts);
            has_others
        })
    }

    /// Keeps a way that the CSMS wants (B09).
    pub(crate) fn set_network(&self, slot: i32, profile: NetworkProfile) -> Result<(), SlotRefusal> {
        let can_go = self.station_for(&profile).is_some();
        self.change(|state| {
            let mut networks = state.networks.clone();
            networks.set(slot, profile)?;
            if !can_go {
                return Err(SlotRefusal::InvalidNetworkConf);
            }
            state.networks = networks;
            Ok(())
        })
    }

    /// The security profile that a CSMS of 1.6 wants (whitepaper A05): the way to have it, `None` if it is had
    /// already. The station [tries it](Self::try_network) once the answer has left.
    pub(crate) fn wants_security_profile(&self, text: &str) -> Result<Option<NetworkProfile>, SlotRefusal> {
        let wanted = text.parse().ok().filter(|wanted| (0..=3).contains(wanted));
        let wanted: i32 = wanted.ok_or(SlotRefusal::InvalidNetworkConf)?;
        let now = self.locked().networks.security_profile();
        if wanted == now {
            return Ok(None);
        }
        // A05.FR.02: never a lower one; FR.03: not without what it takes.
        if wanted < now {
            return Err(SlotRefusal::NoSecurityDowngrade);
        }
        if wanted < 3 && !self.0.road.now().has_password() {
            return Err(SlotRefusal::InvalidNetworkConf);
        }
        let address = self.0.road.now().csms();
        let address = match address.strip_prefix("ws://") {
            Some(rest) if wanted > 1 => format!("wss://{rest}"),
            _ => address,
        };
        let profile = NetworkProfile {
            csms_url: address,
            security_profile: wanted,
            interface: String::new(),
            message_timeout: 0,
            identity: None,
            password: None,
            apn: None,
            vpn: None,
        };
        self.station_for(&profile).ok_or(SlotRefusal::InvalidNetworkConf)?;
        Ok(Some(profile))
    }

    /// Connects with a higher security profile, and goes back to the present one if that fails.
    pub(crate) fn try_network(&self, profile: NetworkProfile) {
        self.change(|state| state.networks.raise(profile));
        self.0.link.reconnect("the station changes its security profile", None);
    }
}

fn attempts(state: &State) -> u32 {
    if state.version == Version::V1_6 { ATTEMPTS_16 } else { state.settings.network_attempts }
}
