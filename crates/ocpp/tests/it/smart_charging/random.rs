//! Random stacks of profiles.

use tieline_ocpp::smart_charging::{
    Composite, Evse, Profile, Question, RateUnit, Rating, Station, Supply, Transaction, answer, composite,
};
use tieline_ocpp::types::Decimal;
use tieline_ocpp::{Version, v16, v201};

use super::chance::Chance;
use super::reference::World;
use super::spec::{BASE, Kind, Purpose, Spec, Step, instant};

const STACKS: u64 = 100_000;

const WINDOW: i64 = 90;

fn near(chance: &mut Chance) -> i64 {
    (BASE + chance.between(-30, WINDOW)) * 1000 + chance.of(&[0, 0, 1, 500, 999])
}

fn spec(chance: &mut Chance, version: Version, id: i32) -> Spec {
    let purposes: &[Purpose] = match version {
        Version::V1_6 => &[Purpose::Max, Purpose::Default, Purpose::Tx],
        Version::V2_0_1 => &[Purpose::Max, Purpose::Default, Purpose::Tx, Purpose::External],
        _ => &[
            Purpose::Max,
            Purpose::Default,
            Purpose::Tx,
            Purpose::External,
            Purpose::Priority,
            Purpose::Generation,
        ],
    };
    let purpose = chance.of(purposes);
    let kinds: &[Kind] = match version {
        Version::V2_1 => &[Kind::Absolute, Kind::Daily, Kind::Weekly, Kind::Relative, Kind::Dynamic],
        _ => &[Kind::Absolute, Kind::Daily, Kind::Weekly, Kind::Relative],
    };
    let kind = chance.of(kinds);
    let count = if kind == Kind::Dynamic { 1 } else { chance.between(1, 5) };
    let mut start = 0;
    let steps = (0..count).map(|_| {
        let step = Step { start, tenths: chance.between(0, 400), phases: chance.phases() };
        start += i32::try_from(chance.between(1, 40)).unwrap();
        step
    });
    let mut steps: Vec<_> = steps.collect();
    let amperes = chance.one_in(2);
    if !amperes {
        for step in &mut steps {
            step.tenths = step.tenths * 300 + chance.between(0, 300);
        }
    }
    let days = chance.between(0, 20);
    let start = match kind {
        Kind::Absolute => Some(near(chance)),
        Kind::Daily => Some(near(chance) - days * 86_400_000),
        Kind::Weekly => Some(near(chance) - days * 7 * 86_400_000),
        Kind::Relative | Kind::Dynamic => None,
    };
    let valid_from = chance.one_in(3).then(|| near(chance));
    let valid_to = chance.one_in(3).then(|| near(chance).max(valid_from.unwrap_or(0) + 1000));
    Spec {
        id,
        evse: match purpose {
            Purpose::Max => 0,
            Purpose::Tx => i32::try_from(chance.between(1, 3)).unwrap(),
            _ => i32::try_from(chance.between(0, 3)).unwrap(),
        },
        level: i32::try_from(chance.between(0, 4)).unwrap(),
        purpose,
        kind,
        transaction: (purpose == Purpose::Tx && !chance.one_in(4)).then(|| chance.of(&[7, 8])),
        valid_from,
        valid_to,
        start,
        duration: chance.one_in(2).then(|| i32::try_from(chance.between(0, 120)).unwrap()),
        amperes,
        steps,
        updated: (kind == Kind::Dynamic).then(|| near(chance)),
        max_offline: (version == Version::V2_1 && chance.one_in(3))
            .then(|| i32::try_from(chance.between(0, 60)).unwrap()),
    }
}

fn world(chance: &mut Chance, version: Version) -> World {
    let count = i32::try_from(chance.between(0, 9)).unwrap();
    let evse = |chance: &mut Chance| {
        let transaction = chance.one_in(2).then(|| (chance.of(&[7, 8]), near(chance).div_euclid(1000)));
        (transaction, chance.one_in(2))
    };
    World {
        specs: (0..count).map(|id| spec(chance, version, id)).collect(),
        evses: vec![evse(chance), evse(chance)],
        volts: chance.of(&[120, 230, 400]),
        phases: chance.of(&[1, 2, 3, 3]),
        ratings: (
            chance.one_in(2).then(|| chance.between(60, 500)),
            chance.one_in(3).then(|| chance.between(60, 500)),
        ),
        offline_since: chance.one_in(4).then(|| near(chance).div_euclid(1000)),
    }
}

fn station(world: &World) -> Station {
    let rating = |tenths: Option<i64>| {
        tenths.map(|tenths| Rating { limit: Decimal::new(tenths, 1), unit: RateUnit::A, number_phases: None })
    };
    let evses = world.evses.iter().zip(1..).map(|((transaction, priority), id)| Evse {
        id,
        transaction: transaction.map(|(id, start)| Transaction::new(id.to_string(), instant(start * 1000))),
        priority_charging: *priority,
        supply: None,
        rating: rating(world.ratings.0),
    });
    let supply = Supply::new(Decimal::from_i64(world.volts), i32::try_from(world.phases).unwrap()).unwrap();
    Station {
        evses: evses.collect(),
        supply: Some(supply),
        rating: rating(world.ratings.1),
        offline_since: world.offline_since.map(|second| instant(second * 1000)),
    }
}

/// Compares each second. Returns the seconds, and the periods that were seen.
fn compare(world: &World, composite: &Composite, amperes: bool, first: i64) -> (i64, usize) {
    assert_eq!(composite.periods[0].start, 0);
    let mut index = 0;
    for after in 0..composite.duration {
        if composite.periods.get(index + 1).is_some_and(|next| next.start == after) {
            index += 1;
        }
        let period = &composite.periods[index];
        let expected = world.allowed(composite.evse, amperes, first + after);
        let limit = expected.thousandths.map(|thousandths| Decimal::new(thousandths, 3));
        let found = (period.limits.limit, period.number_phases);
        assert!(
            found == (limit, expected.phases),
            "{found:?} is not {limit:?} on {:?} phases {after} s after the start of {composite:#?} of {world:#?}",
            expected.phases,
        );
    }
    assert_eq!(index, composite.periods.len() - 1, "every period begins within the duration: {composite:#?}");
    for pair in composite.periods.windows(2) {
        let alike = pair[0].limits == pair[1].limits && pair[0].number_phases == pair[1].number_phases;
        assert!(!alike, "equal neighbours are one: {composite:#?}");
    }
    (composite.duration, composite.periods.len())
}

/// What 1.6 and 2.0.1 tell: tenths, never more than what applies.
fn compare_tenths(composite: &Composite) {
    let result = Ok(composite.clone());
    let told_16 = answer::v16(&result);
    let told_201 = answer::v201(&result);
    if composite.periods.iter().any(|period| period.limits.limit.is_none()) {
        assert_eq!(told_16.status, v16::GetCompositeScheduleStatus::Rejected);
        assert_eq!(told_201.status, v201::GenericStatus::Rejected);
        return;
    }
    let told = told_16.charging_schedule.unwrap().charging_schedule_period;
    let of_201 = told_201.schedule.unwrap().charging_schedule_period;
    assert_eq!(told.len(), of_201.len());
    for (period, of_201) in told.iter().zip(&of_201) {
        assert_eq!((period.start_period, period.limit), (of_201.start_period, of_201.limit));
        assert!(period.limit.normalized().scale() <= 1);
    }
    for after in 0..i32::try_from(composite.duration).unwrap() {
        let period = told.iter().rfind(|period| period.start_period <= after).unwrap();
        let applies = composite.limit_at(i64::from(after)).unwrap();
        let less = applies.checked_sub(period.limit).unwrap();
        assert!(less.signum() >= 0 && less < Decimal::new(1, 1), "{applies} is told as {}", period.limit);
    }
}

#[test]
fn every_second_is_as_the_rules_say() {
    let mut chance = Chance::new(0x7E11_5EED);
    let (mut seconds, mut periods, mut limited) = (0, 0, 0);
    for stack in 0..STACKS {
        let version = [Version::V1_6, Version::V2_0_1, Version::V2_1][usize::try_from(stack % 3).unwrap()];
        let world = world(&mut chance, version);
        let profiles: Vec<Profile> = world.specs.iter().map(|spec| spec.profile(version)).collect();
        let installed: Vec<_> = world.specs.iter().map(|spec| spec.evse).zip(&profiles).collect();
        let amperes = chance.one_in(2);
        let unit = if amperes { RateUnit::A } else { RateUnit::W };
        let start = BASE * 1000 + chance.of(&[0, 250, 999]);
        let evse = i32::try_from(chance.between(0, 3)).unwrap();
        let duration = chance.between(1, WINDOW);
        let question = Question::new(evse, instant(start), duration).in_unit(unit);
        let composite = composite(&installed, &station(&world), &question).unwrap();
        let (more_seconds, more_periods) = compare(&world, &composite, amperes, BASE);
        compare_tenths(&composite);
        seconds += more_seconds;
        periods += more_periods;
        limited += usize::from(composite.periods.iter().all(|period| period.limits.limit.is_some()));
    }
    println!("{STACKS} stacks, {seconds} seconds, {periods} periods, {limited} stacks without a gap");
    assert!(periods > 150_000, "the stacks say something: {periods} periods");
}
