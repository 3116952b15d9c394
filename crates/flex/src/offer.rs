use rust_decimal::Decimal;
use tieline_types::{Amount, Power, TimeSpan};

use crate::{Fleet, Miss, Shortfall, Target, baseline, split};

/// The bounds of a change that somebody requests, or would welcome, in one ISP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestedChange {
    /// The ISP.
    pub span: TimeSpan,
    /// The smallest change against the baseline.
    pub min: Power,
    /// The largest change against the baseline.
    pub max: Power,
    /// Whether a change is requested, or only welcome.
    pub requested: bool,
    /// What was promised for this ISP already, as a change against the baseline.
    pub promised: Power,
}

/// A change that the fleet can deliver in one ISP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OfferedChange {
    /// The ISP.
    pub span: TimeSpan,
    /// The change against the baseline.
    pub change: Power,
    /// The baseline.
    pub baseline: Power,
}

/// Why there is nothing to offer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("nothing can be offered: {}", .0.first().map_or("no ISP is requested".to_owned(), |(_, why)| why.to_string()))]
pub struct NoOffer(pub Vec<(TimeSpan, Obstacle)>);

/// Why nothing can be offered in an ISP.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Obstacle {
    /// The fleet can't change anything in this direction, or has promised it already.
    #[error("the fleet has nothing left to change")]
    Nothing,
    /// What the fleet can do is less than the least that is wanted.
    #[error("the fleet can change {0}, which is less than the least that is wanted")]
    TooLittle(Power),
}

/// What a change costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pricing {
    /// For a megawatt hour of change, in either direction.
    pub per_megawatt_hour: Decimal,
}

impl Pricing {
    /// The price of changes, with four digits.
    pub fn price(self, changes: &[OfferedChange]) -> Amount {
        let watt_seconds: Decimal = changes
            .iter()
            .map(|offered| {
                let seconds = offered.span.end().as_second() - offered.span.start().as_second();
                Decimal::from(offered.change.magnitude()) * Decimal::from(seconds)
            })
            .sum();
        Amount::rounded(watt_seconds / Decimal::from(3_600_000_000_u64) * self.per_megawatt_hour)
    }
}

/// What the fleet can deliver of what is requested: as much of it as the bounds want and the sessions can do, in every ISP
/// together, besides what was promised already.
///
/// ISPs in which nothing is requested, or can't be done, are left out. `changes` are in order of time.
pub fn offer(fleet: &Fleet, changes: &[RequestedChange]) -> Result<Vec<OfferedChange>, NoOffer> {
    let spans: Vec<TimeSpan> = changes.iter().map(|requested| requested.span).collect();
    let baselines = baseline(fleet, &spans);
    let mut wanted: Vec<Option<i64>> = changes.iter().map(greatest).collect();
    let mut obstacles = Vec::new();

    // What the plan for all ISPs together reaches is what can be offered: where it misses, the wish becomes what it reached.
    // A wish only moves towards what can be reached; one that does not settle in as many rounds is given up.
    for round in 0..=2 * changes.len() + 2 {
        let missed = missed(fleet, changes, &baselines, &wanted);
        if missed.is_empty() {
            break;
        }
        let last_round = round == 2 * changes.len() + 2;
        for (index, shortfall) in missed {
            let requested = &changes[index];
            let base = baselines[index].watts() + requested.promised.watts();
            let reached = shortfall.planned.watts() - base;
            let settles = within(requested, reached) && Some(reached) != wanted[index] && !last_round;
            wanted[index] = settles.then_some(reached);
            if wanted[index].is_none() {
                obstacles.push((requested.span, Obstacle::TooLittle(Power::from_watts(reached))));
            }
        }
    }

    let offered: Vec<OfferedChange> = changes
        .iter()
        .zip(&baselines)
        .zip(&wanted)
        .filter_map(|((requested, baseline), wish)| {
            let change = Power::from_watts((*wish)?);
            (change.watts() != 0).then_some(OfferedChange {
                span: requested.span,
                change,
                baseline: *baseline,
            })
        })
        .collect();
    if offered.is_empty() {
        for requested in changes.iter().filter(|requested| requested.requested) {
            if !obstacles.iter().any(|(span, _)| *span == requested.span) {
                obstacles.push((requested.span, Obstacle::Nothing));
            }
        }
        return Err(NoOffer(obstacles));
    }
    Ok(offered)
}

/// Where the plan for all wishes together does not reach one, with the index of its ISP.
fn missed(
    fleet: &Fleet,
    changes: &[RequestedChange],
    baselines: &[Power],
    wanted: &[Option<i64>],
) -> Vec<(usize, Shortfall)> {
    let targets: Vec<Target> = changes
        .iter()
        .zip(baselines)
        .zip(wanted)
        .map(|((requested, baseline), wish)| Target {
            span: requested.span,
            power: Power::from_watts(baseline.watts() + requested.promised.watts() + wish.unwrap_or(0)),
            // Less of a change, not more: what is offered stays within the bounds.
            miss: if wish.is_some_and(|wish| wish < 0) { Miss::Above } else { Miss::Below },
        })
        .collect();
    split(fleet, &targets)
        .shortfalls
        .into_iter()
        .filter_map(|shortfall| {
            let index = changes.iter().position(|requested| requested.span == shortfall.span)?;
            wanted[index].is_some().then_some((index, shortfall))
        })
        .collect()
}

/// The largest change in the direction that is requested; nothing where no change is.
fn greatest(requested: &RequestedChange) -> Option<i64> {
    if !requested.requested {
        return None;
    }
    let (min, max) = bounds(requested);
    (min <= max).then_some(if max <= 0 { min } else { max })
}

/// The bounds of what may be offered. The baseline has every session at its maximum, so a limit can't make it draw more:
/// an increase only takes back what was promised as a reduction.
fn bounds(requested: &RequestedChange) -> (i64, i64) {
    let (min, max) = (requested.min.watts(), requested.max.watts());
    (min, if max > 0 { max.min((-requested.promised.watts()).max(0)) } else { max })
}

/// Whether a change is in the direction that is requested and within its bounds.
fn within(requested: &RequestedChange, change: i64) -> bool {
    let (min, max) = bounds(requested);
    change != 0 && (min..=max).contains(&change)
}
