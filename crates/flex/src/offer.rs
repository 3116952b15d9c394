use rust_decimal::Decimal;
use tieline_types::{Amount, Power, TimeSpan};

use crate::journey::{Filled, Journey};
use crate::tree::ALL;
use crate::{Fleet, Miss, baseline};

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
    /// What was promised for this ISP already, as a change against the baseline: what a [`Book`](crate::Book) says that the
    /// change comes [on top of](crate::Book::promised).
    pub promised: Power,
    /// What the change is against: the forecast that was given to the grid operator. `None` where none was: then it is what
    /// the fleet would draw, [`baseline`](crate::baseline()).
    pub baseline: Option<Power>,
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

/// How careful an offer is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OfferTerms {
    /// What a reduction keeps back, in percent of what drivers may turn out to need besides their floors: all that
    /// sessions could take whose departure is only stated, or unknown. 0 takes the drivers at their word, 100 (or more)
    /// offers only what is certain.
    pub reserve_percent: u8,
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

/// What the fleet can deliver of what is requested, on the usual terms: see [`offer_on`].
pub fn offer(fleet: &Fleet, changes: &[RequestedChange]) -> Result<Vec<OfferedChange>, NoOffer> {
    offer_on(fleet, changes, OfferTerms::default())
}

/// What the fleet can deliver of what is requested: as much of it as the bounds want and the sessions can do, in every ISP
/// together, besides what was promised already.
///
/// ISPs in which nothing is requested, or can't be done, are left out. `changes` are in order of time.
///
/// Against a given baseline a reduction needs sessions that can stay at or below what is left of it, so only those that
/// must go on bound it; what the forecast had too much is offered too. An increase needs sessions that want the energy.
/// Where no baseline is given, it is exact: the sessions draw what is offered less, and an increase only takes back what
/// was promised, since they draw all they can anyway.
///
/// [`split`](crate::split()) keeps what is offered without leaving a driver short.
pub fn offer_on(
    fleet: &Fleet,
    changes: &[RequestedChange],
    terms: OfferTerms,
) -> Result<Vec<OfferedChange>, NoOffer> {
    let market = Market::of(fleet, changes, terms);
    let mut wanted: Vec<Option<i64>> = changes.iter().map(greatest).collect();
    let mut obstacles = Vec::new();

    // What the plan for all ISPs together reaches is what can be offered: where it misses, the wish becomes what it reached.
    // A wish only moves towards what can be reached; one that does not settle in as many rounds is given up.
    for round in 0..=2 * changes.len() + 2 {
        let missed = market.missed(&wanted);
        if missed.is_empty() {
            break;
        }
        let last_round = round == 2 * changes.len() + 2;
        for (index, reached) in missed {
            let requested = &changes[index];
            let reached = reached.saturating_sub(market.base(index));
            let settles = within(requested, reached) && Some(reached) != wanted[index] && !last_round;
            wanted[index] = settles.then_some(reached);
            if wanted[index].is_none() {
                obstacles.push((requested.span, Obstacle::TooLittle(Power::from_watts(reached))));
            }
        }
    }

    let offered: Vec<OfferedChange> = changes
        .iter()
        .zip(&market.baselines)
        .zip(&wanted)
        .filter_map(|((requested, baseline), wish)| {
            let change = Power::from_watts((*wish)?);
            let span = requested.span;
            (change.watts() != 0).then_some(OfferedChange { span, change, baseline: *baseline })
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

/// A fleet, and what is requested of it.
struct Market<'a> {
    start: Journey<'a>,
    changes: &'a [RequestedChange],
    baselines: Vec<Power>,
    terms: OfferTerms,
}

impl<'a> Market<'a> {
    fn of(fleet: &'a Fleet, changes: &'a [RequestedChange], terms: OfferTerms) -> Self {
        let spans: Vec<TimeSpan> = changes.iter().map(|requested| requested.span).collect();
        let own = if changes.iter().all(|requested| requested.baseline.is_some()) {
            vec![Power::from_watts(0); spans.len()]
        } else {
            baseline(fleet, &spans)
        };
        let baselines =
            changes.iter().zip(own).map(|(requested, own)| requested.baseline.unwrap_or(own)).collect();
        Self { start: Journey::new(fleet), changes, baselines, terms }
    }

    /// What a further change comes on top of.
    fn base(&self, index: usize) -> i64 {
        self.baselines[index].watts().saturating_add(self.changes[index].promised.watts())
    }

    /// Where the plan for all wishes together does not reach one, with what it reaches instead.
    fn missed(&self, wanted: &[Option<i64>]) -> Vec<(usize, i64)> {
        let mut journey = self.start.clone();
        let mut missed = Vec::new();
        for (index, (requested, wish)) in self.changes.iter().zip(wanted).enumerate() {
            let target = self.base(index).saturating_add(wish.unwrap_or(0));
            let forecast = requested.baseline.is_some();
            let filled = match *wish {
                Some(wish) if forecast && wish > 0 => journey.fill_usefully(requested.span, target),
                Some(wish) if forecast && wish < 0 => journey.fill(requested.span, target, Miss::Below),
                // Less of a change, not more: what is offered stays within the bounds.
                Some(wish) if wish < 0 => journey.fill_alike(requested.span, target, Miss::Above),
                None if forecast => self.fill_unwanted(&journey, index),
                Some(_) | None => journey.fill(requested.span, target, Miss::Below),
            };
            if let Some(wish) = *wish {
                let reached = self.reached(&journey, index, wish, target, &filled);
                missed.extend((reached != target).then_some((index, reached)));
            }
            journey.advance(requested.span, &filled);
        }
        missed
    }

    /// An ISP in which nothing more is wanted: what was promised holds, and where nothing was, nothing limits.
    fn fill_unwanted(&self, journey: &Journey<'_>, index: usize) -> Filled {
        let RequestedChange { span, promised, .. } = self.changes[index];
        match promised.watts() {
            0 => journey.fill(span, ALL, Miss::Below),
            1.. => journey.fill(span, self.base(index), Miss::Above),
            _ => journey.fill(span, self.base(index), Miss::Below),
        }
    }

    /// What is reached of a target: the target itself, if it is kept.
    fn reached(&self, journey: &Journey<'_>, index: usize, wish: i64, target: i64, filled: &Filled) -> i64 {
        let requested = &self.changes[index];
        let least = filled.must().saturating_add(self.reserve(journey, filled));
        match (requested.baseline, wish) {
            (_, ..0) if target < least => least.max(filled.total()),
            (Some(_), ..0) => filled.total().max(target),
            (Some(_), 0) => target,
            (Some(_), 1..) => journey.mean_drawn(requested.span, filled).min(target),
            (_, _) => filled.total(),
        }
    }

    /// What is kept back, in watts, rounded up.
    fn reserve(&self, journey: &Journey<'_>, filled: &Filled) -> i64 {
        let percent = i64::from(self.terms.reserve_percent.min(100));
        journey.uncertain(filled).saturating_mul(percent).saturating_add(99) / 100
    }
}

/// The largest change in the direction that is requested; nothing where no change is.
fn greatest(requested: &RequestedChange) -> Option<i64> {
    if !requested.requested {
        return None;
    }
    let (min, max) = bounds(requested);
    (min <= max).then_some(if max <= 0 { min } else { max })
}

/// The bounds of what may be offered. Without a forecast the baseline has every session at its maximum, so a limit can't
/// make it draw more: an increase only takes back what was promised as a reduction.
fn bounds(requested: &RequestedChange) -> (i64, i64) {
    let (min, max) = (requested.min.watts(), requested.max.watts());
    let takes_back = requested.promised.watts().saturating_neg().max(0);
    (min, if max > 0 && requested.baseline.is_none() { max.min(takes_back) } else { max })
}

/// Whether a change is in the direction that is requested and within its bounds.
fn within(requested: &RequestedChange, change: i64) -> bool {
    let (min, max) = bounds(requested);
    change != 0 && (min..=max).contains(&change)
}
