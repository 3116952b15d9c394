//! Spans that are all alike: an aggregate of chargers is a polymatroid that knows only how many spans a set has. So the
//! spans with the largest and with the smallest demands decide (Panda and Tindemans, arXiv 2310.02729).

use super::load::Loads;
use super::{Demand, Undeliverable, energy, too_little, too_much};
use crate::tree::ROOT;

/// Whether the sums of the largest and of the smallest demands are within the aggregate's bounds.
pub(super) fn check(loads: &Loads, demands: &[Demand]) -> Result<(), Undeliverable> {
    let Bounds { most, least } = bounds(loads, demands.len());
    let length = loads.lengths.first().copied().unwrap_or(0);
    let mut numbers: Vec<usize> = (0..demands.len()).collect();

    numbers.sort_by_key(|number| std::cmp::Reverse(demands[*number].least));
    let mut sum = 0_i64;
    for (count, number) in (1..).zip(&numbers) {
        sum = sum.saturating_add(energy(demands[*number].least.watts(), length));
        if sum > most[count] {
            return Err(too_much(demands, numbers[..count].to_vec(), sum, most[count]));
        }
    }

    numbers.sort_by_key(|number| demands[*number].most);
    let mut sum = 0_i64;
    for count in 0..=numbers.len() {
        if let Some(number) = count.checked_sub(1) {
            sum = sum.saturating_add(energy(demands[numbers[number]].most.watts(), length));
        }
        if sum < least[count] {
            return Err(too_little(demands, numbers[..count].to_vec(), sum, least[count]));
        }
    }
    Ok(())
}

/// What can be drawn in none, one, two … spans, in watt seconds.
#[derive(Clone)]
struct Bounds {
    /// At most.
    most: Vec<i64>,
    /// At least, with full power in the others.
    least: Vec<i64>,
}

/// The bounds of everything below the congestion point. Sums of sessions add up; a limit is one more bound on both sides.
fn bounds(loads: &Loads, spans: usize) -> Bounds {
    let nothing = Bounds { most: vec![0; spans + 1], least: vec![0; spans + 1] };
    let mut nodes = vec![nothing; loads.tree.len()];
    let counts = || (0_i64..).take(spans + 1);
    let all = counts().last().unwrap_or(0);
    for load in &loads.each {
        let capacity = load.capacity.first().copied().unwrap_or(0);
        let Bounds { most, least } = &mut nodes[load.node];
        for ((count, most), least) in counts().zip(most).zip(least) {
            *most = most.saturating_add(energy(capacity, count).min(load.most));
            *least = least.saturating_add((load.least - energy(capacity, all - count)).max(0));
        }
    }
    for node in (0..nodes.len()).rev() {
        let limit = if spans == 0 { 0 } else { loads.limit(node, 0) };
        let Bounds { mut most, mut least } = nodes[node].clone();
        let needed = least[spans];
        for ((count, most), least) in counts().zip(&mut most).zip(&mut least) {
            *most = (*most).min(energy(limit, count));
            *least = (*least).max(needed.saturating_sub(energy(limit, all - count)));
        }
        if node == ROOT {
            return Bounds { most, least };
        }
        let above = &mut nodes[loads.tree.parent(node)];
        for (sum, own) in above.most.iter_mut().zip(most).chain(above.least.iter_mut().zip(least)) {
            *sum = sum.saturating_add(own);
        }
    }
    nodes.swap_remove(ROOT)
}
