use std::collections::{BTreeMap, BTreeSet};

use tieline_types::{Domain, EntityAddress};

use super::Dso;
use crate::market::Trading;
use crate::role::registering::Declared;

impl Dso {
    /// What is registered with a common reference operator: the congestion points.
    pub(crate) fn declared(&self) -> BTreeMap<EntityAddress, Declared> {
        let points = self.config.congestion_points.iter().map(|point| {
            let trading = point.day_ahead_redispatch_by.map(|day_ahead_redispatch_by| Trading {
                mutex_offers: point.mutex_offers_supported,
                day_ahead_redispatch_by,
                intraday_redispatch_by: point.intraday_redispatch_by,
            });
            let connections = point.connections.iter().cloned().collect();
            (point.entity_address.clone(), Declared { trading, connections })
        });
        points.collect()
    }

    /// Where the operator and the configuration differ about what is behind a congestion point, and who has it where that
    /// is told.
    pub(crate) fn portfolio_differences(
        &self,
        point: &EntityAddress,
        said: &[(EntityAddress, Option<Domain>)],
    ) -> Vec<String> {
        let known = self.config.congestion_points.iter().find(|known| known.entity_address == *point);
        let Some(known) = known else { return Vec::new() };
        let configured: BTreeSet<_> = known.connections.iter().collect();
        let registered: BTreeSet<_> = said.iter().map(|(connection, _)| connection).collect();
        let lacking = configured.difference(&registered);
        let mut differences: Vec<String> =
            lacking.map(|connection| format!("{connection} is not registered behind {point}")).collect();
        let more = registered.difference(&configured);
        differences.extend(
            more.map(|connection| format!("{connection} is registered behind {point} and not configured")),
        );
        let others = said.iter().filter_map(|(connection, agr)| {
            let agr = agr.as_ref().filter(|agr| !known.aggregators.contains(agr))?;
            Some(format!("{agr} has {connection} and is no aggregator of {point}"))
        });
        differences.extend(others);
        differences
    }
}
