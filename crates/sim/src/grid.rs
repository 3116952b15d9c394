//! The grid operator's side of a simulation: a transformer, what else it feeds, and what change the operator needs.
//!
//! There is no second implementation of a DSO here. What a grid operator *decides* to need comes from its network, and that is what is simulated; what
//! it *says*, and how it chooses among offers, is what a Tieline node with the role DSO does, and a simulation runs that node. A second one would test
//! nothing but itself.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use tieline_types::{IspDay, IspNumber, IspRange, Power, TimeSpan};

use crate::Chance;

/// A transformer with what it feeds besides chargers.
#[derive(Clone, Debug)]
pub struct Transformer {
    /// What it may carry.
    pub rating: Power,
    /// How many households it feeds.
    pub households: u32,
    /// By how much their load in an ISP may differ from the usual one, either way, in per mille.
    pub noise: u16,
}

/// What change a grid operator needs or can take in a run of ISPs, against what it expects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GridNeed {
    /// The ISPs.
    pub isps: IspRange,
    /// Whether the change is needed (Disposition `Requested`), or there is room for it (`Available`).
    pub requested: bool,
    /// The lower bound of the change.
    pub min: Power,
    /// The upper bound of the change.
    pub max: Power,
}

/// A household's load in watts by minute of the local day, straight between these points.
///
/// The shape is that of the standard load profile H0 of BDEW on a winter's working day: least at night, a small peak in the morning, the highest
/// one about 19:00. Its mean makes 3,500 kWh a year, so that many households together are meant by each.
const HOUSEHOLD: [(i64, i64); 13] = [
    (0, 250),
    (180, 170),
    (330, 190),
    (450, 400),
    (540, 360),
    (720, 440),
    (870, 360),
    (990, 420),
    (1080, 680),
    (1150, 760),
    (1260, 600),
    (1380, 370),
    (1440, 250),
];

impl Transformer {
    /// What the households draw on the average in each ISP of a day. The same seed and day give the same load.
    pub fn household_load(&self, day: &IspDay, zone: &TimeZone, seed: u64) -> Vec<Power> {
        let number = day.start().as_second().unsigned_abs();
        let mut chance = Chance::of(seed, "households", number);
        let noise = i64::from(self.noise);
        let load = |(_, span): (IspNumber, TimeSpan)| {
            let usual = household(middle(span), zone) * i64::from(self.households);
            Power::from_watts(usual * (1000 + chance.between(-noise, noise)) / 1000)
        };
        day.isps().map(load).collect()
    }

    /// What the operator needs when it expects this load in each ISP of the day, chargers' and other: runs of ISPs in order of time.
    ///
    /// Where the transformer would be overloaded, a reduction is requested: by what is too much at the least, and by all that the chargers draw
    /// at the most. Where what is too much exceeds what chargers draw, all of it is requested. After the first such ISP, the room that is left is
    /// available, for what was put off must be caught up with. ISPs that only one of the lists has are left out.
    pub fn needs(&self, day: &IspDay, chargers: &[Power], other: &[Power]) -> Vec<GridNeed> {
        let mut needs: Vec<GridNeed> = Vec::new();
        for ((isp, _), (charging, other)) in day.isps().zip(chargers.iter().zip(other)) {
            let room = self.rating.saturating_sub(charging.saturating_add(*other));
            let (requested, min, max) = if room < Power::ZERO {
                let all = Power::ZERO.saturating_sub(*charging);
                (true, all, room.max(all))
            } else if needs.is_empty() || room == Power::ZERO {
                continue;
            } else {
                (false, Power::ZERO, room)
            };
            // There is nothing to ask for where nobody charges.
            if requested && max == Power::ZERO {
                continue;
            }
            push(&mut needs, GridNeed { isps: IspRange::single(isp), requested, min, max });
        }
        needs
    }

    /// The greatest power by which the load exceeds the rating, and zero if it never does.
    pub fn overload(&self, loads: impl IntoIterator<Item = Power>) -> Power {
        let over = loads.into_iter().map(|load| load.saturating_sub(self.rating));
        over.max().unwrap_or(Power::ZERO).max(Power::ZERO)
    }
}

/// Adds to the last run if it is the same and next to it.
fn push(needs: &mut Vec<GridNeed>, need: GridNeed) {
    if let Some(last) = needs.last_mut()
        && (last.requested, last.min, last.max) == (need.requested, need.min, need.max)
        && last.isps.last().get() + 1 == need.isps.start().get()
        && let Ok(isps) = IspRange::between(last.isps.start(), need.isps.last())
    {
        last.isps = isps;
    } else {
        needs.push(need);
    }
}

fn middle(span: TimeSpan) -> Timestamp {
    span.start() + span.duration() / 2
}

/// Of one household.
fn household(at: Timestamp, zone: &TimeZone) -> i64 {
    let local = zone.to_datetime(at);
    let minute = i64::from(local.hour()) * 60 + i64::from(local.minute());
    let next = HOUSEHOLD.partition_point(|(from, _)| *from <= minute).clamp(1, HOUSEHOLD.len() - 1);
    let ((from, before), (to, after)) = (HOUSEHOLD[next - 1], HOUSEHOLD[next]);
    before + (after - before) * (minute - from) / (to - from)
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use tieline_types::{IspCalendar, IspDuration};

    use super::*;

    fn day(date: jiff::civil::Date) -> (IspDay, TimeZone) {
        let zone = TimeZone::get("Europe/Amsterdam").unwrap();
        (IspCalendar::new(zone.clone(), IspDuration::PT15M).day(date).unwrap(), zone)
    }

    fn transformer(rating: i64) -> Transformer {
        Transformer { rating: Power::from_watts(rating), households: 100, noise: 50 }
    }

    #[test]
    fn households_peak_in_the_evening_and_use_what_households_use() {
        let (day, zone) = day(date(2026, 6, 4));
        let load = transformer(0).household_load(&day, &zone, 1);
        assert_eq!(load.len(), 96);
        let peak = load.iter().enumerate().max_by_key(|(_, power)| **power).unwrap();
        assert!((17 * 4..21 * 4).contains(&peak.0), "{peak:?}");
        let kilowatt_hours = load.iter().map(|power| power.watts()).sum::<i64>() / 4 * 365 / 1000 / 100;
        assert!((3300..3700).contains(&kilowatt_hours), "{kilowatt_hours}");
        assert_eq!(load, transformer(0).household_load(&day, &zone, 1));
        assert_ne!(load, transformer(0).household_load(&day, &zone, 2));
    }

    #[test]
    fn a_day_of_23_or_25_hours_has_a_load_in_each_isp() {
        for (date, isps) in [(date(2026, 3, 29), 92), (date(2026, 10, 25), 100)] {
            let (day, zone) = day(date);
            assert_eq!(transformer(0).household_load(&day, &zone, 1).len(), isps);
        }
    }

    #[test]
    fn what_is_too_much_is_requested_and_what_is_left_afterwards_is_available() {
        let (day, _) = day(date(2026, 6, 4));
        let watts = |list: &[i64]| list.iter().copied().map(Power::from_watts).collect::<Vec<_>>();
        let chargers = watts(&[500, 600, 600, 100, 0, 300, 300, 500]);
        let other = watts(&[100, 700, 700, 1100, 1100, 200, 200, 500]);
        let needs = transformer(1000).needs(&day, &chargers, &other);
        let told: Vec<_> = needs
            .iter()
            .map(|need| (need.isps.to_string(), need.requested, need.min.watts(), need.max.watts()))
            .collect();
        let range = |start, count| IspRange::from_numbers(start, count).unwrap().to_string();
        assert_eq!(
            told,
            [
                (range(2, 2), true, -600, -300),
                // More is too much than chargers draw: all of it is asked for.
                (range(4, 1), true, -100, -100),
                // Nothing for ISP 5, where nobody charges, and 8, where there is no room.
                (range(6, 2), false, 0, 500),
            ]
        );
        assert_eq!(transformer(1000).overload(watts(&[1300, 900])).watts(), 300);
        assert_eq!(transformer(2000).needs(&day, &chargers, &other), []);
    }
}
