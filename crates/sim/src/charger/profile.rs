//! Charging profiles in no version's words, and what they come to (1.6 §3.13, 2.0.1 part 2 K).

use jiff::{SignedDuration, Timestamp};
use rust_decimal::Decimal;
use tieline_types::Power;

use crate::RateUnit;
use crate::vehicle::{MINIMUM_MILLIAMPERES, VOLTAGE};

/// Periods of one schedule, at the most.
const MAX_PERIODS: usize = 1024;
/// Profiles that can be installed at the same time.
const MAX_PROFILES: usize = 32;

/// A charging profile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Profile {
    pub(crate) id: i32,
    pub(crate) stack_level: i32,
    pub(crate) purpose: Purpose,
    pub(crate) kind: Kind,
    pub(crate) valid_from: Option<Timestamp>,
    pub(crate) valid_to: Option<Timestamp>,
    /// In seconds; `None` for a schedule without an end.
    pub(crate) duration: Option<i64>,
    pub(crate) unit: RateUnit,
    /// In order of time, the first at 0.
    pub(crate) periods: Vec<Period>,
}

/// What a profile limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Purpose {
    /// The transaction that runs.
    Transaction,
    /// Every transaction that has no limit of its own.
    Default,
    /// The station, whatever else is said.
    Station,
}

/// What a profile's schedule counts from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// This instant.
    Absolute(Timestamp),
    /// The start of the transaction.
    Relative,
    /// This instant, and again after so many seconds.
    Recurring(Timestamp, i64),
}

impl Purpose {
    /// The purpose of this name, in 1.6 or 2.0.1; `None` for one that these chargers don't have.
    pub(crate) fn named(name: &str) -> Option<Self> {
        match name {
            "TxProfile" => Some(Self::Transaction),
            "TxDefaultProfile" => Some(Self::Default),
            "ChargePointMaxProfile" | "ChargingStationMaxProfile" => Some(Self::Station),
            _ => None,
        }
    }

    /// Whether it can be said of this EVSE or connector: 0 is the station, 1 its only one.
    pub(crate) fn is_of(self, evse: i32) -> bool {
        match self {
            Self::Transaction => evse == 1,
            Self::Default => evse == 0 || evse == 1,
            Self::Station => evse == 0,
        }
    }
}

impl Kind {
    /// The kind of this name. Without a start there is nothing that an absolute or a recurring schedule could count from.
    pub(crate) fn named(name: &str, recurrency: Option<&str>, start: Option<Timestamp>) -> Option<Self> {
        const DAY: i64 = 86_400;
        match (name, recurrency) {
            ("Absolute", _) => start.map(Self::Absolute),
            ("Relative", _) => Some(Self::Relative),
            ("Recurring", Some("Daily")) => start.map(|start| Self::Recurring(start, DAY)),
            ("Recurring", Some("Weekly")) => start.map(|start| Self::Recurring(start, 7 * DAY)),
            _ => None,
        }
    }
}

/// A limit from a second of the schedule on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Period {
    pub(crate) start: i64,
    /// In thousandths of the profile's unit.
    pub(crate) limit: i64,
    /// The phases that may be used; `None` for all.
    pub(crate) phases: Option<u8>,
}

impl Period {
    /// A period as it is told; `None` if its numbers make no sense.
    pub(crate) fn told(start: i32, limit: tieline_ocpp::types::Decimal, phases: Option<i32>) -> Option<Self> {
        let phases = phases.map(u8::try_from).transpose().ok()?;
        Some(Self { start: start.into(), limit: thousandths(limit)?, phases })
    }
}

/// A limit as it comes to a car that charges on some phases.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Allowed {
    pub(crate) power: Power,
    /// Per phase.
    pub(crate) milliamperes: i64,
    /// Of the profile.
    pub(crate) profile: i32,
}

impl Allowed {
    /// Whether a car can charge at all: below 6 A it pauses.
    pub(crate) fn is_enough(self) -> bool {
        self.milliamperes >= MINIMUM_MILLIAMPERES
    }
}

/// The profiles that are installed.
#[derive(Clone, Debug, Default)]
pub(crate) struct Profiles(Vec<Profile>);

impl Profile {
    /// Whether a charger that takes profiles in `unit` can make sense of it.
    pub(crate) fn is_sound(&self, unit: RateUnit) -> bool {
        self.unit == unit
            && self.stack_level >= 0
            && self.duration.is_none_or(|seconds| seconds > 0)
            && (1..=MAX_PERIODS).contains(&self.periods.len())
            && self.periods[0].start == 0
            && self.periods.windows(2).all(|two| two[0].start < two[1].start)
            && self
                .periods
                .iter()
                .all(|period| period.limit >= 0 && period.phases.is_none_or(|count| count > 0))
    }

    /// The instant that the present run of the schedule counts from.
    fn base(&self, at: Timestamp, transaction: Timestamp) -> Option<Timestamp> {
        match self.kind {
            Kind::Absolute(start) => Some(start),
            Kind::Relative => Some(transaction),
            Kind::Recurring(start, every) => {
                let runs = start.duration_until(at).as_secs().div_euclid(every);
                start.checked_add(SignedDuration::from_secs(runs.checked_mul(every)?)).ok()
            }
        }
    }

    fn is_valid(&self, at: Timestamp) -> bool {
        self.valid_from.is_none_or(|from| from <= at) && self.valid_to.is_none_or(|to| at < to)
    }

    /// The period that applies.
    fn period(&self, at: Timestamp, transaction: Timestamp) -> Option<&Period> {
        let base = self.base(at, transaction).filter(|base| *base <= at && self.is_valid(at))?;
        let second = base.duration_until(at).as_secs();
        if self.duration.is_some_and(|duration| second >= duration) {
            return None;
        }
        let next = self.periods.partition_point(|period| period.start <= second);
        self.periods.get(next.checked_sub(1)?)
    }

    /// The instants after `at` at which the profile may begin to say something else, in no order.
    fn edges(&self, at: Timestamp, transaction: Timestamp) -> impl Iterator<Item = Timestamp> + '_ {
        let base = self.base(at, transaction);
        let again = match self.kind {
            Kind::Recurring(_, every) => base.and_then(|base| plus(base, every)),
            Kind::Absolute(_) | Kind::Relative => None,
        };
        let seconds = self.periods.iter().map(|period| period.start).chain(self.duration);
        let own = seconds.filter_map(move |second| plus(base?, second)).chain(again);
        own.chain(self.valid_from).chain(self.valid_to).filter(move |edge| *edge > at)
    }
}

fn plus(at: Timestamp, seconds: i64) -> Option<Timestamp> {
    at.checked_add(SignedDuration::from_secs(seconds)).ok()
}

impl Profiles {
    /// Installs a profile: it replaces the one with its id, and the one with its purpose and stack level. False if there are too many.
    pub(crate) fn install(&mut self, profile: Profile) -> bool {
        let place = |known: &Profile| (known.purpose, known.stack_level);
        self.0.retain(|known| known.id != profile.id && place(known) != place(&profile));
        let fits = self.0.len() < MAX_PROFILES;
        if fits {
            self.0.push(profile);
        }
        fits
    }

    /// Removes those for which this holds, and says whether there were any.
    pub(crate) fn clear(&mut self, which: impl Fn(&Profile) -> bool) -> bool {
        let before = self.0.len();
        self.0.retain(|profile| !which(profile));
        self.0.len() < before
    }

    /// The limit for a transaction that began at `transaction` and uses so many phases; `None` where there is none.
    pub(crate) fn allowed(&self, at: Timestamp, transaction: Timestamp, phases: u8) -> Option<Allowed> {
        let highest = |purpose: Purpose| {
            let active = self.0.iter().filter(|profile| profile.purpose == purpose);
            let active = active.filter_map(|profile| Some((profile, profile.period(at, transaction)?)));
            let (profile, period) = active.max_by_key(|(profile, _)| profile.stack_level)?;
            Some(come_to(profile, *period, phases))
        };
        let transaction = highest(Purpose::Transaction).or_else(|| highest(Purpose::Default));
        let both = [transaction, highest(Purpose::Station)];
        both.into_iter().flatten().min_by_key(|allowed| allowed.power)
    }

    /// The next instant after `at` at which the limit may change.
    pub(crate) fn next_edge(&self, at: Timestamp, transaction: Timestamp) -> Option<Timestamp> {
        self.0.iter().flat_map(|profile| profile.edges(at, transaction)).min()
    }
}

fn come_to(profile: &Profile, period: Period, phases: u8) -> Allowed {
    let phases = i64::from(period.phases.map_or(phases, |allowed| allowed.min(phases)).max(1));
    let volts = VOLTAGE * phases;
    let (milliwatts, milliamperes) = match profile.unit {
        RateUnit::Watts => (period.limit, period.limit / volts),
        RateUnit::Amperes => (period.limit.saturating_mul(volts), period.limit),
    };
    Allowed { power: Power::from_watts(milliwatts / 1000), milliamperes, profile: profile.id }
}

/// The unit of this name.
pub(crate) fn unit_named(name: &str) -> Option<RateUnit> {
    match name {
        "W" => Some(RateUnit::Watts),
        "A" => Some(RateUnit::Amperes),
        _ => None,
    }
}

/// A number of a profile in thousandths, rounded down; `None` if it does not fit.
fn thousandths(number: tieline_ocpp::types::Decimal) -> Option<i64> {
    let scaled = i128::from(number.mantissa()) * 1000;
    i64::try_from(scaled.div_euclid(10_i128.pow(number.scale().into()))).ok()
}

/// A power as a limit in a unit: watts, or amperes per phase with one digit, rounded down.
pub(crate) fn in_unit(power: Power, unit: RateUnit, phases: u8) -> Decimal {
    match unit {
        RateUnit::Watts => Decimal::from(power.watts()),
        RateUnit::Amperes => Decimal::new(power.watts() * 10 / (VOLTAGE * i64::from(phases.max(1))), 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn profile(id: i32, purpose: Purpose, stack_level: i32, periods: &[(i64, i64)]) -> Profile {
        let periods =
            periods.iter().map(|(start, watts)| Period { start: *start, limit: watts * 1000, phases: None });
        Profile {
            id,
            stack_level,
            purpose,
            kind: Kind::Absolute(at(100)),
            valid_from: None,
            valid_to: None,
            duration: Some(100),
            unit: RateUnit::Watts,
            periods: periods.collect(),
        }
    }

    fn watts(profiles: &Profiles, second: i64) -> Option<i64> {
        profiles.allowed(at(second), at(0), 3).map(|allowed| allowed.power.watts())
    }

    #[test]
    fn a_profile_applies_from_its_start_to_its_end_and_then_the_default_again() {
        let mut profiles = Profiles::default();
        let mut default = profile(1, Purpose::Default, 0, &[(0, 7000)]);
        (default.kind, default.duration) = (Kind::Relative, None);
        assert!(profiles.install(default));
        assert!(profiles.install(profile(2, Purpose::Transaction, 0, &[(0, 5000), (40, 0)])));
        for (second, expected) in [(99, 7000), (100, 5000), (139, 5000), (140, 0), (199, 0), (200, 7000)] {
            assert_eq!(watts(&profiles, second), Some(expected), "{second}");
        }
        let mut edges = vec![at(0)];
        while let Some(edge) = profiles.next_edge(*edges.last().unwrap(), at(0)) {
            edges.push(edge);
        }
        assert_eq!(edges, [at(0), at(100), at(140), at(200)]);
    }

    #[test]
    fn the_highest_stack_level_counts_while_it_says_something_and_the_station_limits_all() {
        let mut profiles = Profiles::default();
        profiles.install(profile(1, Purpose::Transaction, 0, &[(0, 9000)]));
        let mut above = profile(2, Purpose::Transaction, 1, &[(0, 4000)]);
        above.duration = Some(50);
        profiles.install(above);
        assert_eq!((watts(&profiles, 149), watts(&profiles, 150)), (Some(4000), Some(9000)));
        profiles.install(profile(3, Purpose::Station, 0, &[(0, 3000), (60, 20_000)]));
        assert_eq!((watts(&profiles, 100), watts(&profiles, 160)), (Some(3000), Some(9000)));
        assert!(profiles.clear(|profile| profile.purpose == Purpose::Transaction));
        assert!(!profiles.clear(|profile| profile.id == 1));
        assert_eq!((watts(&profiles, 100), watts(&profiles, 200)), (Some(3000), None));
    }

    #[test]
    fn a_newer_profile_replaces_the_one_with_its_id_or_its_place() {
        let mut profiles = Profiles::default();
        profiles.install(profile(1, Purpose::Transaction, 0, &[(0, 9000)]));
        profiles.install(profile(1, Purpose::Transaction, 5, &[(0, 8000)]));
        profiles.install(profile(9, Purpose::Transaction, 5, &[(0, 7000)]));
        assert_eq!((profiles.0.len(), watts(&profiles, 100)), (1, Some(7000)));
        for id in 0..100 {
            profiles.install(profile(id, Purpose::Default, id, &[(0, 1)]));
        }
        assert_eq!(profiles.0.len(), MAX_PROFILES);
    }

    #[test]
    fn recurring_profiles_come_again_and_relative_ones_count_from_the_transaction() {
        let mut profiles = Profiles::default();
        let mut daily = profile(1, Purpose::Default, 0, &[(0, 5000), (10, 4000)]);
        (daily.kind, daily.duration) = (Kind::Recurring(at(1000), 86_400), Some(20));
        profiles.install(daily);
        let later = 1000 + 3 * 86_400;
        assert_eq!(watts(&profiles, 999), None);
        assert_eq!(watts(&profiles, later), Some(5000));
        assert_eq!(watts(&profiles, later + 19), Some(4000));
        assert_eq!(watts(&profiles, later + 20), None);
        assert_eq!(profiles.next_edge(at(later + 20), at(0)), Some(at(later + 86_400)));

        let mut relative = profile(2, Purpose::Transaction, 0, &[(0, 6000)]);
        (relative.kind, relative.valid_from, relative.valid_to) =
            (Kind::Relative, Some(at(520)), Some(at(580)));
        profiles.install(relative);
        let allowed = |second| profiles.allowed(at(second), at(500), 3).map(|allowed| allowed.power.watts());
        assert_eq!([519, 520, 579, 580].map(allowed), [None, Some(6000), Some(6000), None]);
    }

    #[test]
    fn amperes_and_watts_come_to_what_the_phases_carry() {
        let allowed = |unit, limit, allowed_phases, phases| {
            let mut profile = profile(1, Purpose::Transaction, 0, &[(0, 1)]);
            profile.unit = unit;
            come_to(&profile, Period { start: 0, limit, phases: allowed_phases }, phases)
        };
        let amperes = allowed(RateUnit::Amperes, 10_100, None, 3);
        assert_eq!((amperes.power.watts(), amperes.milliamperes), (6969, 10_100));
        assert_eq!(allowed(RateUnit::Amperes, 10_000, None, 1).power.watts(), 2300);
        assert_eq!(allowed(RateUnit::Amperes, 10_000, Some(1), 3).power.watts(), 2300);
        let watts = allowed(RateUnit::Watts, 4_139_000, None, 3);
        assert!(!watts.is_enough());
        assert!(allowed(RateUnit::Watts, 4_140_000, None, 3).is_enough());
        assert_eq!(in_unit(Power::from_watts(6969), RateUnit::Amperes, 3).to_string(), "10.1");
        assert_eq!(thousandths("21.4".parse().unwrap()), Some(21_400));
        assert_eq!(thousandths("0.00019".parse().unwrap()), Some(0));
        assert_eq!(thousandths(tieline_ocpp::types::Decimal::from(i64::MAX)), None);
    }

    #[test]
    fn names_of_both_versions_are_known_and_others_are_not() {
        for (name, purpose, evse) in [
            ("TxProfile", Purpose::Transaction, [false, true, false]),
            ("TxDefaultProfile", Purpose::Default, [true, true, false]),
            ("ChargePointMaxProfile", Purpose::Station, [true, false, false]),
            ("ChargingStationMaxProfile", Purpose::Station, [true, false, false]),
        ] {
            assert_eq!(Purpose::named(name), Some(purpose));
            assert_eq!([0, 1, 2].map(|number| purpose.is_of(number)), evse);
        }
        assert_eq!(Purpose::named("ChargingStationExternalConstraints"), None);
        assert_eq!(Kind::named("Absolute", None, Some(at(1))), Some(Kind::Absolute(at(1))));
        assert_eq!(Kind::named("Relative", None, None), Some(Kind::Relative));
        let weekly = Kind::named("Recurring", Some("Weekly"), Some(at(1)));
        assert_eq!(weekly, Some(Kind::Recurring(at(1), 604_800)));
        for (name, recurrency, start) in
            [("Absolute", None, None), ("Recurring", None, Some(at(1))), ("Dynamic", None, Some(at(1)))]
        {
            assert_eq!(Kind::named(name, recurrency, start), None, "{name}");
        }
        assert_eq!(Period::told(0, 1.into(), Some(-1)), None);
    }

    #[test]
    fn what_makes_no_sense_is_not_sound() {
        let sound = profile(1, Purpose::Transaction, 0, &[(0, 5000), (40, 0)]);
        assert!(sound.is_sound(RateUnit::Watts) && !sound.is_sound(RateUnit::Amperes));
        let broken: [fn(&mut Profile); 6] = [
            |profile| profile.periods.clear(),
            |profile| profile.periods[0].start = 1,
            |profile| profile.periods[1].start = 0,
            |profile| profile.periods[1].limit = -1,
            |profile| profile.duration = Some(0),
            |profile| profile.stack_level = -1,
        ];
        for change in broken {
            let mut profile = sound.clone();
            change(&mut profile);
            assert!(!profile.is_sound(RateUnit::Watts), "{profile:?}");
        }
    }
}
