//! One span: a target shared out by water-filling.
//!
//! Sessions that must go on get their floors first. If the target leaves less than a minimum for each of the others, those
//! that can wait longest are paused. The rest share alike: all rise together until each is at its maximum, its device or
//! connection is full, or the target is reached. Where that misses the target, [`reach`](crate::reach) looks for another
//! choice of who runs.

use crate::floor::Range;
use crate::tree::{Level, ROOT, Tree};
use crate::{Miss, Supply, reach};

/// A session's part in one span.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Part {
    pub(crate) range: Range,
    /// How it can be told.
    pub(crate) supply: Supply,
    /// The lowest node of the tree above it.
    pub(crate) node: usize,
    /// Its floor, or what the limits above it leave of it.
    pub(crate) must: i64,
    pub(crate) watts: i64,
}

impl Part {
    pub(crate) fn new(range: Range, supply: Supply, node: usize) -> Self {
        Self { range, supply, node, must: range.floor, watts: 0 }
    }

    /// The least that it gets if it runs.
    pub(crate) fn least(&self) -> i64 {
        self.must.max(self.range.minimum).min(self.range.maximum)
    }

    fn at(&self, level: i64) -> i64 {
        self.supply.told(level.min(self.range.maximum)).max(self.watts)
    }
}

/// Shares `target` out over `parts`, within the limits of `tree`.
pub(crate) fn fill(parts: &mut [Part], target: i64, miss: Miss, tree: &Tree) {
    lower_floors(parts, tree);
    let room = tree.limit(ROOT);
    let (target, miss) = if target > room { (room, Miss::Below) } else { (target, miss) };
    let running = running(parts, target, tree);
    level(&running, parts, target, tree);
    let planned = total(parts);
    if planned < target && !reach::is_best(parts, target, miss, tree) {
        reach::improve(parts, target, miss, tree);
    }
}

pub(crate) fn total(parts: &[Part]) -> i64 {
    parts.iter().map(|part| part.watts).sum()
}

/// Gives the parts in `running` what reaches the target, or comes near to it from below; the others nothing.
pub(crate) fn level(running: &[usize], parts: &mut [Part], target: i64, tree: &Tree) {
    for part in parts.iter_mut() {
        part.watts = 0;
    }
    for index in running {
        parts[*index].watts = parts[*index].least();
    }
    raise_together(running, parts, target, tree);
    round_up(running, parts, target, tree);
}

/// Where the floors below a node do not fit into its limit: as much of each as fits, alike. Those whose minima do not fit
/// have none.
fn lower_floors(parts: &mut [Part], tree: &Tree) {
    let mut used = tree.sums(parts, |part| part.must);
    if tree.fits(&used) {
        return;
    }
    let members = tree.members(patience(parts), parts, |node| used[node] > tree.limit(node));
    for node in (0..tree.len()).rev().filter(|node| !members[*node].is_empty()) {
        let limit = tree.limit(node);
        if used[node] <= limit {
            continue;
        }
        let mut give = |parts: &mut [Part], index: usize, watts: i64| {
            let Part { node, must, .. } = parts[index];
            tree.add(&mut used, node, watts - must);
            parts[index].must = watts;
        };
        let must_run = |index: &&usize| parts[**index].must > 0;
        let members: Vec<usize> = members[node].iter().filter(must_run).copied().collect();
        let mut minima: i64 = members.iter().map(|index| parts[*index].range.minimum).sum();
        let mut dropped = 0;
        while minima > limit && dropped < members.len() {
            minima -= parts[members[dropped]].range.minimum;
            give(parts, members[dropped], 0);
            dropped += 1;
        }
        let members = &members[dropped..];
        let lowered = |level: i64, part: &Part| {
            part.supply.told(level.clamp(part.range.minimum, part.must.max(part.range.minimum)))
        };
        let level = greatest(highest(members, parts), |level| {
            members.iter().map(|index| lowered(level, &parts[*index])).sum::<i64>() <= limit
        });
        for index in members {
            let watts = lowered(level, &parts[*index]);
            give(parts, *index, watts);
        }
    }
}

/// Those that run: all but those that can wait, until the rest's least fits into each limit and into the target.
fn running(parts: &[Part], target: i64, tree: &Tree) -> Vec<usize> {
    let mut used = tree.sums(parts, Part::least);
    let mut runs: Vec<bool> = parts.iter().map(|part| part.range.maximum > 0).collect();
    if used[ROOT] > target || !tree.fits(&used) {
        let mut can_wait: Vec<usize> =
            patience(parts).into_iter().filter(|index| parts[*index].must == 0).collect();
        for level in [Level::Device, Level::Connection, Level::CongestionPoint] {
            can_wait.retain(|index| {
                let Part { node, .. } = parts[*index];
                let is_full = |node: usize| match level {
                    Level::CongestionPoint => used[ROOT] > target,
                    level => tree.level(node) == level && used[node] > tree.limit(node),
                };
                let full = tree.path(node).any(is_full);
                if full {
                    runs[*index] = false;
                    tree.add(&mut used, node, -parts[*index].least());
                }
                !full
            });
        }
    }
    (0..parts.len()).filter(|index| runs[*index]).collect()
}

/// Those that can pause, the one with the largest minimum first: pausing few leaves most of the others charging.
fn patience(parts: &[Part]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..parts.len()).collect();
    order.sort_unstable_by_key(|index| {
        let range = parts[*index].range;
        (range.floor > 0, range.floor, std::cmp::Reverse(range.minimum), std::cmp::Reverse(*index))
    });
    order
}

/// Raises the lowest together until the target, a maximum or a limit stops them.
fn raise_together(running: &[usize], parts: &mut [Part], target: i64, tree: &Tree) {
    let most = tree.sums(parts, |part| part.range.maximum);
    let binds = |node: usize| node != ROOT && most[node] > tree.limit(node);
    let members = tree.members(running.iter().copied(), parts, binds);
    // What would be overfull stops at a level of its own, devices before their connections.
    let mut stops = vec![i64::MAX; parts.len()];
    for node in (1..tree.len()).rev().filter(|node| !members[*node].is_empty()) {
        let members = &members[node];
        let stop = greatest(highest(members, parts), |level| {
            members.iter().map(|index| parts[*index].at(level.min(stops[*index]))).sum::<i64>()
                <= tree.limit(node)
        });
        for index in members {
            stops[*index] = stops[*index].min(stop);
        }
    }
    let at = |level: i64, index: usize, parts: &[Part]| parts[index].at(level.min(stops[index]));
    let level = greatest(highest(running, parts), |level| {
        running.iter().map(|index| at(level, *index, parts)).sum::<i64>() <= target
    });
    for index in running {
        parts[*index].watts = at(level, *index, parts);
    }
}

fn highest(members: &[usize], parts: &[Part]) -> i64 {
    members.iter().map(|index| parts[*index].range.maximum).max().unwrap_or(0)
}

/// The greatest level up to `most` that fits, if those below one that fits do; 0 if none does.
fn greatest(most: i64, fits: impl Fn(i64) -> bool) -> i64 {
    let (mut low, mut high) = (0, most);
    while low < high {
        let middle = low + (high - low + 1) / 2;
        if fits(middle) { low = middle } else { high = middle - 1 }
    }
    low
}

/// Gives out what is left of the target, a step at a time, in the order of the sessions.
fn round_up(running: &[usize], parts: &mut [Part], target: i64, tree: &Tree) {
    let mut used = tree.sums(parts, |part| part.watts);
    let mut left = target - used[ROOT];
    let mut before = i64::MAX;
    while 0 < left && left < before {
        before = left;
        for index in running {
            let part = &mut parts[*index];
            let next = part.supply.next_told(part.watts);
            let step = next - part.watts;
            if next <= part.range.maximum && step <= left && tree.has_room(&used, part.node, step) {
                part.watts = next;
                tree.add(&mut used, part.node, step);
                left -= step;
            }
        }
    }
}
