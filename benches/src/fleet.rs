//! Large fleets, and a day's order for them.

use jiff::{SignedDuration, Timestamp};
use tieline_flex::{
    ChargingSession, Connection, Demand, Departure, Device, Fleet, Supply, SupplyError, Target, baseline,
};
use tieline_types::{Energy, EntityAddress, Power, TimeSpan};

/// The ISPs of a day.
pub const ISPS: i64 = 96;

/// What chargers are told, and what limits them.
#[derive(Clone, Copy, Debug)]
pub struct Mixture {
    /// Its name.
    pub name: &'static str,
    /// The charger of the session with this number.
    pub supply: fn(u32) -> Result<Supply, SupplyError>,
    /// How many sessions are at each connection.
    pub at_each: u32,
    /// What each connection may draw.
    pub limit: Option<i64>,
    /// What each pair of sessions may draw at its device.
    pub device_limit: Option<i64>,
}

const WATTS: Mixture = Mixture {
    name: "watts",
    supply: |_| Supply::in_watts(3, 230, 32),
    at_each: 40,
    limit: None,
    device_limit: None,
};

/// Fleets as they are, and those that are hard to split to the watt.
pub const MIXTURES: [Mixture; 9] = [
    WATTS,
    Mixture { name: "amperes at 230 V", supply: |_| Supply::in_amperes(3, 230, 32), ..WATTS },
    Mixture { name: "mixed", supply: mixed, ..WATTS },
    Mixture { name: "mixed, connections of 40 limited", supply: mixed, limit: Some(250_000), ..WATTS },
    Mixture { name: "mixed, connections of 40 full", supply: mixed, limit: Some(50_000), ..WATTS },
    Mixture {
        name: "mixed, connections of 1 limited",
        supply: mixed,
        at_each: 1,
        limit: Some(7_000),
        ..WATTS
    },
    Mixture {
        name: "mixed, devices of 2 and connections of 40 limited",
        supply: mixed,
        limit: Some(250_000),
        device_limit: Some(15_000),
        ..WATTS
    },
    Mixture { name: "amperes at 231 V", supply: |_| Supply::in_amperes(3, 231, 32), ..WATTS },
    Mixture { name: "6 A or nothing at 20 voltages", supply: six_amperes, ..WATTS },
];

fn mixed(number: u32) -> Result<Supply, SupplyError> {
    match number % 5 {
        0 => Supply::in_watts(3, 230, 32),
        1 => Supply::in_watts(1, 230, 16),
        2 => Supply::in_amperes(3, 230, 16),
        3 => Supply::in_amperes(1, 231, 32),
        _ => Supply::in_amperes(2, 235, 16),
    }
}

fn six_amperes(number: u32) -> Result<Supply, SupplyError> {
    Supply::in_watts(3, 221 + u16::try_from(number % 20).unwrap_or(0), 6)
}

fn start() -> Timestamp {
    "2026-03-28T00:00:00Z".parse().expect("an instant")
}

/// The ISPs of a day.
pub fn isps() -> Vec<TimeSpan> {
    let isp = SignedDuration::from_mins(15);
    let starts = std::iter::successors(Some(start()), |start| start.checked_add(isp).ok());
    starts.zip(0..ISPS).filter_map(|(start, _)| TimeSpan::new(start, start.checked_add(isp).ok()?)).collect()
}

/// So many sessions. One in four has a departure, from the first hours to the end of the day.
pub fn fleet(mixture: Mixture, sessions: u32) -> Fleet {
    let connection = |number: u32| -> EntityAddress {
        format!("ean.8716859{:011}", number / mixture.at_each).parse().expect("an address")
    };
    let device = |number: u32| format!("d{:06}", number / 2);
    let connections =
        (0..sessions).step_by(usize::try_from(mixture.at_each).expect("a number")).map(|number| Connection {
            address: connection(number),
            limit: mixture.limit.map(Power::from_watts),
        });
    let devices = (0..sessions).step_by(2).filter(|_| mixture.device_limit.is_some()).map(|number| Device {
        id: device(number),
        connection: connection(number),
        limit: mixture.device_limit.map(Power::from_watts),
    });
    let session = |number: u32| {
        let leaves = start() + SignedDuration::from_mins(i64::from(120 + number % 1_300));
        let is_known = number.is_multiple_of(4);
        ChargingSession {
            device: mixture.device_limit.map(|_| device(number)),
            energy_wanted: Energy::from_watt_hours(20_000 + i64::from(number % 30) * 1_000)
                .filter(|_| is_known),
            departure: if is_known { Departure::Known(leaves) } else { Departure::Unknown },
            ..ChargingSession::new(
                format!("s{number:06}"),
                connection(number),
                (mixture.supply)(number).expect("a charger"),
            )
        }
    };
    Fleet {
        limit: None,
        connections: connections.collect(),
        devices: devices.collect(),
        sessions: (0..sessions).map(session).collect(),
    }
}

/// An order for every ISP of the day: from 0 to 90 % of what the fleet would draw, and some watts that make it uneven.
pub fn order(fleet: &Fleet) -> Vec<Target> {
    let isps = isps();
    let baselines = baseline(fleet, &isps);
    isps.iter()
        .zip(&baselines)
        .zip(1..)
        .map(|((span, baseline), number)| {
            Target::at_most(*span, Power::from_watts(baseline.watts() * (number % 10) / 10 + number))
        })
        .collect()
}

/// What keeps an order, as it is asked whether the fleet can deliver it: no less than half of each target either.
pub fn demands(targets: &[Target]) -> Vec<Demand> {
    targets
        .iter()
        .filter_map(|target| {
            Demand::between(target.span, Power::from_watts(target.power.watts() / 2), target.power)
        })
        .collect()
}
