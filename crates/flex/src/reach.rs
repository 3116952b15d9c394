//! What sums a fleet can reach, and how.
//!
//! A session gives 0 or something from its minimum to its maximum, so what several give together is a union of intervals.
//! These grow together quickly: a charger of 6 to 16 A beside another of its kind leaves one gap. The sums of a fleet are
//! built up session by session, and gone back through from the sum that is wanted to what each session gives.

mod sums;

use self::sums::Sums;
use crate::Miss;
use crate::fill::{Part, level, total};
use crate::tree::{Level, ROOT, Tree};

/// How many intervals are put together in one search, at most. Sessions that would take more keep what they have, and the
/// sum that is found may not be the best. Fleets that are told watts stay far below, whatever their size. So do those told
/// amperes where 0.1 A is a whole number of watts.
const WORK: usize = 1 << 17;

/// How many of these each session may take at least, however many share the work. Where it would take more than its share, it
/// is put together with those sums of the sessions before it that are nearest to what is looked for: a search sees more
/// sessions, and small fleets are still searched whole.
const BREADTH: usize = 1 << 11;

/// Whether no other choice can come nearer to `target`, which lies above what the parts have now: by their maxima, limits
/// and steps alone.
pub(crate) fn is_best(parts: &[Part], target: i64, miss: Miss, tree: &Tree) -> bool {
    let most = tree.most(parts, Level::CongestionPoint);
    let unit = unit(parts);
    let exact = target % unit == 0 || target >= most;
    total(parts) == target.min(most).div_euclid(unit) * unit && (exact || miss == Miss::Below)
}

/// Changes the parts, which are below `target`, so that they reach it exactly; where that can't be, so that they come as
/// near as can be from the side that `miss` allows.
///
/// A search that leaves something out may find from one side what it does not find from the other. So both are tried before
/// a target is missed, unless the first has seen all: whether it is reached does not depend on `miss`.
pub(crate) fn improve(parts: &mut [Part], target: i64, miss: Miss, tree: &Tree) {
    let before: Vec<i64> = parts.iter().map(|part| part.watts).collect();
    if !approach(parts, target, miss, tree) {
        let mut from_the_other_side: Vec<Part> =
            parts.iter().zip(before).map(|(part, watts)| Part { watts, ..*part }).collect();
        let other = if miss == Miss::Below { Miss::Above } else { Miss::Below };
        approach(&mut from_the_other_side, target, other, tree);
        if total(&from_the_other_side) == target {
            parts.copy_from_slice(&from_the_other_side);
        }
    }
    share_alike(parts, tree);
}

/// Comes as near to `target` as a search from this side finds. Says whether that settles it: the target is reached, or
/// nothing can reach it.
fn approach(parts: &mut [Part], target: i64, miss: Miss, tree: &Tree) -> bool {
    let unit = unit(parts);
    let (below, room) = (target.div_euclid(unit), tree.limit(ROOT).div_euclid(unit));
    let above = if target % unit == 0 { below } else { below + 1 };
    let (goal, cap) = if miss == Miss::Above && above <= room { (above, room) } else { (below, below) };
    // A few steps up and down are enough for most fleets, and little work. Ten of 0.1 A are a whole number of watts again,
    // and so are enough for what steps of uneven watts can come to.
    let is_uneven = parts.iter().any(|part| part.supply.step().is_none());
    let near = if is_uneven { &[Choice::Near(2), Choice::Near(10)][..] } else { &[Choice::Near(2)] };
    let is_settled = near.iter().copied().chain([Choice::All]).any(|choice| {
        let Found { sum, saw_all } = search(parts, goal, miss, tree, Search { unit, choice, cap });
        sum == Some(goal) || (saw_all && choice == Choice::All)
    });
    is_settled || target % unit != 0
}

/// What to choose from.
#[derive(Clone, Copy)]
struct Search {
    /// What all powers are a multiple of, in watts.
    unit: i64,
    choice: Choice,
    /// What all together may have at most, in units.
    cap: i64,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Choice {
    /// Those that run go on running, so many steps from where they are at most.
    Near(i64),
    /// Everything that can be told.
    All,
}

/// What a search has come to.
struct Found {
    /// What the parts have then, in units; `None` if there is nothing that they can have.
    sum: Option<i64>,
    /// Whether nothing was left out.
    saw_all: bool,
}

/// Brings the parts to `goal` units, or as near as can be.
fn search(parts: &mut [Part], goal: i64, miss: Miss, tree: &Tree, search: Search) -> Found {
    let mut chain = Chain::default();
    let mut work = WORK;
    let mut rest = total(parts) / search.unit;
    let (items, mut saw_all) = items(parts, tree, search, &mut work);
    let breadth = (WORK / items.len().max(1)).max(BREADTH);
    for item in items {
        let own = item.sums(parts, search);
        let wish = goal - rest;
        let present = item.present(parts) / search.unit;
        // Those that follow can stay as they are.
        if own.adds_up_to(wish + present, chain.sums()) {
            rest -= present;
            chain.end(item, wish + present);
            break;
        }
        let most = (breadth / own.len().max(1)).max(1);
        let before = chain.sums().nearest(wish, most);
        if !spend(&mut work, own.len() * before.len()) {
            saw_all = false;
            break;
        }
        saw_all &= before.len() == chain.sums().len();
        rest -= present;
        chain.add(item, before.plus(&own, search.cap));
    }
    let below = || chain.sums().at_most(goal - rest);
    let found = match miss {
        Miss::Below => below(),
        Miss::Above => {
            chain.sums().at_least(goal - rest).filter(|sum| *sum <= search.cap - rest).or_else(below)
        }
    };
    if let Some(found) = found {
        chain.settle(found, parts, search);
    }
    Found { sum: found.map(|found| found + rest), saw_all }
}

/// Whether the parts, which are not at `target` now, could reach it if all of them were told watts.
pub(crate) fn is_reached_without_steps(parts: &[Part], target: i64, tree: &Tree) -> bool {
    if parts.iter().all(|part| part.supply == part.supply.without_steps()) {
        return false;
    }
    let mut parts: Vec<Part> =
        parts.iter().map(|part| Part { supply: part.supply.without_steps(), ..*part }).collect();
    improve(&mut parts, target, Miss::Below, tree);
    total(&parts) == target
}

/// Shares what the parts have over the same parts alike, where that comes to the same sum.
fn share_alike(parts: &mut [Part], tree: &Tree) {
    let planned = total(parts);
    let settled: Vec<i64> = parts.iter().map(|part| part.watts).collect();
    let running: Vec<usize> = (0..parts.len()).filter(|index| parts[*index].watts > 0).collect();
    level(&running, parts, planned, tree);
    if total(parts) != planned {
        for (part, watts) in parts.iter_mut().zip(settled) {
            part.watts = watts;
        }
    }
}

/// What all that can be told is a multiple of, in watts.
fn unit(parts: &[Part]) -> i64 {
    let own = |part: &Part| match part.range.maximum {
        maximum if maximum == part.least() => maximum,
        _ => part.supply.step().unwrap_or(1),
    };
    let units = parts.iter().filter(|part| part.range.maximum > 0).map(own);
    units.fold(0, greatest_common_divisor).max(1)
}

fn greatest_common_divisor(one: i64, other: i64) -> i64 {
    if other == 0 { one } else { greatest_common_divisor(other, one % other) }
}

/// A session, or all those below a limit that binds.
enum Item {
    Session(usize),
    Node(Chain),
}

impl Item {
    /// What it has.
    fn present(&self, parts: &[Part]) -> i64 {
        match self {
            Self::Session(index) => parts[*index].watts,
            Self::Node(chain) => chain.items.iter().map(|item| item.present(parts)).sum(),
        }
    }

    /// What it can give.
    fn sums(&self, parts: &[Part], search: Search) -> Sums {
        match self {
            Self::Session(index) => told(&parts[*index], search),
            Self::Node(chain) => chain.sums().clone(),
        }
    }
}

/// Those that can give something, and whether that is all that they can give.
fn items(parts: &[Part], tree: &Tree, search: Search, work: &mut usize) -> (Vec<Item>, bool) {
    let most = tree.sums(parts, |part| part.range.maximum);
    let binds = |node: &usize| *node != ROOT && most[*node] > tree.limit(*node);
    let (mut items, mut is_all) = (Vec::new(), true);
    let mut bound: Vec<Chain> = (0..tree.len()).map(|_| Chain::default()).collect();
    let mut put = |above: Option<usize>, item: Item, bound: &mut [Chain]| match above {
        Some(node) => {
            let chain = &mut bound[node];
            let mut sums = item.sums(parts, search);
            if !spend(work, sums.len() * chain.sums().len()) {
                let present = item.present(parts) / search.unit;
                sums = Sums::of([(present, present)]);
                is_all = false;
            }
            let cap = search.cap.min(tree.limit(node).max(0) / search.unit);
            let given = chain.sums().plus(&sums, cap);
            chain.add(item, given);
        }
        None => items.push(item),
    };
    for index in in_turn(parts) {
        put(tree.path(parts[index].node).find(binds), Item::Session(index), &mut bound);
    }
    for node in (1..tree.len()).rev() {
        let chain = std::mem::take(&mut bound[node]);
        if !chain.items.is_empty() {
            put(tree.path(tree.parent(node)).find(binds), Item::Node(chain), &mut bound);
        }
    }
    (items, is_all)
}

/// Those that can give something, the finest steps first: they close the gaps of the others. As many of those that pause as
/// of those that run, of whatever minima: a search that ends early has seen all kinds.
fn in_turn(parts: &[Part]) -> Vec<usize> {
    let mut seen = [0_usize; 2];
    let mut turns: Vec<(i64, usize, usize)> = (0..parts.len())
        .filter(|index| parts[*index].range.maximum > 0)
        .map(|index| {
            let part = &parts[index];
            let seen = &mut seen[usize::from(part.watts > 0)];
            *seen += 1;
            (part.supply.step().unwrap_or(i64::MAX), *seen, index)
        })
        .collect();
    turns.sort_unstable();
    turns.into_iter().map(|(_, _, index)| index).collect()
}

/// Takes `needed` from `work` if there is as much.
fn spend(work: &mut usize, needed: usize) -> bool {
    work.checked_sub(needed).map(|left| *work = left).is_some()
}

/// What a session can be told, in units.
fn told(part: &Part, Search { unit, choice, cap }: Search) -> Sums {
    let (mut least, mut most) = (part.least(), part.range.maximum.min(cap.saturating_mul(unit)));
    let pause = (part.must == 0 && (choice == Choice::All || part.watts == 0)).then_some((0, 0));
    if choice != Choice::All && part.watts == 0 {
        return Sums::of(pause);
    }
    if part.supply.step() == Some(unit) {
        return Sums::of(pause.into_iter().chain((least <= most).then_some((least / unit, most / unit))));
    }
    if let Choice::Near(steps) = choice {
        least = least.max(part.supply.told_above(part.watts, -steps));
        most = most.min(part.supply.told_above(part.watts, steps));
    }
    let powers = std::iter::successors(Some(least), |watts| Some(part.supply.next_told(*watts)));
    let powers = powers.take_while(|watts| *watts <= most).map(|watts| (watts / unit, watts / unit));
    Sums::of(pause.into_iter().chain(powers))
}

/// Items, and the sums that the first of them can give: none, one, two and so on.
#[derive(Default)]
struct Chain {
    items: Vec<Item>,
    given: Vec<Sums>,
}

impl Chain {
    /// What all of them together can give.
    fn sums(&self) -> &Sums {
        self.given.last().unwrap_or(&Sums::ZERO)
    }

    fn add(&mut self, item: Item, given: Sums) {
        self.items.push(item);
        self.given.push(given);
    }

    /// Adds the last item, with which all together give `sum`.
    fn end(&mut self, item: Item, sum: i64) {
        self.add(item, Sums::of([(sum, sum)]));
    }

    /// Lets the items give `sum` together, each as near to what it has as can be, the last first.
    fn settle(&self, mut sum: i64, parts: &mut [Part], search: Search) {
        for (position, item) in self.items.iter().enumerate().rev() {
            let others = position.checked_sub(1).map_or(&Sums::ZERO, |before| &self.given[before]);
            let present = item.present(parts) / search.unit;
            let own = item.sums(parts, search).part_of(sum, others, present).unwrap_or(present);
            match item {
                Item::Session(index) => parts[*index].watts = own * search.unit,
                Item::Node(chain) => chain.settle(own, parts, search),
            }
            sum -= own;
        }
    }
}
