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
