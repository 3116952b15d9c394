//! BootNotification: how a station registers with its CSMS (1.6 §4.2; 2.x use cases B01 to B03).

use std::time::Duration;

use crate::types::DateTime;
use crate::v21::BootReason;
use crate::{CallFailure, CallOptions, Peer, Version, v16, v21, v201};

/// What a station says of itself when it registers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ChargingStationInfo {
    /// Who made it; at most 20 characters in 1.6, 50 in 2.x.
    pub vendor_name: String,
    /// Its model; at most 20 characters.
    pub model: String,
    /// Its serial number; at most 25 characters.
    pub serial_number: Option<String>,
    /// Its firmware; at most 50 characters.
    pub firmware_version: Option<String>,
    /// The number of its modem's SIM card; at most 20 characters.
    pub iccid: Option<String>,
    /// The subscriber's number of that card; at most 20 characters.
    pub imsi: Option<String>,
}

impl ChargingStationInfo {
    /// A station of this maker and model.
    pub fn new(vendor_name: impl Into<String>, model: impl Into<String>) -> Self {
        Self { vendor_name: vendor_name.into(), model: model.into(), ..Self::default() }
    }

    /// The same with this serial number.
    pub fn with_serial_number(mut self, serial_number: impl Into<String>) -> Self {
        self.serial_number = Some(serial_number.into());
        self
    }

    /// The same with this firmware.
    pub fn with_firmware_version(mut self, version: impl Into<String>) -> Self {
        self.firmware_version = Some(version.into());
        self
    }
}

/// What a CSMS answers to a station that registers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Registration {
    /// The station may work.
    Accepted,
    /// The station may not send anything on its own, but the CSMS may already call it.
    Pending,
    /// The station is to be silent.
    Rejected,
}

/// The answer to a BootNotification.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Booted {
    pub(crate) registration: Registration,
    /// Between heartbeats, or until the next BootNotification. `None`: the CSMS leaves it to the station.
    pub(crate) interval: Option<Duration>,
    pub(crate) current_time: DateTime,
}

/// Why a station registers, in the version's own enumeration; 1.6 has none.
macro_rules! boot_2x {
    ($module:ident, $peer:expr, $info:expr, $reason:expr) => {{
        let info = $info;
        let mut station = $module::ChargingStation::new(info.model.as_str(), info.vendor_name.as_str());
        station.serial_number.clone_from(&info.serial_number);
        station.firmware_version.clone_from(&info.firmware_version);
        if info.iccid.is_some() || info.imsi.is_some() {
            let mut modem = $module::Modem::new();
            modem.iccid.clone_from(&info.iccid);
            modem.imsi.clone_from(&info.imsi);
            station.modem = Some(modem);
        }
        let reason = $module::BootReason::from_wire($reason.as_str());
        let request = $module::BootNotificationRequest::new(station, reason);
        let response = $peer.call_with(&request, CallOptions::default().triggered()).await?;
        booted(response.status.as_str(), response.interval, response.current_time)
    }};
}

/// Registers once.
pub(crate) async fn boot(
    peer: &Peer,
    info: &ChargingStationInfo,
    reason: &BootReason,
) -> Result<Booted, CallFailure> {
    Ok(match peer.version() {
        Version::V1_6 => {
            let mut request =
                v16::BootNotificationRequest::new(info.vendor_name.as_str(), info.model.as_str());
            request.charge_point_serial_number.clone_from(&info.serial_number);
            request.firmware_version.clone_from(&info.firmware_version);
            request.iccid.clone_from(&info.iccid);
            request.imsi.clone_from(&info.imsi);
            let response = peer.call_with(&request, CallOptions::default().triggered()).await?;
            booted(response.status.as_str(), response.interval, response.current_time)
        }
        Version::V2_0_1 => boot_2x!(v201, peer, info, reason),
        _ => boot_2x!(v21, peer, info, reason),
    })
}

fn booted(status: &str, interval: i32, current_time: DateTime) -> Booted {
    let registration = match status {
        "Accepted" => Registration::Accepted,
        "Pending" => Registration::Pending,
        _ => Registration::Rejected,
    };
    let seconds = u64::try_from(interval).unwrap_or(0);
    Booted { registration, interval: (seconds > 0).then(|| Duration::from_secs(seconds)), current_time }
}
