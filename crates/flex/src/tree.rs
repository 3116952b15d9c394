use std::collections::BTreeMap;

use tieline_types::Power;

use crate::fill::Part;
use crate::{ChargingSession, Fleet};

/// More than any fleet draws.
pub(crate) const ALL: i64 = i64::MAX / 8;

/// The congestion point.
pub(crate) const ROOT: usize = 0;

/// The limits of a congestion point, its connections and their devices. What has no limit has no node; parents come before
/// their children.
#[derive(Clone, Debug)]
pub(crate) struct Tree(Vec<Node>);

#[derive(Clone, Copy, Debug)]
struct Node {
    level: Level,
    parent: usize,
    limit: i64,
}

/// What a limit is the limit of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Level {
    CongestionPoint,
    Connection,
    Device,
}

impl Tree {
    /// The limits of a fleet.
    pub(crate) fn of(fleet: &Fleet) -> (Self, Places<'_>) {
        let root = Node {
            level: Level::CongestionPoint,
            parent: ROOT,
            limit: fleet.limit.map_or(ALL, Power::watts),
        };
        let mut nodes = vec![root];
        let mut add = |level, parent, limit: Option<Power>| {
            limit.map_or(parent, |limit| {
                nodes.push(Node { level, parent, limit: limit.watts() });
                nodes.len() - 1
            })
        };
        let connections: BTreeMap<_, _> = fleet
            .connections
            .iter()
            .map(|known| (known.address.as_str(), add(Level::Connection, ROOT, known.limit)))
            .collect();
        let devices = fleet
            .devices
            .iter()
            .map(|known| {
                let parent = connections.get(known.connection.as_str()).copied().unwrap_or(ROOT);
                (known.id.as_str(), add(Level::Device, parent, known.limit))
            })
            .collect();
        (Self(nodes), Places { connections, devices })
    }

    /// How many nodes there are.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn limit(&self, node: usize) -> i64 {
        self.0[node].limit
    }

    pub(crate) fn level(&self, node: usize) -> Level {
        self.0[node].level
    }

    pub(crate) fn parent(&self, node: usize) -> usize {
        self.0[node].parent
    }

    /// The node and all above it, the congestion point last.
    pub(crate) fn path(&self, node: usize) -> impl Iterator<Item = usize> + use<'_> {
        std::iter::successors(Some(node), |node| (*node != ROOT).then(|| self.0[*node].parent))
    }

    /// Adds `watts` to what is used at the node and at all above it.
    pub(crate) fn add(&self, used: &mut [i64], node: usize, watts: i64) {
        for node in self.path(node) {
            used[node] = used[node].saturating_add(watts);
        }
    }

    /// The sum of something over the parts below each node.
    pub(crate) fn sums(&self, parts: &[Part], of: impl Fn(&Part) -> i64) -> Vec<i64> {
        let mut sums = vec![0_i64; self.len()];
        for part in parts {
            sums[part.node] = sums[part.node].saturating_add(of(part));
        }
        for node in (1..self.len()).rev() {
            let parent = self.0[node].parent;
            sums[parent] = sums[parent].saturating_add(sums[node]);
        }
        sums
    }

    /// The most that the parts can take within the limits from `level` down, if there were no minima.
    pub(crate) fn most(&self, parts: &[Part], level: Level) -> i64 {
        let mut sums = vec![0_i64; self.len()];
        for part in parts {
            sums[part.node] = sums[part.node].saturating_add(part.range.maximum);
        }
        for (node, Node { level: own, parent, limit }) in self.0.iter().enumerate().rev() {
            if *own >= level {
                sums[node] = sums[node].min((*limit).max(0));
            }
            if node != ROOT {
                sums[*parent] = sums[*parent].saturating_add(sums[node]);
            }
        }
        sums[ROOT]
    }

    /// Those of `indices` below each node that is `wanted`, in their order.
    pub(crate) fn members(
        &self,
        indices: impl IntoIterator<Item = usize>,
        parts: &[Part],
        wanted: impl Fn(usize) -> bool,
    ) -> Vec<Vec<usize>> {
        let mut members: Vec<Vec<usize>> = vec![Vec::new(); self.len()];
        for index in indices {
            for node in self.path(parts[index].node).filter(|node| wanted(*node)) {
                members[node].push(index);
            }
        }
        members
    }

    /// Whether there is room for `more` at the node and at all above it.
    pub(crate) fn has_room(&self, used: &[i64], node: usize, more: i64) -> bool {
        self.path(node).all(|node| used[node].saturating_add(more) <= self.limit(node))
    }

    /// Whether every node is within its limit.
    pub(crate) fn fits(&self, used: &[i64]) -> bool {
        self.0.iter().zip(used).all(|(node, used)| *used <= node.limit)
    }

    /// What is left of the limits after `loads`, each at its node.
    pub(crate) fn after(&self, loads: impl IntoIterator<Item = (usize, i64)>) -> Self {
        let mut left = self.clone();
        for (node, watts) in loads {
            for node in self.path(node) {
                left.0[node].limit = left.0[node].limit.saturating_sub(watts);
            }
        }
        left
    }
}

/// Where the sessions of a fleet are in its tree.
#[derive(Debug)]
pub(crate) struct Places<'a> {
    connections: BTreeMap<&'a str, usize>,
    devices: BTreeMap<&'a str, usize>,
}

impl Places<'_> {
    /// The lowest node above a session. One at a connection that the fleet does not name is at the congestion point.
    pub(crate) fn of(&self, session: &ChargingSession) -> usize {
        let device = session.device.as_ref().and_then(|device| self.devices.get(device.as_str()));
        device.or_else(|| self.connections.get(session.connection.as_str())).copied().unwrap_or(ROOT)
    }
}
