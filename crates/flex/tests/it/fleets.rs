//! Fleets to test with.

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use tieline_flex::{ChargingSession, Connection, Departure, Device, Fleet, Steering, Supply};
use tieline_types::{Energy, EntityAddress, Power, TimeSpan};

pub(crate) const ISP: SignedDuration = SignedDuration::from_mins(15);

pub(crate) fn noon() -> Timestamp {
    "2026-03-28T12:00:00Z".parse().unwrap()
}

/// The ISP that starts so many ISPs after noon.
pub(crate) fn isp(number: i32) -> TimeSpan {
    let start = noon() + ISP * number;
    TimeSpan::new(start, start + ISP).unwrap()
}

pub(crate) fn connection(number: u8) -> EntityAddress {
    format!("ean.8716859000123450{number:02}").parse().unwrap()
}

pub(crate) fn session(id: &str, supply: Supply) -> ChargingSession {
    ChargingSession::new(id.to_owned(), connection(1), supply)
}

/// `count` chargers of three phases and 32 A at one connection without a limit.
pub(crate) fn three_phase(count: usize) -> Fleet {
    Fleet {
        connections: vec![Connection { address: connection(1), limit: None }],
        sessions: (0..count)
            .map(|number| session(&format!("s{number}"), Supply::in_watts(3, 230, 32).unwrap()))
            .collect(),
        ..Fleet::default()
    }
}

fn any_supply() -> impl Strategy<Value = Supply> {
    let voltage = prop::sample::select(vec![127_u16, 230, 230, 230, 231, 240]);
    (1_u8..=3, voltage, 6_u16..=32, any::<bool>()).prop_map(|(phases, voltage, current, in_amperes)| {
        let make = if in_amperes { Supply::in_amperes } else { Supply::in_watts };
        make(phases, voltage, current).unwrap()
    })
}

fn any_departure() -> impl Strategy<Value = Departure> {
    prop_oneof![
        Just(Departure::Unknown),
        (0_i64..300).prop_map(|minutes| Departure::Known(noon() + SignedDuration::from_mins(minutes))),
        (0_i64..300).prop_map(|minutes| Departure::Stated(noon() + SignedDuration::from_mins(minutes))),
    ]
}

pub(crate) fn any_fleet(at_most: usize) -> impl Strategy<Value = Fleet> {
    let limits = prop::collection::vec(prop::option::of(1_000_i64..60_000), 2);
    let one = (any_supply(), any_departure(), prop::option::of(0_i64..60), 0_i64..20, 1_u8..=2);
    (limits, prop::collection::vec(one, 0..=at_most)).prop_map(|(limits, sessions)| Fleet {
        connections: limits
            .into_iter()
            .zip(1_u8..)
            .map(|(limit, number)| Connection {
                address: connection(number),
                limit: limit.map(Power::from_watts),
            })
            .collect(),
        sessions: sessions
            .into_iter()
            .enumerate()
            .map(|(number, (supply, departure, wanted, delivered, at))| ChargingSession {
                connection: connection(at),
                energy_wanted: wanted.and_then(|kwh| Energy::from_watt_hours(kwh * 1000)),
                energy_delivered: Energy::from_watt_hours(delivered * 1000).unwrap(),
                departure,
                ..session(&format!("s{number:02}"), supply)
            })
            .collect(),
        ..Fleet::default()
    })
}

/// Fleets with limits at every node of their tree, EVs that take less than their chargers deliver or come later, and
/// chargers that can't be steered.
pub(crate) fn any_tree(at_most: usize) -> impl Strategy<Value = Fleet> {
    let limit = || prop::option::of(3_000_i64..60_000);
    let devices = prop::collection::vec((limit(), 1_u8..=3), 3);
    let one = (
        prop::option::of(0_usize..4),
        prop::option::weighted(0.3, 0_i64..25_000),
        prop::option::weighted(0.2, 0_i64..6_000),
        prop::option::weighted(0.2, -30_i64..120),
    );
    let more = prop::collection::vec(one, at_most);
    (any_fleet(at_most), limit(), devices, more).prop_map(|(mut fleet, limit, devices, more)| {
        fleet.limit = limit.map(Power::from_watts);
        fleet.devices = (0..)
            .zip(devices)
            .map(|(number, (limit, at))| Device {
                id: format!("d{number}"),
                connection: connection(at),
                limit: limit.map(Power::from_watts),
            })
            .collect();
        for (session, (device, most, draws, minutes)) in fleet.sessions.iter_mut().zip(more) {
            session.device = device.map(|number| format!("d{number}"));
            session.draws_at_most = most.map(Power::from_watts);
            session.arrives = minutes.map(|minutes| noon() + SignedDuration::from_mins(minutes));
            if let Some(draws) = draws {
                session.steering = Steering::Unsteerable { draws: Power::from_watts(draws) };
            }
        }
        fleet
    })
}
