use tieline_types::{Energy, Power, TimeSpan};

use super::day::{Day, Session};

/// A driver who misses less than 0.5 kWh is served: some minutes at the charger.
const TOLERATED: i64 = 500 * 3600;

/// The numbers that sum a day up, the same in the text and on the page.
#[derive(Clone, Debug)]
pub(super) struct Figures {
    /// All that was ordered, whatever its sign.
    pub(super) ordered: Energy,
    /// All that was delivered of it.
    pub(super) delivered: Energy,
    /// What the drivers asked for.
    pub(super) asked: Energy,
    /// What they got.
    pub(super) got: Energy,
    /// How many drivers fall in each class, the served first.
    pub(super) classes: [(Class, usize); 5],
}

/// How much of what was asked for a driver got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    /// All, or less than 0.5 kWh short of it.
    Served,
    /// At least this percentage.
    AtLeast(i64),
}

const CLASSES: [Class; 5] =
    [Class::Served, Class::AtLeast(90), Class::AtLeast(75), Class::AtLeast(50), Class::AtLeast(0)];

impl Figures {
    pub(super) fn of(day: &Day) -> Self {
        let over = |power: fn(&super::day::Isp) -> Option<Power>| {
            total(day.isps.iter().filter_map(|isp| Some(magnitude(power(isp)?, isp.span))))
        };
        let mut classes = CLASSES.map(|class| (class, 0));
        for session in &day.sessions {
            let class = Class::of(session);
            if let Some((_, count)) = classes.iter_mut().find(|(other, _)| *other == class) {
                *count += 1;
            }
        }
        Self {
            ordered: over(|isp| isp.ordered),
            delivered: over(|isp| isp.delivered),
            asked: total(day.sessions.iter().map(|session| session.asked.watt_seconds().into())),
            got: total(day.sessions.iter().map(|session| session.got.watt_seconds().into())),
            classes,
        }
    }

    /// How many drivers were served.
    pub(super) fn served(&self) -> usize {
        self.classes[0].1
    }

    /// Tenths of a percent of the order that were delivered; `None` without an order.
    pub(super) fn delivered_permille(&self) -> Option<i64> {
        permille(self.delivered, self.ordered)
    }

    /// Tenths of a percent of the energy asked for that the drivers got; `None` if nobody asked for any.
    pub(super) fn got_permille(&self) -> Option<i64> {
        permille(self.got, self.asked)
    }
}

impl Class {
    pub(super) fn of(session: &Session) -> Self {
        if missing(session).watt_seconds() < TOLERATED {
            return Self::Served;
        }
        let permille = permille(session.got, session.asked).unwrap_or(0);
        let reached = |class: &Self| matches!(class, Self::AtLeast(percent) if permille >= percent * 10);
        CLASSES.into_iter().find(reached).unwrap_or(Self::AtLeast(0))
    }

    /// What the class is, in words.
    pub(super) fn label(self) -> String {
        match self {
            Self::Served => "all (short of it by less than 0.5 kWh)".to_owned(),
            Self::AtLeast(0) => "less than half".to_owned(),
            Self::AtLeast(percent) => format!("at least {percent} %"),
        }
    }
}

/// What a driver asked for and did not get.
pub(super) fn missing(session: &Session) -> Energy {
    let missing = session.asked.watt_seconds().saturating_sub(session.got.watt_seconds());
    Energy::from_watt_seconds(missing.max(0))
}

/// Tenths of a percent, rounded down: only the whole is 1000.
pub(super) fn permille(part: Energy, whole: Energy) -> Option<i64> {
    let (part, whole) = (i128::from(part.watt_seconds()), i128::from(whole.watt_seconds()));
    (whole > 0).then(|| i64::try_from((part * 1000).div_euclid(whole)).unwrap_or(i64::MAX))
}

fn magnitude(power: Power, span: TimeSpan) -> i128 {
    i128::from(power.magnitude()) * i128::from(span.duration().as_secs())
}

fn total(energies: impl Iterator<Item = i128>) -> Energy {
    Energy::from_watt_seconds(i64::try_from(energies.sum::<i128>()).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;
    use crate::report::sample;

    #[test]
    fn a_driver_is_in_the_class_of_what_was_got() {
        let mut session = sample::day(date(2026, 6, 4), 1, 1).sessions.remove(0);
        let watt_hours = |watt_hours| Energy::from_watt_hours(watt_hours).unwrap();
        for (asked, got, class) in [
            (10_000, 10_000, Class::Served),
            (10_000, 12_000, Class::Served),
            (10_000, 9_501, Class::Served),
            (10_000, 9_500, Class::AtLeast(90)),
            (10_000, 8_999, Class::AtLeast(75)),
            (10_000, 5_000, Class::AtLeast(50)),
            (10_000, 4_999, Class::AtLeast(0)),
            (10_000, -4_999, Class::AtLeast(0)),
            (0, 0, Class::Served),
        ] {
            (session.asked, session.got) = (watt_hours(asked), watt_hours(got));
            assert_eq!(Class::of(&session), class, "{got} of {asked} Wh");
        }
    }

    #[test]
    fn only_the_whole_is_a_hundred_percent() {
        let energy = Energy::from_watt_seconds;
        for (part, whole, share) in
            [(999_999, 1_000_000, Some(999)), (7, 7, Some(1000)), (-1, 3, Some(-334)), (1, 0, None)]
        {
            assert_eq!(permille(energy(part), energy(whole)), share);
        }
    }

    #[test]
    fn orders_up_and_down_do_not_cancel() {
        let mut day = sample::day(date(2026, 6, 4), 0, 1);
        for (isp, watts) in [(0, 4_000), (1, -4_000)] {
            day.isps[isp].ordered = Some(Power::from_watts(watts));
            day.isps[isp].delivered = Some(Power::from_watts(watts / 2));
        }
        let figures = Figures::of(&day);
        assert_eq!(figures.ordered, Energy::from_watt_hours(2_000).unwrap());
        assert_eq!(figures.delivered_permille(), Some(500));
        assert_eq!(figures.got_permille(), None);
    }
}
