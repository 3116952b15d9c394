//! The general case: energy is transported from the sessions to the spans, through the limits.
//!
//! A flow that reaches all least demands and one that brings every session what it needs make one that does both, because
//! what is common to the two can be joined (the symmetric supply and demand theorem of Ford and Fulkerson).

use super::load::{Load, Loads};
use super::{Demand, Undeliverable, energy, too_little, too_much};
use crate::flow::{Network, SINK, SOURCE};
use crate::tree::ROOT;

/// Whether the sessions can take the least demands, and what they need fits into the largest ones.
pub(super) fn check(loads: &Loads, demands: &[Demand]) -> Result<(), Undeliverable> {
    let in_span = |watts: i64, number: usize| energy(watts, loads.lengths[number]);
    let least: Vec<i64> =
        (0..).zip(demands).map(|(number, demand)| in_span(demand.least.watts(), number).max(0)).collect();
    let most: Vec<i64> =
        (0..).zip(demands).map(|(number, demand)| in_span(demand.most.watts(), number)).collect();
    let sum = |values: &mut dyn Iterator<Item = i64>| values.fold(0, i64::saturating_add);
    let needed_in_all = sum(&mut loads.each.iter().map(|load| load.least));
    // Nothing less than 0 can be drawn.
    if let Some(number) = most.iter().position(|most| *most < 0) {
        let mut others = vec![i64::MAX; most.len()];
        others[number] = 0;
        let (reached, _) = transport(loads, &others, |load| load.least);
        return Err(too_little(demands, vec![number], most[number], needed_in_all - reached));
    }

    let (reached, is_reached) = transport(loads, &least, |load| load.most);
    let missing = sum(&mut least.iter().copied()) - reached;
    if missing > 0 {
        let numbers: Vec<usize> = (0..demands.len()).filter(|number| !is_reached[*number]).collect();
        let wanted = sum(&mut numbers.iter().map(|number| least[*number]));
        return Err(too_much(demands, numbers, wanted, wanted - missing));
    }
    let (reached, is_reached) = transport(loads, &most, |load| load.least);
    let missing = needed_in_all - reached;
    if missing > 0 {
        let numbers: Vec<usize> = (0..demands.len()).filter(|number| is_reached[*number]).collect();
        let let_through = sum(&mut numbers.iter().map(|number| most[*number]));
        return Err(too_little(demands, numbers, let_through, let_through.saturating_add(missing)));
    }
    Ok(())
}

/// What comes from the sessions to the spans, at most, and whether each span is on the sessions' side of the narrowest cut.
fn transport(loads: &Loads, demands: &[i64], supply: impl Fn(&Load) -> i64) -> (i64, Vec<bool>) {
    let mut network = Network::new();
    // In each span each node of the tree, and what leaves the congestion point.
    let mut nodes: Vec<Vec<usize>> = Vec::with_capacity(demands.len());
    let mut gates = Vec::with_capacity(demands.len());
    for (span, demand) in demands.iter().enumerate() {
        let at: Vec<usize> = (0..loads.tree.len()).map(|_| network.node()).collect();
        let gate = network.node();
        network.edge(gate, SINK, *demand);
        for (node, from) in at.iter().enumerate() {
            let to = if node == ROOT { gate } else { at[loads.tree.parent(node)] };
            network.edge(*from, to, loads.limit(node, span));
        }
        nodes.push(at);
        gates.push(gate);
    }
    for load in loads.each.iter().filter(|load| supply(load) > 0) {
        let session = network.node();
        network.edge(SOURCE, session, supply(load));
        for (at, capacity) in nodes.iter().zip(&load.capacity).filter(|(_, capacity)| **capacity > 0) {
            network.edge(session, at[load.node], *capacity);
        }
    }
    let flow = network.flow();
    let is_reached = network.is_reached();
    (flow, gates.into_iter().map(|gate| is_reached[gate]).collect())
}
