//! One span: a target shared out by water-filling.
//!
//! Sessions that must go on get their floors first. If the target leaves less than a minimum for each of the others, those
//! that can wait longest are paused. The rest share alike: all rise together until each is at its maximum or the target is
//! reached, exactly, watt by watt where need be.

use crate::floor::Range;

/// A session's part in one span.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Part {
    pub(crate) range: Range,
    /// The group (connection) that it belongs to.
    pub(crate) group: usize,
    pub(crate) watts: i64,
}

/// How powers are told: the largest power up to one, and the smallest above one.
pub(crate) trait Steps {
    fn told(&self, index: usize, watts: i64) -> i64;
    fn next_told(&self, index: usize, watts: i64) -> i64;
}

/// Shares `target` out over `parts`; `patience` orders them, those that are paused first in front. `limits` bounds groups.
pub(crate) fn fill(
    parts: &mut [Part],
    target: i64,
    limits: &[Option<i64>],
    patience: &[usize],
    steps: &impl Steps,
) {
    for part in parts.iter_mut() {
        part.watts = 0;
    }
    let mut running: Vec<usize> = (0..parts.len()).filter(|index| parts[*index].range.maximum > 0).collect();
    pause_until_it_fits(&mut running, parts, target, limits, patience);
    for index in &running {
        let range = parts[*index].range;
        parts[*index].watts = range.floor.max(range.minimum).min(range.maximum);
    }
    raise_together(&running, parts, target, limits, steps);
    round_up(&running, parts, target, limits, steps);
}

fn base(part: &Part) -> i64 {
    part.range.floor.max(part.range.minimum).min(part.range.maximum)
}

fn total(parts: &[Part], of: impl IntoIterator<Item = usize>, watts: impl Fn(&Part) -> i64) -> i64 {
    of.into_iter().map(|index| watts(&parts[index])).sum()
}

fn room(parts: &[Part], group: usize, limits: &[Option<i64>]) -> i64 {
    let used: i64 = parts.iter().filter(|part| part.group == group).map(|part| part.watts).sum();
    limits.get(group).copied().flatten().map_or(i64::MAX / 4, |limit| limit - used)
}

/// Takes out those that can wait until the rest's minima fit into the target and into each group's limit.
fn pause_until_it_fits(
    running: &mut Vec<usize>,
    parts: &[Part],
    target: i64,
    limits: &[Option<i64>],
    patience: &[usize],
) {
    for (group, limit) in limits.iter().enumerate() {
        let Some(limit) = *limit else { continue };
        for index in patience {
            let members = running.iter().copied().filter(|member| parts[*member].group == group);
            if total(parts, members, base) <= limit {
                break;
            }
            if parts[*index].group == group {
                running.retain(|member| member != index);
            }
        }
    }
    for index in patience {
        if total(parts, running.iter().copied(), base) <= target {
            break;
        }
        if parts[*index].range.floor == 0 {
            running.retain(|member| member != index);
        }
    }
}

/// Raises the lowest together until the target, a maximum or a group's limit stops them.
fn raise_together(
    running: &[usize],
    parts: &mut [Part],
    target: i64,
    limits: &[Option<i64>],
    steps: &impl Steps,
) {
    let mut free: Vec<usize> = running.to_vec();
    loop {
        free.retain(|index| parts[*index].watts < parts[*index].range.maximum);
        let left = target - parts.iter().map(|part| part.watts).sum::<i64>();
        if free.is_empty() || left <= 0 {
            return;
        }
        let mut stopped = false;
        for group in groups(&free, parts) {
            let members: Vec<usize> =
                free.iter().copied().filter(|index| parts[*index].group == group).collect();
            let group_room = room(parts, group, limits);
            let headroom = total(parts, members.iter().copied(), |part| part.range.maximum - part.watts);
            let level = water_level(&free, parts, left);
            let wanted = total(parts, members.iter().copied(), |part| raised(part, level) - part.watts);
            if wanted > group_room && headroom > group_room {
                let level = water_level(&members, parts, group_room);
                settle(&members, parts, level, steps);
                free.retain(|index| parts[*index].group != group);
                stopped = true;
                break;
            }
        }
        if !stopped {
            let level = water_level(&free, parts, left);
            settle(&free, parts, level, steps);
            return;
        }
    }
}

fn groups(free: &[usize], parts: &[Part]) -> Vec<usize> {
    let mut groups: Vec<usize> = free.iter().map(|index| parts[*index].group).collect();
    groups.sort_unstable();
    groups.dedup();
    groups
}

fn raised(part: &Part, level: i64) -> i64 {
    level.clamp(part.watts, part.range.maximum.max(part.watts))
}

/// The highest level to which `members` can rise with `left` watts, by halving.
fn water_level(members: &[usize], parts: &[Part], left: i64) -> i64 {
    let (mut low, mut high) = (0, members.iter().map(|index| parts[*index].range.maximum).max().unwrap_or(0));
    while low < high {
        let middle = low + (high - low + 1) / 2;
        let needed = total(parts, members.iter().copied(), |part| raised(part, middle) - part.watts);
        if needed <= left { low = middle } else { high = middle - 1 }
    }
    low
}

fn settle(members: &[usize], parts: &mut [Part], level: i64, steps: &impl Steps) {
    for index in members {
        let raised = steps.told(*index, raised(&parts[*index], level));
        parts[*index].watts = raised.max(parts[*index].watts);
    }
}

/// Gives out what rounding left, a step at a time, in the order of the sessions.
fn round_up(running: &[usize], parts: &mut [Part], target: i64, limits: &[Option<i64>], steps: &impl Steps) {
    let mut left = target - parts.iter().map(|part| part.watts).sum::<i64>();
    loop {
        let before = left;
        for index in running {
            let next = steps.next_told(*index, parts[*index].watts);
            let step = next - parts[*index].watts;
            if next <= parts[*index].range.maximum
                && step <= left
                && step <= room(parts, parts[*index].group, limits)
            {
                parts[*index].watts = next;
                left -= step;
            }
        }
        if left <= 0 || (left == before && !exchange(running, parts, left, limits, steps)) {
            return;
        }
        left = target - parts.iter().map(|part| part.watts).sum::<i64>();
    }
}

/// Where what is left is less than a step of those that could rise: raises one, and lowers another by what is too much.
fn exchange(
    running: &[usize],
    parts: &mut [Part],
    left: i64,
    limits: &[Option<i64>],
    steps: &impl Steps,
) -> bool {
    for up in running {
        let raised = steps.next_told(*up, parts[*up].watts);
        let step = raised - parts[*up].watts;
        let excess = step - left;
        if excess <= 0 || raised > parts[*up].range.maximum {
            continue;
        }
        for down in running.iter().filter(|down| *down != up) {
            let lowered = parts[*down].watts - excess;
            let relief = if parts[*down].group == parts[*up].group { excess } else { 0 };
            if lowered >= base(&parts[*down])
                && steps.told(*down, lowered) == lowered
                && step - relief <= room(parts, parts[*up].group, limits)
            {
                parts[*up].watts = raised;
                parts[*down].watts = lowered;
                return true;
            }
        }
    }
    false
}
