use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use tieline_types::{Domain, EntityAddress};

use super::Agr;
use crate::market::Registered;
use crate::role::registering::Declared;

/// Where a common reference operator says that a connection is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Placed {
    pub(crate) connection: EntityAddress,
    /// The grid operator and the congestion point, if it is behind any.
    pub(crate) behind: Option<(Domain, EntityAddress)>,
}

impl Agr {
    /// What is registered with a common reference operator: the connections.
    pub(crate) fn declared(&self) -> BTreeMap<EntityAddress, Declared> {
        let connection = || Declared { trading: None, connections: BTreeSet::new() };
        self.config.connections.iter().map(|known| (known.entity_address.clone(), connection())).collect()
    }

    /// Where the operator and the configuration differ about a day.
    pub(crate) fn portfolio_differences(
        &self,
        said: &[Placed],
        registered: &[Registered],
        period: Date,
    ) -> Vec<String> {
        let mut by_connection: BTreeMap<&EntityAddress, Vec<&(Domain, EntityAddress)>> = BTreeMap::new();
        for placed in said {
            by_connection.entry(&placed.connection).or_default().extend(&placed.behind);
        }
        let configured: BTreeMap<_, _> = self
            .config
            .connections
            .iter()
            .map(|known| (&known.entity_address, &known.congestion_point))
            .collect();
        let mut differences: Vec<String> = configured
            .iter()
            .filter_map(|(connection, point)| {
                self.difference(connection, point, by_connection.get(connection))
            })
            .collect();
        // What was given up is registered until the end of its last day.
        let given_up: BTreeSet<_> = registered
            .iter()
            .filter(|known| known.days.end.is_some_and(|end| end >= period))
            .map(|known| &known.address)
            .collect();
        let more = by_connection
            .keys()
            .filter(|connection| !configured.contains_key(*connection) && !given_up.contains(*connection));
        differences.extend(more.map(|connection| format!("{connection} is registered and not configured")));
        differences
    }

    fn difference(
        &self,
        connection: &EntityAddress,
        point: &EntityAddress,
        behind: Option<&Vec<&(Domain, EntityAddress)>>,
    ) -> Option<String> {
        let Some(behind) = behind else { return Some(format!("{connection} is not registered")) };
        if behind.is_empty() {
            return Some(format!("{connection} is behind no congestion point and not behind {point}"));
        }
        let Some((dso, _)) = behind.iter().find(|(_, known)| known == point) else {
            let others: Vec<_> = behind.iter().map(|(_, known)| known.to_string()).collect();
            return Some(format!("{connection} is behind {} and not behind {point}", others.join(", ")));
        };
        let configured = &self.reported(point)?.dso;
        (dso != configured).then(|| format!("{connection}: {dso} and not {configured} has {point}"))
    }
}
