use tieline_types::TimeSpan;

use super::{Demand, energy};
use crate::Fleet;
use crate::floor::{Course, seconds};
use crate::journey::{Journey, Traveller};
use crate::tree::Tree;

/// What sessions can draw in the spans of a demand.
#[derive(Debug)]
pub(super) struct Loads {
    pub(super) each: Vec<Load>,
    pub(super) tree: Tree,
    /// How long each span is, in seconds.
    pub(super) lengths: Vec<i64>,
    /// What can't be steered below each node, in each span, in watt seconds.
    unsteered: Vec<Vec<i64>>,
}

/// What one session can draw, in watt seconds.
#[derive(Debug)]
pub(super) struct Load {
    pub(super) node: usize,
    /// The most in each span.
    pub(super) capacity: Vec<i64>,
    /// The least in all spans.
    pub(super) least: i64,
    /// The most in all spans.
    pub(super) most: i64,
}

impl Loads {
    pub(super) fn of(fleet: &Fleet, demands: &[Demand]) -> Self {
        let mut journey = Journey::new(fleet);
        let spans: Vec<TimeSpan> = demands.iter().map(|demand| demand.span).collect();
        let mut each: Vec<Load> = journey.steerable.iter().map(|one| steered(one, &spans)).collect();
        let mut unsteered = vec![vec![0; spans.len()]; journey.tree.len()];
        for one in &mut journey.unsteerable {
            let load = fixed(one, &spans);
            for node in journey.tree.path(load.node) {
                for (sum, watt_seconds) in unsteered[node].iter_mut().zip(&load.capacity) {
                    *sum = watt_seconds.saturating_add(*sum);
                }
            }
            each.push(load);
        }
        let lengths = spans.iter().map(|span| seconds(span.start(), span.end())).collect();
        Self { each, tree: journey.tree, lengths, unsteered }
    }

    /// Whether every span is like every other: none has another length, and all sessions are there in all of them.
    pub(super) fn are_constant(&self) -> bool {
        let is_constant = |values: &[i64]| values.windows(2).all(|pair| pair[0] == pair[1]);
        is_constant(&self.lengths) && self.each.iter().all(|load| is_constant(&load.capacity))
    }

    /// The most that can be drawn below a node in a span: its limit, or what can't be steered where that is more.
    pub(super) fn limit(&self, node: usize, span: usize) -> i64 {
        energy(self.tree.limit(node).max(0), self.lengths[span]).max(self.unsteered[node][span])
    }
}

fn steered(Traveller { course, node }: &Traveller<'_>, spans: &[TimeSpan]) -> Load {
    let full = course.full();
    let capacity: Vec<i64> = spans.iter().map(|span| energy(full, course.present(*span))).collect();
    let in_all = capacity.iter().copied().fold(0, i64::saturating_add);
    let missing = course.missing();
    let besides = energy(full, besides(course, spans));
    let must = if course.session.departure.at().is_some() { missing.unwrap_or(0) } else { 0 };
    Load {
        node: *node,
        capacity,
        least: must.saturating_sub(besides).clamp(0, in_all),
        most: missing.map_or(in_all, |missing| missing.min(in_all)),
    }
}

/// How many seconds from the first span on it is there besides the spans.
fn besides(course: &Course<'_>, spans: &[TimeSpan]) -> i64 {
    let Some((first, departure)) = spans.first().zip(course.session.departure.at()) else { return 0 };
    let whole = TimeSpan::new(first.start(), departure.max(first.end()));
    let within: i64 = spans.iter().map(|span| course.present(*span)).sum();
    whole.map_or(0, |whole| course.present(whole) - within)
}

/// What it draws whatever it is told.
fn fixed(Traveller { course, node }: &mut Traveller<'_>, spans: &[TimeSpan]) -> Load {
    let mut capacity = Vec::with_capacity(spans.len());
    let mut before = None;
    for span in spans {
        if let Some(gap) = before.and_then(|end| TimeSpan::new(end, span.start())) {
            course.advance(gap, course.unsteered(gap));
        }
        before = Some(span.end());
        capacity.push(course.drawn(*span, course.unsteered(*span)));
        course.advance(*span, course.unsteered(*span));
    }
    let in_all = capacity.iter().copied().fold(0, i64::saturating_add);
    Load { node: *node, capacity, least: in_all, most: in_all }
}
