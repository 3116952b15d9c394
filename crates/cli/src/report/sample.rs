//! A made-up day that could be one: cars that come in the morning and in the evening, one order, and a shortfall.

use std::time::Duration;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use rust_decimal::Decimal;
use tieline_types::{Amount, Currency, Energy, IspCalendar, IspDuration, IspRange, Power, TimeSpan};

use super::{Alarm, Day, Disposition, Draw, Isp, Journal, Order, Requested, Session, Settlement, Totals};

/// How often the made-up cars change what they draw, in minutes.
const STEP: i64 = 5;
/// What the made-up order is about, in ISPs from the first.
const ORDERED: std::ops::Range<usize> = 68..76;

/// The day of this date in Amsterdam, with so many sessions.
pub(crate) fn day(date: Date, sessions: usize, seed: u64) -> Day {
    let time_zone = TimeZone::get("Europe/Amsterdam").unwrap();
    let calendar = IspCalendar::new(time_zone.clone(), IspDuration::PT15M);
    let isp_day = calendar.day(date).unwrap();
    let spans: Vec<TimeSpan> = isp_day.isps().map(|(_, span)| span).collect();
    let mut chance = Chance(seed);
    let mut cars: Vec<Car> =
        (0..sessions).map(|index| Car::new(index, isp_day.span(), &mut chance)).collect();
    let mut unsteered = cars.clone();
    let free: Vec<i64> = spans.iter().map(|span| drawn(&mut unsteered, *span, i64::MAX)).collect();
    let baseline = smooth(&free);
    let ordered = |index: usize| ORDERED.contains(&index).then(|| -baseline[index] / 3);
    let mut isps = Vec::new();
    for (index, (number, span)) in isp_day.isps().enumerate() {
        let target = ordered(index).map_or(i64::MAX, |ordered| baseline[index] + ordered);
        // In two ISPs some chargers do not listen.
        let allowed = if (72..74).contains(&index) { target + target / 10 } else { target };
        let measured = drawn(&mut cars, span, allowed);
        let rule = |ordered: i64| settled(baseline[index], ordered, measured);
        let missed = ordered(index).map(|ordered| rule(ordered).1);
        isps.push(Isp {
            number,
            span,
            baseline: Power::from_watts(baseline[index]),
            uncontrolled: Some(Power::from_watts(free[index])),
            requested: requested(index, baseline[index]),
            offered: ordered(index).map(Power::from_watts),
            ordered: ordered(index).map(Power::from_watts),
            measured: Some(Power::from_watts(measured)),
            delivered: ordered(index).map(|ordered| Power::from_watts(rule(ordered).0)),
            deficiency: missed.map(Power::from_watts),
            shortfall: missed
                .filter(|missed| *missed > 0)
                .map(|_| "2 chargers did not take their limits".to_owned()),
        });
    }
    let range = IspRange::from_numbers(69, 8).unwrap();
    let totals = totals(&isps);
    Day {
        date,
        time_zone,
        isp_duration: IspDuration::PT15M,
        congestion_point: "ean.871685900012345678".parse().unwrap(),
        dso: "dso.example.com".parse().unwrap(),
        agr: "agr.example.com".parse().unwrap(),
        seed,
        chargers: 200,
        currency: Currency::EUR,
        took: Duration::from_millis(58_210),
        orders: vec![order(range, &isps, totals)],
        sessions: cars.into_iter().map(|car| car.session).collect(),
        settlement: Settlement { dso: Some(totals), agr: Some(totals) },
        journals: vec![
            journal("DSO", 41, "5e6d9a47d78c5a8cf3c24b8721bc9f95"),
            journal("AGR", 1873, "32a8bea0f04d26af927cec9250ae49e0"),
        ],
        alarms: vec![Alarm {
            at: spans[72].start() + SignedDuration::from_mins(4),
            text: "can't deliver all of demo-1 in ISP 73: call the grid operator".to_owned(),
        }],
        isps,
    }
}

/// A car under way through its day.
#[derive(Clone, Debug)]
struct Car {
    session: Session,
    most: i64,
    arrives_charging: bool,
}

impl Car {
    fn new(index: usize, day: TimeSpan, chance: &mut Chance) -> Self {
        let evening = chance.below(3) > 0;
        let (hour, spread) = if evening { (17 * 60, 240) } else { (8 * 60, 150) };
        let arrival = hour - spread / 2 + i64::midpoint(chance.below(spread), chance.below(spread));
        let stay = if evening { 150 + chance.below(420) } else { 240 + chance.below(360) };
        let minutes = |minutes: i64| day.start() + SignedDuration::from_mins(minutes);
        let (arrival, departure) = (minutes(arrival / STEP * STEP), minutes((arrival + stay) / STEP * STEP));
        let most = [3_680, 7_360, 11_040, 11_040, 22_080][usize::try_from(chance.below(5)).unwrap()];
        let asked = (4_000 + chance.below(26_000)).min(most * stay / 60 * 8 / 10);
        let behaviours =
            ["obedient", "obedient", "obedient", "obedient", "late by a minute", "ignores limits"];
        let session = Session {
            charger: format!("CP-{:04}", index + 1),
            ocpp: ["1.6", "2.0.1", "2.1"][index % 3].to_owned(),
            behaviour: behaviours[usize::try_from(chance.below(6)).unwrap()].to_owned(),
            arrival,
            departure,
            stated_departure: (chance.below(4) > 0)
                .then(|| departure + SignedDuration::from_mins(chance.below(180) - 60)),
            asked: Energy::from_watt_hours(asked).unwrap(),
            got: Energy::ZERO,
            trace: Vec::new(),
        };
        Self { session, most, arrives_charging: chance.below(40) > 0 }
    }

    /// What it would draw now.
    fn wish(&self, now: Timestamp) -> i64 {
        let present = self.session.arrival <= now && now < self.session.departure;
        let missing = self.session.asked.watt_seconds() - self.session.got.watt_seconds();
        if present && self.arrives_charging { self.most.min(missing / (STEP * 60)) } else { 0 }
    }

    fn draw(&mut self, from: Timestamp, watts: i64) {
        let power = Power::from_watts(watts);
        if self.session.trace.last().map_or(watts != 0, |last| last.power != power) {
            self.session.trace.push(Draw { from, power });
        }
        self.session.got = Energy::from_watt_seconds(self.session.got.watt_seconds() + watts * STEP * 60);
    }
}

/// What the cars draw during a span, together at most `allowed` watts; the mean.
fn drawn(cars: &mut [Car], span: TimeSpan, allowed: i64) -> i64 {
    let steps = span.duration().as_secs() / (STEP * 60);
    let mut sum = 0;
    for step in 0..steps {
        let now = span.start() + SignedDuration::from_mins(step * STEP);
        let wishes: i64 = cars.iter().map(|car| car.wish(now)).sum();
        for car in cars.iter_mut() {
            let wish = car.wish(now);
            let watts = if wishes > allowed { wish * allowed / wishes } else { wish };
            car.draw(now, watts.min(wish));
            sum += watts.min(wish);
        }
    }
    sum / steps
}

/// Delivered and missed, as FlexSettlement has them, of an ordered reduction.
fn settled(baseline: i64, ordered: i64, measured: i64) -> (i64, i64) {
    ((measured - baseline).clamp(ordered, 0), (measured - (baseline + ordered)).max(0))
}

fn requested(index: usize, baseline: i64) -> Option<Requested> {
    let power = Power::from_watts;
    match index {
        _ if ORDERED.contains(&index) => Some(Requested {
            disposition: Disposition::Requested,
            min: power(-baseline / 2),
            max: power(-baseline / 4),
        }),
        76..84 => Some(Requested { disposition: Disposition::Available, min: power(0), max: power(60_000) }),
        _ => None,
    }
}

fn totals(isps: &[Isp]) -> Totals {
    let hours = |power: fn(&Isp) -> Option<Power>| -> Decimal {
        isps.iter()
            .filter_map(power)
            .map(|power| Decimal::from(power.magnitude()) / Decimal::from(4_000_000))
            .sum()
    };
    let (paid, penalty) =
        (hours(|isp| isp.delivered) * Decimal::from(85), hours(|isp| isp.deficiency) * Decimal::from(150));
    let (paid, penalty) = (Amount::new(paid.round_dp(2)).unwrap(), Amount::new(penalty.round_dp(2)).unwrap());
    Totals { paid, penalty, net: paid.checked_sub(penalty).unwrap() }
}

fn order(isps: IspRange, day: &[Isp], totals: Totals) -> Order {
    let ordered: u64 = day.iter().filter_map(|isp| isp.ordered).map(Power::magnitude).sum();
    let price = (Decimal::from(ordered) / Decimal::from(4_000_000) * Decimal::from(85)).round_dp(2);
    Order {
        reference: "demo-1".to_owned(),
        isps,
        price: Amount::new(price).unwrap(),
        settled: Some(totals),
        state: "settled".to_owned(),
    }
}

fn journal(role: &str, entries: u64, head: &str) -> Journal {
    Journal { role: role.to_owned(), entries, head: head.repeat(2), verified: true }
}

/// Means over two hours: what somebody knows the day before.
fn smooth(powers: &[i64]) -> Vec<i64> {
    let around = |index: usize| &powers[index.saturating_sub(4)..(index + 5).min(powers.len())];
    (0..powers.len())
        .map(|index| around(index).iter().sum::<i64>() / i64::try_from(around(index).len()).unwrap())
        .collect()
}

/// SplitMix64: the same numbers for the same seed.
struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: i64) -> i64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        i64::try_from((mixed ^ (mixed >> 31)) >> 2).unwrap() % bound
    }
}
