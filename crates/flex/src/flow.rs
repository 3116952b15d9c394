use std::collections::VecDeque;

/// A network through which something flows, in whole numbers, from node 0 to node 1 (Dinic's algorithm).
#[derive(Debug, Default)]
pub(crate) struct Network {
    edges: Vec<Edge>,
    /// The edges out of each node, each beside its reverse.
    out: Vec<Vec<usize>>,
}

#[derive(Clone, Copy, Debug)]
struct Edge {
    to: usize,
    /// What can still flow.
    left: i64,
}

pub(crate) const SOURCE: usize = 0;
pub(crate) const SINK: usize = 1;

impl Network {
    /// Source and sink.
    pub(crate) fn new() -> Self {
        Self { edges: Vec::new(), out: vec![Vec::new(), Vec::new()] }
    }

    pub(crate) fn node(&mut self) -> usize {
        self.out.push(Vec::new());
        self.out.len() - 1
    }

    /// Lets up to `capacity` flow from one node to another.
    pub(crate) fn edge(&mut self, from: usize, to: usize, capacity: i64) {
        self.out[from].push(self.edges.len());
        self.edges.push(Edge { to, left: capacity });
        self.out[to].push(self.edges.len());
        self.edges.push(Edge { to: from, left: 0 });
    }

    /// Lets as much flow as can, and says how much that is.
    pub(crate) fn flow(&mut self) -> i64 {
        let mut flow = 0_i64;
        loop {
            let distances = self.distances();
            if distances[SINK].is_none() {
                return flow;
            }
            let mut tried = vec![0; self.out.len()];
            loop {
                let pushed = self.push(&distances, &mut tried);
                if pushed == 0 {
                    break;
                }
                flow = flow.saturating_add(pushed);
            }
        }
    }

    /// After [`flow`](Self::flow): whether more could flow from the source to each node. The rest is what is full.
    pub(crate) fn is_reached(&self) -> Vec<bool> {
        self.distances().into_iter().map(|distance| distance.is_some()).collect()
    }

    /// How many edges with something left lead from the source to each node.
    fn distances(&self) -> Vec<Option<usize>> {
        let mut distances = vec![None; self.out.len()];
        distances[SOURCE] = Some(0);
        let mut next = VecDeque::from([(SOURCE, 0)]);
        while let Some((node, distance)) = next.pop_front() {
            for edge in self.out[node].iter().map(|edge| self.edges[*edge]) {
                if edge.left > 0 && distances[edge.to].is_none() {
                    distances[edge.to] = Some(distance + 1);
                    next.push_back((edge.to, distance + 1));
                }
            }
        }
        distances
    }

    /// Pushes something along one shortest path; 0 if there is none left. `tried` says how many edges of each node lead
    /// nowhere.
    fn push(&mut self, distances: &[Option<usize>], tried: &mut [usize]) -> i64 {
        let mut path: Vec<usize> = Vec::new();
        let mut node = SOURCE;
        while node != SINK {
            let Some(edge) = self.out[node].get(tried[node]).copied() else {
                let Some(back) = path.pop() else { return 0 };
                node = self.edges[back ^ 1].to;
                tried[node] += 1;
                continue;
            };
            let Edge { to, left } = self.edges[edge];
            let is_next = distances[node].is_some_and(|here| distances[to] == Some(here + 1));
            if left > 0 && is_next {
                path.push(edge);
                node = to;
            } else {
                tried[node] += 1;
            }
        }
        let pushed = path.iter().map(|edge| self.edges[*edge].left).min().unwrap_or(0);
        for edge in path {
            self.edges[edge].left -= pushed;
            self.edges[edge ^ 1].left = self.edges[edge ^ 1].left.saturating_add(pushed);
        }
        pushed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_much_flows_as_the_narrowest_cut_lets() {
        let mut network = Network::new();
        let (one, other) = (network.node(), network.node());
        network.edge(SOURCE, one, 10);
        network.edge(SOURCE, other, 10);
        network.edge(one, other, 5);
        network.edge(one, SINK, 4);
        network.edge(other, SINK, 9);
        assert_eq!(network.flow(), 13);
        assert_eq!(network.is_reached(), [true, false, true, true]);
    }

    /// The first path is the wrong one, and is taken back.
    #[test]
    fn what_flowed_is_led_elsewhere_where_that_lets_more_through() {
        let mut network = Network::new();
        let nodes: Vec<usize> = (0..4).map(|_| network.node()).collect();
        network.edge(SOURCE, nodes[0], 1);
        network.edge(SOURCE, nodes[1], 1);
        network.edge(nodes[0], nodes[2], 1);
        network.edge(nodes[0], nodes[3], 1);
        network.edge(nodes[1], nodes[2], 1);
        network.edge(nodes[2], SINK, 1);
        network.edge(nodes[3], SINK, 1);
        assert_eq!(network.flow(), 2);
    }

    #[test]
    fn nothing_flows_where_nothing_leads() {
        assert_eq!(Network::new().flow(), 0);
    }
}
