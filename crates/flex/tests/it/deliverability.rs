//! Against a linear program that knows nothing of inequalities or flows.

use good_lp::{
    Expression, ProblemVariables, ResolutionError, Solution as _, SolverModel as _, Variable, constraint,
    microlp, variable,
};
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use tieline_flex::{
    ChargingSession, Connection, Demand, Departure, Device, Fleet, Miss, Steering, Supply, Target,
    Undeliverable, deliverable, split,
};
use tieline_types::{Energy, Power, TimeSpan};

use crate::chance::Chance;
use crate::fleets::{any_fleet, connection, isp, noon, session, three_phase};

fn after(seconds: i64) -> Timestamp {
    noon() + SignedDuration::from_secs(seconds)
}

fn second(at: Timestamp) -> i64 {
    at.as_second() - noon().as_second()
}

fn seconds(span: TimeSpan) -> i64 {
    span.duration().as_secs()
}

/// How fleets are made up.
#[derive(Clone, Copy)]
struct Size {
    sessions: i64,
    spans: i64,
    /// Whether all spans are alike and nobody comes or goes.
    constant: bool,
}

fn spans(chance: &mut Chance, size: Size) -> Vec<TimeSpan> {
    let mut at = 0;
    (0..chance.between(1, size.spans))
        .map(|_| {
            if !size.constant {
                at += (chance.between(-3, 2)).max(0);
            }
            let start = at;
            at += if size.constant { 2 } else { chance.between(1, 3) };
            TimeSpan::new(after(start), after(at)).unwrap()
        })
        .collect()
}

fn limit(chance: &mut Chance, most: i64) -> Option<Power> {
    (chance.between(0, 2) == 0).then(|| Power::from_watts(chance.between(0, most)))
}

fn fleet(chance: &mut Chance, size: Size, end: i64) -> Fleet {
    let sessions = (0..chance.between(0, size.sessions)).map(|number| {
        let current = u16::try_from(chance.between(6, 10)).unwrap();
        let at = u8::try_from(chance.between(1, 3)).unwrap();
        let departure = if size.constant { end + chance.between(0, 6) } else { chance.between(0, end + 6) };
        let draws = chance.between(0, 3);
        ChargingSession {
            connection: connection(at),
            device: (chance.between(0, 1) == 0).then(|| format!("d{}", chance.between(1, 3))),
            draws_at_most: (chance.between(0, 1) == 0).then(|| Power::from_watts(chance.between(0, 7))),
            steering: if chance.between(0, 7) == 0 {
                Steering::Unsteerable { draws: Power::from_watts(draws) }
            } else {
                Steering::Steerable
            },
            energy_wanted: (chance.between(0, 3) > 0)
                .then(|| Energy::from_watt_seconds(chance.between(0, 8 * end))),
            arrives: (!size.constant && chance.between(0, 2) == 0).then(|| after(chance.between(-1, end))),
            departure: if chance.between(0, 3) == 0 {
                Departure::Unknown
            } else {
                Departure::Known(after(departure))
            },
            ..session(&format!("s{number}"), Supply::in_watts(1, 1, current).unwrap())
        }
    });
    let sessions: Vec<ChargingSession> = sessions.collect();
    let most = 7 * size.sessions;
    Fleet {
        limit: limit(chance, most),
        // The third connection and the third device are not named.
        connections: (1..=2)
            .map(|at| Connection { address: connection(at), limit: limit(chance, most) })
            .collect(),
        devices: (1..=2)
            .map(|number| Device {
                id: format!("d{number}"),
                connection: connection(number),
                limit: limit(chance, most),
            })
            .collect(),
        sessions,
    }
}

fn is_there(session: &ChargingSession, second: i64) -> bool {
    session.arrives.is_none_or(|arrival| arrival <= after(second))
        && session.departure.at().is_none_or(|departure| after(second) < departure)
}

/// What a session may draw, second by second, as the linear program sees it.
struct Physics {
    /// What it can draw in each span.
    capacity: Vec<i64>,
    /// What it can draw between the spans.
    besides: i64,
    /// What it must have in all.
    needed: i64,
    /// What it wants in all.
    wanted: Option<i64>,
    is_fixed: bool,
}

fn physics(session: &ChargingSession, spans: &[TimeSpan]) -> Physics {
    let most = session.supply.maximum().watts();
    let most = session.draws_at_most.map_or(most, |draws| most.min(draws.watts()));
    let wanted = session.energy_missing().map(Energy::watt_seconds);
    let start = spans.first().map_or(0, |span| second(span.start()));
    let mut capacity = vec![0; spans.len()];
    let (mut besides, mut left) = (0, wanted);
    let end = spans.last().map_or(0, |span| second(span.end()));
    // Nobody leaves later than that: see `fleet`.
    let nobody_is_left = end + 7;
    for at in start..nobody_is_left {
        if !is_there(session, at) {
            continue;
        }
        let power = match session.steering {
            Steering::Unsteerable { draws } => left.map_or(draws.watts(), |left| left.min(draws.watts())),
            Steering::Steerable => most,
        };
        left = left.map(|left| left - power);
        match spans.iter().position(|span| span.contains(after(at))) {
            Some(number) => capacity[number] += power,
            None if session.departure.at().is_some() => besides += power,
            None => {}
        }
    }
    let in_all = besides + capacity.iter().sum::<i64>();
    let needed = wanted.filter(|_| session.departure.at().is_some()).unwrap_or(0).min(in_all);
    let is_fixed = session.steering != Steering::Steerable;
    Physics { capacity, besides, needed, wanted, is_fixed }
}

/// Whether a session is below a limit of the fleet.
type Below<'a> = Box<dyn Fn(&ChargingSession) -> bool + 'a>;

fn limits(fleet: &Fleet) -> Vec<(i64, Below<'_>)> {
    let device = |session: &ChargingSession| {
        fleet.devices.iter().find(|device| session.device.as_ref() == Some(&device.id))
    };
    let connection = move |session: &ChargingSession| {
        device(session).map_or(session.connection.clone(), |device| device.connection.clone())
    };
    let mut limits: Vec<(i64, Below<'_>)> = Vec::new();
    if let Some(limit) = fleet.limit {
        limits.push((limit.watts(), Box::new(|_| true)));
    }
    for known in &fleet.connections {
        if let Some(limit) = known.limit {
            limits.push((limit.watts(), Box::new(move |session| connection(session) == known.address)));
        }
    }
    for known in &fleet.devices {
        if let Some(limit) = known.limit {
            limits.push((limit.watts(), Box::new(move |session| session.device.as_ref() == Some(&known.id))));
        }
    }
    limits
}

/// What is asked of the linear program: bounds for each span, or the extremes of the sum over some spans.
enum Question<'a> {
    IsPossible(&'a [(i64, i64)]),
    Most(&'a [usize]),
    Least(&'a [usize]),
}

/// The answer of the linear program: the sum in question, 0 if there is none; `None` if nothing is possible.
fn solve(fleet: &Fleet, spans: &[TimeSpan], question: &Question<'_>) -> Option<f64> {
    let physics: Vec<Physics> = fleet.sessions.iter().map(|session| physics(session, spans)).collect();
    let mut variables = ProblemVariables::new();
    let mut add = |most: i64, is_fixed: bool| {
        let most = f64::from(i32::try_from(most).unwrap());
        variables.add(variable().min(if is_fixed { most } else { 0.0 }).max(most))
    };
    let drawn: Vec<Vec<Variable>> = physics
        .iter()
        .map(|one| one.capacity.iter().map(|most| add(*most, one.is_fixed)).collect())
        .collect();
    let besides: Vec<Variable> = physics.iter().map(|one| add(one.besides, false)).collect();
    let whole = |number: i64| f64::from(i32::try_from(number).unwrap());
    let in_span = |number: usize| -> Expression { drawn.iter().map(|spans| spans[number]).sum() };
    let over = |numbers: &[usize]| -> Expression { numbers.iter().map(|number| in_span(*number)).sum() };
    let objective = match question {
        Question::IsPossible(_) => Expression::default(),
        Question::Most(numbers) => -over(numbers),
        Question::Least(numbers) => over(numbers),
    };
    let mut problem = variables.minimise(objective.clone()).using(microlp);
    for ((one, drawn), besides) in physics.iter().zip(&drawn).zip(&besides) {
        let sum: Expression = drawn.iter().copied().sum();
        if let Some(wanted) = one.wanted.filter(|_| !one.is_fixed) {
            problem.add_constraint(constraint!(sum.clone() <= whole(wanted)));
            problem.add_constraint(constraint!(sum + *besides >= whole(one.needed)));
        }
    }
    for (limit, is_below) in limits(fleet) {
        for (number, span) in spans.iter().enumerate() {
            let below = || {
                fleet.sessions.iter().zip(&physics).zip(&drawn).filter(|((session, _), _)| is_below(session))
            };
            let fixed: i64 =
                below().filter(|((_, one), _)| one.is_fixed).map(|((_, one), _)| one.capacity[number]).sum();
            let sum: Expression = below().map(|(_, spans)| spans[number]).sum();
            problem.add_constraint(constraint!(sum <= whole((limit * seconds(*span)).max(fixed))));
        }
    }
    if let Question::IsPossible(bounds) = question {
        for (number, (least, most)) in bounds.iter().enumerate() {
            problem.add_constraint(constraint!(in_span(number) >= whole(*least)));
            problem.add_constraint(constraint!(in_span(number) <= whole(*most)));
        }
    }
    match problem.solve() {
        Ok(solution) => Some(solution.eval(&objective).abs()),
        Err(ResolutionError::Infeasible) => None,
        Err(other) => panic!("{other}"),
    }
}

/// Demands about what some behaviour of the sessions comes to: half of them can be delivered.
fn demands(chance: &mut Chance, fleet: &Fleet, spans: &[TimeSpan]) -> Vec<(i64, i64)> {
    let physics: Vec<Physics> = fleet.sessions.iter().map(|session| physics(session, spans)).collect();
    let mut left: Vec<i64> = physics.iter().map(|one| one.wanted.unwrap_or(i64::MAX)).collect();
    let kind = chance.between(0, 3);
    (0..spans.len())
        .map(|number| {
            let drawn: i64 = physics
                .iter()
                .zip(&mut left)
                .map(|(one, left)| {
                    let most = one.capacity[number].min(*left);
                    let drawn = if one.is_fixed {
                        most
                    } else {
                        chance.between(0, most).max(chance.between(0, most))
                    };
                    *left -= drawn;
                    drawn
                })
                .sum();
            let power = drawn / seconds(spans[number]) + chance.between(-3, 2).clamp(-1, 1);
            match kind {
                0 => (power, power + chance.between(0, 2)),
                1 => (power - chance.between(0, 4), power),
                _ => (power, power),
            }
        })
        .collect()
}

fn demanded(spans: &[TimeSpan], bounds: &[(i64, i64)]) -> Vec<Demand> {
    let one = |(span, (least, most)): (&TimeSpan, &(i64, i64))| {
        Demand::between(*span, Power::from_watts(*least), Power::from_watts(*most)).unwrap()
    };
    spans.iter().zip(bounds).map(one).collect()
}

/// How many of a number of fleets can deliver, after every answer was compared with the linear program's.
fn compare(seed: u64, count: usize, size: Size) -> usize {
    let mut chance = Chance::new(seed);
    let mut can = 0;
    for number in 0..count {
        let spans = spans(&mut chance, size);
        let end = spans.last().map_or(0, |span| second(span.end()));
        let fleet = fleet(&mut chance, size, end);
        let bounds = demands(&mut chance, &fleet, &spans);
        let answer = deliverable(&fleet, &demanded(&spans, &bounds));
        let in_spans: Vec<(i64, i64)> = spans
            .iter()
            .zip(&bounds)
            .map(|(span, (least, most))| (least * seconds(*span), most * seconds(*span)))
            .collect();
        let possible = solve(&fleet, &spans, &Question::IsPossible(&in_spans)).is_some();
        assert_eq!(answer.is_ok(), possible, "number {number}: {answer:?} of {bounds:?} by {fleet:#?}");
        can += usize::from(possible);
        if let (Err(why), 0) = (answer, number % 10) {
            check_inequality(&fleet, &spans, &bounds, why);
        }
    }
    can
}

/// The inequality that is said to fail does: its bound is what the linear program finds, and the demand is beyond it.
fn check_inequality(fleet: &Fleet, spans: &[TimeSpan], bounds: &[(i64, i64)], why: Undeliverable) {
    let numbers = |named: &[TimeSpan]| -> Vec<usize> {
        named.iter().map(|named| spans.iter().position(|span| span == named).unwrap()).collect()
    };
    let sum = |numbers: &[usize], of: fn(&(i64, i64)) -> i64| -> i64 {
        numbers.iter().map(|number| of(&bounds[*number]) * seconds(spans[*number])).sum()
    };
    let (found, bound) = match why {
        Undeliverable::TooMuch { spans: named, least, capability } => {
            let numbers = numbers(&named);
            assert_eq!(least.watt_seconds(), sum(&numbers, |(least, _)| (*least).max(0)));
            assert!(capability < least);
            (solve(fleet, spans, &Question::Most(&numbers)), capability)
        }
        Undeliverable::TooLittle { spans: named, most, needed } => {
            let numbers = numbers(&named);
            assert_eq!(most.watt_seconds(), sum(&numbers, |(_, most)| *most));
            assert!(needed > most);
            (solve(fleet, spans, &Question::Least(&numbers)), needed)
        }
        Undeliverable::Order(span) => panic!("{span} is in order"),
    };
    // Limits that leave sessions short have no answer but that.
    let Some(found) = found else { return };
    let bound = f64::from(i32::try_from(bound.watt_seconds()).unwrap());
    assert!((found - bound).abs() < 1e-6, "{found} Ws by the program, {bound} Ws by {fleet:#?} in {spans:?}");
}

#[test]
fn sessions_that_stay_can_deliver_what_a_linear_program_can() {
    let can = compare(1, 5_000, Size { sessions: 6, spans: 8, constant: true });
    assert!((1_000..4_000).contains(&can), "{can} of 5,000 can deliver");
}

#[test]
fn sessions_that_come_and_go_can_deliver_what_a_linear_program_can() {
    let can = compare(2, 5_000, Size { sessions: 6, spans: 8, constant: false });
    assert!((1_000..4_000).contains(&can), "{can} of 5,000 can deliver");
}

#[test]
fn larger_fleets_too() {
    for (seed, constant) in [(3, true), (4, false)] {
        compare(seed, 20, Size { sessions: 30, spans: 24, constant });
    }
}

#[test]
fn the_inequality_that_fails_is_named() {
    let mut fleet = three_phase(1);
    fleet.sessions[0].energy_wanted = Energy::from_watt_hours(22_080 / 2);
    let exactly = |number, watts| Demand::exactly(isp(number), Power::from_watts(watts));
    assert_eq!(deliverable(&fleet, &[exactly(0, 22_080), exactly(1, 10_000), exactly(2, 12_080)]), Ok(()));
    let too_much = Undeliverable::TooMuch {
        spans: vec![isp(0), isp(1), isp(2)],
        least: Energy::from_watt_seconds(44_161 * 900),
        capability: Energy::from_watt_seconds(44_160 * 900),
    };
    assert_eq!(
        deliverable(&fleet, &[exactly(0, 22_080), exactly(1, 10_000), exactly(2, 12_081)]),
        Err(too_much)
    );
    // Full at the end of the third ISP: half of one must be in the first two.
    fleet.sessions[0].departure = Departure::Known(isp(2).end());
    fleet.sessions[0].energy_wanted = Energy::from_watt_hours(22_080 * 3 / 8);
    let at_most = |number, watts| Demand::from(Target::at_most(isp(number), Power::from_watts(watts)));
    assert_eq!(deliverable(&fleet, &[at_most(0, 5_520), at_most(1, 5_520), at_most(2, 22_080)]), Ok(()));
    let too_little = Undeliverable::TooLittle {
        spans: vec![isp(0), isp(1)],
        most: Energy::from_watt_seconds(11_039 * 900),
        needed: Energy::from_watt_seconds(11_040 * 900),
    };
    assert_eq!(
        deliverable(&fleet, &[at_most(0, 5_520), at_most(1, 5_519), at_most(2, 22_080)]),
        Err(too_little)
    );
}

#[test]
fn spans_that_overlap_are_refused_and_none_are_delivered() {
    let twice = Demand::exactly(isp(0), Power::from_watts(0));
    assert_eq!(deliverable(&three_phase(1), &[twice, twice]), Err(Undeliverable::Order(isp(0))));
    assert_eq!(deliverable(&three_phase(1), &[]), Ok(()));
    assert_eq!(Demand::between(isp(0), Power::from_watts(1), Power::from_watts(0)), None);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    /// The order's split needs no more than what is deliverable, where no limit leaves a driver short.
    #[test]
    fn what_is_split_is_deliverable(
        mut fleet in any_fleet(6),
        targets in prop::collection::vec((0_i64..120_000, any::<bool>()), 1..6),
    ) {
        fleet.connections.clear();
        let targets: Vec<Target> = (0..).zip(&targets).map(|(number, (watts, above))| Target {
            span: isp(number),
            power: Power::from_watts(*watts),
            miss: if *above { Miss::Above } else { Miss::Below },
        }).collect();
        let plan = split(&fleet, &targets);
        let demands: Vec<Demand> = targets.iter().map(|target| {
            let missed = plan.shortfalls.iter().find(|missed| missed.span == target.span);
            let kept = missed.is_none_or(|missed| missed.planned < missed.target);
            // A limit above what can be drawn is no increase: it is drawn by nobody who is full before the end.
            let demanded = if kept && target.miss == Miss::Below { target.power } else { Power::from_watts(i64::MAX) };
            Demand::from(Target::at_most(target.span, demanded))
        }).collect();
        prop_assert_eq!(deliverable(&fleet, &demands), Ok(()));
    }
}
