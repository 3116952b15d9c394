//! Against every combination that there is, on fleets small enough to try them all.

use std::collections::BTreeSet;

use proptest::prelude::*;
use rust_decimal::Decimal;
use tieline_flex::{
    ChargingSession, Connection, Departure, Fleet, Miss, Plan, ShortfallReason, Supply, Target, split,
};
use tieline_types::{Energy, Power};

use crate::fleets::{connection, isp, session};
use crate::splits::{total, total_at};

/// A charger of a few volts, so that there are few powers to try, with what its driver is owed in the first ISP.
#[derive(Clone, Copy, Debug)]
struct Small {
    phases: u8,
    voltage: u16,
    current: u16,
    in_amperes: bool,
    owed: Option<i64>,
    connection: u8,
}

impl Small {
    fn supply(self) -> Supply {
        let make = if self.in_amperes { Supply::in_amperes } else { Supply::in_watts };
        make(self.phases, self.voltage, self.current).unwrap()
    }

    /// Every power that it can be given.
    fn powers(self) -> Vec<i64> {
        let full = self.supply().maximum().watts();
        let running: Vec<i64> = if self.in_amperes {
            let ten_steps = i64::from(self.phases) * i64::from(self.voltage);
            (60..=i64::from(self.current) * 10).map(|tenths| (tenths * ten_steps + 9) / 10).collect()
        } else {
            (self.supply().minimum().watts()..=full).collect()
        };
        match self.owed.filter(|owed| *owed > 0) {
            Some(owed) => running.into_iter().filter(|watts| *watts >= owed.min(full)).collect(),
            None => std::iter::once(0).chain(running).collect(),
        }
    }
}

fn small() -> impl Strategy<Value = Small> {
    let voltage = prop::sample::select(vec![7_u16, 10, 11, 20, 23]);
    let owed = prop::option::weighted(0.3, 0_i64..700);
    (1_u8..=3, voltage, 6_u16..=9, any::<bool>(), owed, 1_u8..=2).prop_map(
        |(phases, voltage, current, in_amperes, owed, connection)| Small {
            phases,
            voltage,
            current,
            in_amperes,
            owed,
            connection,
        },
    )
}

fn fleet(small: &[Small], limits: [Option<i64>; 2]) -> Fleet {
    let connections = limits.into_iter().zip(1..).map(|(limit, number)| Connection {
        address: connection(number),
        limit: limit.map(Power::from_watts),
    });
    let sessions = small.iter().enumerate().map(|(number, small)| {
        let mut session = session(&format!("s{number}"), small.supply());
        session.connection = connection(small.connection);
        if let Some(owed) = small.owed {
            session.energy_wanted = Some(Energy::from_watt_seconds(owed.max(1) * 900));
            session.departure = Departure::Known(isp(i32::from(owed == 0)).end());
        }
        session
    });
    Fleet { connections: connections.collect(), sessions: sessions.collect(), ..Fleet::default() }
}

/// Every sum that the sessions at one connection can reach within its limit.
fn reachable(small: &[Small], connection: u8, limit: Option<i64>) -> BTreeSet<i64> {
    let mut sums = BTreeSet::from([0]);
    for small in small.iter().filter(|small| small.connection == connection) {
        let powers = small.powers();
        sums = sums.iter().flat_map(|sum| powers.iter().map(move |watts| sum + watts)).collect();
    }
    sums.retain(|sum| limit.is_none_or(|limit| *sum <= limit));
    sums
}

/// The sum that a plan should have.
fn best(sums: &BTreeSet<i64>, target: i64, miss: Miss) -> i64 {
    let below = sums.range(..=target).next_back().copied();
    let above = sums.range(target..).next().copied();
    let (first, second) = if miss == Miss::Below { (below, above) } else { (above, below) };
    first.or(second).unwrap()
}

/// What is told, in the charger's unit, is what is planned: never more, and less than 1 W below.
fn check_what_is_told(fleet: &Fleet, small: &[Small], plan: &Plan) {
    for (planned, small) in plan.sessions.iter().zip(small) {
        let ten_steps = Decimal::from(u32::from(small.phases) * u32::from(small.voltage));
        for period in &planned.periods {
            let told = if small.in_amperes { period.limit * ten_steps } else { period.limit };
            let below = Decimal::from(period.power.watts()) - told;
            assert!((Decimal::ZERO..Decimal::ONE).contains(&below), "{period:?} of {small:?}");
            assert!(small.powers().contains(&period.power.watts()) || has_limit(fleet, small.connection));
        }
    }
}

fn has_limit(fleet: &Fleet, at: u8) -> bool {
    fleet.connections[usize::from(at) - 1].limit.is_some()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn no_combination_comes_nearer_than_the_plan(
        small in prop::collection::vec(small(), 1..=4),
        limits in [prop::option::of(0_i64..1_500), prop::option::of(0_i64..1_500)],
        target in -50_i64..2_500,
        above in any::<bool>(),
    ) {
        let fleet = fleet(&small, limits);
        let miss = if above { Miss::Above } else { Miss::Below };
        let plan = split(&fleet, &[Target { span: isp(0), power: Power::from_watts(target), miss }]);
        check_what_is_told(&fleet, &small, &plan);
        for (number, limit) in (1..).zip(limits) {
            let drawn = total_at(&fleet, &plan, &connection(number), isp(0));
            prop_assert!(limit.is_none_or(|limit| drawn <= limit), "{drawn} W at connection {number}");
        }
        let one = reachable(&small, 1, limits[0]);
        let other = reachable(&small, 2, limits[1]);
        // Where the floors alone are more than a connection's limit there is nothing to compare with.
        prop_assume!(!one.is_empty() && !other.is_empty());
        let sums: BTreeSet<i64> = one.iter().flat_map(|one| other.iter().map(move |other| one + other)).collect();
        let planned = total(&plan, isp(0));
        prop_assert_eq!(planned, best(&sums, target, miss));
        prop_assert_eq!(plan.shortfalls.is_empty(), sums.contains(&target));
        for missed in &plan.shortfalls {
            let within_limits = |limits: [Option<i64>; 2]| {
                small.iter().map(|small| (small.connection, small.supply().maximum().watts())).fold([0, 0], |mut sums, (at, watts)| {
                    sums[usize::from(at) - 1] += watts;
                    sums
                }).into_iter().zip(limits).map(|(sum, limit)| limit.map_or(sum, |limit| limit.min(sum))).sum::<i64>()
            };
            let reason_holds = match missed.reason {
                ShortfallReason::MustRun => sums.range(..=target.max(0)).next().is_none(),
                ShortfallReason::FeedIn => target < 0 && planned == 0,
                ShortfallReason::Exhausted => target > within_limits([None, None]),
                ShortfallReason::ConnectionLimit => {
                    target > within_limits(limits) && target <= within_limits([None, None])
                }
                ShortfallReason::MinimumCurrent => target <= within_limits(limits),
                ShortfallReason::Steps => small.iter().any(|small| small.in_amperes),
                _ => false,
            };
            prop_assert!(reason_holds, "{missed:?}");
        }
    }
}

/// Chargers that can only have 6 A, of many voltages, some with an EV that takes less.
fn six_amperes_or_nothing(count: std::ops::RangeInclusive<usize>) -> impl Strategy<Value = Fleet> {
    let one = (1_u8..=3, 221_u16..=240, prop::option::weighted(0.2, 500_i64..4_000));
    prop::collection::vec(one, count).prop_map(|chargers| {
        let sessions = chargers.into_iter().enumerate().map(|(number, (phases, voltage, most))| {
            let supply = Supply::in_watts(phases, voltage, 6).unwrap();
            let mut session = session(&format!("s{number:03}"), supply);
            session.draws_at_most = most.map(Power::from_watts);
            session
        });
        Fleet { sessions: sessions.collect(), ..Fleet::default() }
    })
}

/// Chargers told tenths of an ampere that are no whole numbers of watts, more of them than can be searched whole.
fn uneven_steps() -> impl Strategy<Value = Fleet> {
    let supply = (1_u8..=3, prop::sample::select(vec![229_u16, 231, 233]), 8_u16..=32);
    prop::collection::vec(supply, 2..=40).prop_map(|supplies| {
        let sessions = supplies.into_iter().enumerate().map(|(number, (phases, voltage, current))| {
            session(&format!("s{number:03}"), Supply::in_amperes(phases, voltage, current).unwrap())
        });
        Fleet { sessions: sessions.collect(), ..Fleet::default() }
    })
}

fn most(fleet: &Fleet) -> i64 {
    let full = |session: &ChargingSession| {
        let maximum = session.supply.maximum();
        session.draws_at_most.map_or(maximum, |most| most.min(maximum)).watts()
    };
    fleet.sessions.iter().map(full).sum()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn nothing_comes_nearer_of_those_that_have_six_amperes_or_nothing(
        fleet in six_amperes_or_nothing(1..=10),
        per_mille in 0_i64..=1_000,
        above in any::<bool>(),
    ) {
        let mut sums = BTreeSet::from([0]);
        for session in &fleet.sessions {
            let watts = most(&Fleet { sessions: vec![session.clone()], ..Fleet::default() });
            sums = sums.iter().flat_map(|sum| [*sum, sum + watts]).collect();
        }
        let miss = if above { Miss::Above } else { Miss::Below };
        let target = most(&fleet) * per_mille / 1_000;
        // One of the sums is as likely as something between two.
        for target in [target, sums.range(target..).next().copied().unwrap()] {
            let plan = split(&fleet, &[Target { span: isp(0), power: Power::from_watts(target), miss }]);
            prop_assert_eq!(total(&plan, isp(0)), best(&sums, target, miss), "for {} W", target);
        }
    }

    /// Where not everything can be searched: a target is reached from both sides or from none, missed on its own side, and
    /// the order of the sessions makes no difference.
    #[test]
    fn a_search_that_leaves_something_out_keeps_to_its_side(
        fleet in prop_oneof![uneven_steps(), six_amperes_or_nothing(30..=60)],
        per_mille in 0_i64..=1_000,
    ) {
        let power = Power::from_watts(most(&fleet) * per_mille / 1_000);
        let mut reversed = fleet.clone();
        reversed.sessions.reverse();
        let [below, above] = [Target::at_most(isp(0), power), Target::at_least(isp(0), power)].map(|target| {
            let plan = split(&fleet, &[target]);
            assert_eq!(split(&reversed, &[target]), plan);
            total(&plan, isp(0))
        });
        prop_assert_eq!(below == power.watts(), above == power.watts());
        prop_assert!(below <= power.watts() && power.watts() <= above, "{power} between {below} W and {above} W");
    }
}

/// More combinations than are searched, none of them exact: still beside the target, on its right side.
#[test]
fn a_large_fleet_of_uneven_minima_stays_beside_the_target() {
    let six_amperes = |number: u16| Supply::in_watts(3, 221 + number % 20, 6).unwrap();
    let fleet = Fleet {
        connections: vec![Connection { address: connection(1), limit: None }],
        sessions: (0..300).map(|number| session(&format!("s{number:03}"), six_amperes(number))).collect(),
        ..Fleet::default()
    };
    for target in [50_001, 300_005, 1_000_003] {
        let power = Power::from_watts(target);
        let below = total(&split(&fleet, &[Target::at_most(isp(0), power)]), isp(0));
        assert!((target - 18..target).contains(&below), "{below} W of {target} W");
        let above = total(&split(&fleet, &[Target::at_least(isp(0), power)]), isp(0));
        assert!((target + 1..=target + 18).contains(&above), "{above} W of {target} W");
    }
}
