//! Whether the sessions can draw what is promised, exactly.

mod load;
mod sorted;
mod transport;

use tieline_types::{Energy, Power, TimeSpan};

use self::load::Loads;
use crate::tree::ALL;
use crate::{Fleet, Miss, Target};

/// What a congestion point is to draw in a span, as a mean over it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Demand {
    span: TimeSpan,
    least: Power,
    most: Power,
}

impl Demand {
    /// From `least` to `most`; `None` if that is nothing.
    pub fn between(span: TimeSpan, least: Power, most: Power) -> Option<Self> {
        (least <= most).then_some(Self { span, least, most })
    }

    /// Exactly `power`.
    pub const fn exactly(span: TimeSpan, power: Power) -> Self {
        Self { span, least: power, most: power }
    }

    /// The span.
    pub const fn span(self) -> TimeSpan {
        self.span
    }
}

impl From<Target> for Demand {
    /// What keeps a target: for a reduction its power or less, for an increase its power or more.
    fn from(Target { span, power, miss }: Target) -> Self {
        match miss {
            Miss::Below => Self { span, least: power.min(Power::from_watts(0)), most: power },
            Miss::Above => Self { span, least: power, most: power.max(Power::from_watts(ALL)) },
        }
    }
}

/// The spans in which the sessions can't draw what is to be drawn: the inequality that fails.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Undeliverable {
    /// The sessions can't take as much in these spans, whatever they do in the others.
    #[error("{least} are to be drawn in {} spans, in which the sessions can take {capability} at most", .spans.len())]
    TooMuch {
        /// The spans, in order of time.
        spans: Vec<TimeSpan>,
        /// What is to be drawn in them at least.
        least: Energy,
        /// The most that can be drawn in them.
        capability: Energy,
    },
    /// The sessions need more in these spans, even at full power in the others.
    #[error("{most} may be drawn in {} spans, in which the sessions need {needed}", .spans.len())]
    TooLittle {
        /// The spans, in order of time; none, if the limits alone leave the sessions short.
        spans: Vec<TimeSpan>,
        /// What may be drawn in them at most.
        most: Energy,
        /// The least that must be drawn in them.
        needed: Energy,
    },
    /// The spans are not in order of time, or overlap.
    #[error("the span that starts at {} starts before the one before it ends", .0.start())]
    Order(TimeSpan),
}

/// Whether the sessions can draw what is demanded, in all spans together: with all that their drivers want by the time they
/// leave, no more than they want, and within every limit of the tree.
///
/// A session can have any power from 0 to its maximum here, and vary it within a span. So a demand that is refused can't be
/// delivered in any way; one that is not can be to the watt, but for the gap between 0 and 6 A and the chargers' steps,
/// which [`split`](crate::split()) sees. What a driver can't get by departure even at full power from the first span on is
/// not asked for.
///
/// Between the spans sessions charge at full power. Where all sessions are there in all of them and these are of equal
/// length, two inequalities for each number of spans decide; otherwise the flow through a network does.
pub fn deliverable(fleet: &Fleet, demands: &[Demand]) -> Result<(), Undeliverable> {
    if let Some(pair) = demands.windows(2).find(|pair| pair[1].span.start() < pair[0].span.end()) {
        return Err(Undeliverable::Order(pair[1].span));
    }
    let loads = Loads::of(fleet, demands);
    if loads.are_constant() { sorted::check(&loads, demands) } else { transport::check(&loads, demands) }
}

/// `watts` for `seconds`.
fn energy(watts: i64, seconds: i64) -> i64 {
    watts.saturating_mul(seconds)
}

/// The error of an upper inequality that fails, in the spans with these numbers.
fn too_much(demands: &[Demand], mut numbers: Vec<usize>, least: i64, capability: i64) -> Undeliverable {
    numbers.sort_unstable();
    Undeliverable::TooMuch {
        spans: numbers.into_iter().map(|number| demands[number].span).collect(),
        least: Energy::from_watt_seconds(least),
        capability: Energy::from_watt_seconds(capability),
    }
}

/// The error of a lower inequality that fails.
fn too_little(demands: &[Demand], mut numbers: Vec<usize>, most: i64, needed: i64) -> Undeliverable {
    numbers.sort_unstable();
    Undeliverable::TooLittle {
        spans: numbers.into_iter().map(|number| demands[number].span).collect(),
        most: Energy::from_watt_seconds(most),
        needed: Energy::from_watt_seconds(needed),
    }
}
