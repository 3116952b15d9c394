//! One span: a target shared out by water-filling.
//!
//! Sessions that must go on get their floors first. If the target leaves less than a minimum for each of the others, those
//! that can wait longest are paused. The rest share alike: all rise together until each is at its maximum, its connection is
//! full, or the target is reached. Where that misses the target, [`reach`](crate::reach) looks for another choice of who runs.

use crate::floor::Range;
use crate::{Miss, Supply, reach};

/// A session's part in one span.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Part {
    pub(crate) range: Range,
    /// How it can be told.
    pub(crate) supply: Supply,
    /// The group (connection) that it belongs to.
    pub(crate) group: usize,
    /// Its floor, or what its connection's limit leaves of it.
    pub(crate) must: i64,
    pub(crate) watts: i64,
}

impl Part {
    pub(crate) fn new(range: Range, supply: Supply, group: usize) -> Self {
        Self { range, supply, group, must: range.floor, watts: 0 }
    }

    /// The least that it gets if it runs.
    pub(crate) fn least(&self) -> i64 {
        self.must.max(self.range.minimum).min(self.range.maximum)
    }

    fn at(&self, level: i64) -> i64 {
        self.supply.told(level.min(self.range.maximum)).max(self.watts)
    }
}

/// Shares `target` out over `parts`. `limits` bounds groups; each part's group has a place in it.
pub(crate) fn fill(parts: &mut [Part], target: i64, miss: Miss, limits: &[Option<i64>]) {
    lower_floors(parts, limits);
    let running = running(parts, target, limits);
    level(&running, parts, target, limits);
    let planned = total(parts);
    if planned < target && !reach::is_best(parts, target, miss, limits) {
        reach::improve(parts, target, miss, limits);
    }
}

pub(crate) fn total(parts: &[Part]) -> i64 {
    parts.iter().map(|part| part.watts).sum()
}

/// Gives the parts in `running` what reaches the target, or comes near to it from below; the others nothing.
pub(crate) fn level(running: &[usize], parts: &mut [Part], target: i64, limits: &[Option<i64>]) {
    for part in parts.iter_mut() {
        part.watts = 0;
    }
    for index in running {
        parts[*index].watts = parts[*index].least();
    }
    raise_together(running, parts, target, limits);
    round_up(running, parts, target, limits);
}

/// Where the floors of a group do not fit into its limit: as much of each as fits, alike. Those whose minima do not fit
/// have none.
fn lower_floors(parts: &mut [Part], limits: &[Option<i64>]) {
    let floors = by_group(parts, limits.len(), |part| part.range.floor);
    let mut minima =
        by_group(parts, limits.len(), |part| if part.range.floor > 0 { part.range.minimum } else { 0 });
    if !limits.iter().zip(&floors).any(|(limit, sum)| limit.is_some_and(|limit| *sum > limit)) {
        return;
    }
    let mut members: Vec<Vec<usize>> = vec![Vec::new(); limits.len()];
    for index in patience(parts) {
        let Part { range, group, .. } = parts[index];
        let Some(limit) = limits[group].filter(|limit| floors[group] > *limit && range.floor > 0) else {
            continue;
        };
        if minima[group] > limit {
            minima[group] -= range.minimum;
            parts[index].must = 0;
        } else {
            members[group].push(index);
        }
    }
    for (members, limit) in members.iter().zip(limits) {
        let Some(limit) = *limit else { continue };
        let lowered = |level: i64, part: &Part| {
            part.supply.told(level.clamp(part.range.minimum, part.range.floor.max(part.range.minimum)))
        };
        let level = greatest(highest(members, parts), |level| {
            members.iter().map(|index| lowered(level, &parts[*index])).sum::<i64>() <= limit
        });
        for index in members {
            parts[*index].must = lowered(level, &parts[*index]);
        }
    }
}

/// Those that run: all but those that can wait, until the rest's least fits into each group's limit and into the target.
fn running(parts: &[Part], target: i64, limits: &[Option<i64>]) -> Vec<usize> {
    let mut used = by_group(parts, limits.len(), Part::least);
    let mut sum: i64 = used.iter().sum();
    let mut runs: Vec<bool> = parts.iter().map(|part| part.range.maximum > 0).collect();
    let fits = sum <= target
        && used.iter().zip(limits).all(|(used, limit)| limit.is_none_or(|limit| *used <= limit));
    if !fits {
        let patience = patience(parts);
        let mut pause = |index: usize, used: &mut [i64], sum: &mut i64| {
            runs[index] = false;
            used[parts[index].group] -= parts[index].least();
            *sum -= parts[index].least();
        };
        let mut can_wait: Vec<usize> = patience.into_iter().filter(|index| parts[*index].must == 0).collect();
        can_wait.retain(|index| {
            let group = parts[*index].group;
            let full = limits[group].is_some_and(|limit| used[group] > limit);
            if full {
                pause(*index, &mut used, &mut sum);
            }
            !full
        });
        for index in can_wait {
            if sum <= target {
                break;
            }
            pause(index, &mut used, &mut sum);
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

/// Raises the lowest together until the target, a maximum or a group's limit stops them.
fn raise_together(running: &[usize], parts: &mut [Part], target: i64, limits: &[Option<i64>]) {
    let most = by_group(parts, limits.len(), |part| part.range.maximum);
    let mut members: Vec<Vec<usize>> = vec![Vec::new(); limits.len()];
    for index in running {
        let group = parts[*index].group;
        if limits[group].is_some_and(|limit| most[group] > limit) {
            members[group].push(*index);
        }
    }
    // A group that would be overfull stops at a level of its own.
    let mut stops = vec![i64::MAX; limits.len()];
    for ((members, limit), stop) in members.iter().zip(limits).zip(&mut stops) {
        if let Some(limit) = *limit
            && !members.is_empty()
        {
            *stop = greatest(highest(members, parts), |level| {
                members.iter().map(|index| parts[*index].at(level)).sum::<i64>() <= limit
            });
        }
    }
    let at = |level: i64, part: &Part| part.at(level.min(stops[part.group]));
    let level = greatest(highest(running, parts), |level| {
        running.iter().map(|index| at(level, &parts[*index])).sum::<i64>() <= target
    });
    for index in running {
        parts[*index].watts = at(level, &parts[*index]);
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
fn round_up(running: &[usize], parts: &mut [Part], target: i64, limits: &[Option<i64>]) {
    let mut used = by_group(parts, limits.len(), |part| part.watts);
    let mut left = target - used.iter().sum::<i64>();
    let mut before = i64::MAX;
    while 0 < left && left < before {
        before = left;
        for index in running {
            let part = &mut parts[*index];
            let next = part.supply.next_told(part.watts);
            let step = next - part.watts;
            let fits = limits[part.group].is_none_or(|limit| used[part.group] + step <= limit);
            if next <= part.range.maximum && step <= left && fits {
                part.watts = next;
                used[part.group] += step;
                left -= step;
            }
        }
    }
}

/// The sum of something over each group.
pub(crate) fn by_group(parts: &[Part], groups: usize, of: impl Fn(&Part) -> i64) -> Vec<i64> {
    let mut sums = vec![0_i64; groups];
    for part in parts {
        sums[part.group] += of(part);
    }
    sums
}
