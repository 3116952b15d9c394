use tieline_store::{Records as _, StoreError};
use tieline_types::{Domain, EntityAddress};

use super::Dso;
use crate::config::CongestionPointConfig;
use crate::market::{Metered, Settlement};

/// Why a Metering message can't be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MeteringRefusal {
    /// The connection is none of ours, or not the sender's.
    Connection,
    /// Another aggregator has metered it for that day.
    Taken,
    /// The day is not over.
    Period,
    /// A message with this revision or a higher one was taken before.
    Revision,
    /// The day has been settled.
    Settled,
}

impl Dso {
    /// The congestion point that a connection lies behind.
    pub(crate) fn point_of(&self, connection: &EntityAddress) -> Option<&CongestionPointConfig> {
        self.config.congestion_points.iter().find(|point| point.connections.contains(connection))
    }

    /// What is wrong with a Metering message, and the version of the one that it replaces.
    pub(crate) async fn metering_refusals(
        &self,
        metered: &Metered,
    ) -> Result<(Vec<MeteringRefusal>, i64), StoreError> {
        let store = &self.context.store;
        let Some(point) = self.point_of(&metered.connection) else {
            return Ok((vec![MeteringRefusal::Connection], 0));
        };
        let mut refusals = Vec::new();
        if !point.aggregators.contains(&metered.counterparty) {
            refusals.push(MeteringRefusal::Connection);
        }
        for other in point.aggregators.iter().filter(|other| **other != metered.counterparty) {
            if self.metered(other, metered).await?.is_some() {
                refusals.push(MeteringRefusal::Taken);
            }
        }
        if metered.span.end() > self.context.now() {
            refusals.push(MeteringRefusal::Period);
        }
        let known = self.metered(&metered.counterparty, metered).await?;
        if known.as_ref().is_some_and(|(known, _)| known.revision >= metered.revision) {
            refusals.push(MeteringRefusal::Revision);
        }
        let settlements =
            store.records_of::<Settlement>(metered.counterparty.as_str(), Some(metered.span)).await?;
        let settles = |settlement: &Settlement| {
            settlement
                .items
                .iter()
                .any(|item| item.period == metered.period && item.congestion_point == point.entity_address)
        };
        if settlements.iter().any(|stored| settles(&stored.value)) {
            refusals.push(MeteringRefusal::Settled);
        }
        Ok((refusals, known.map_or(0, |(_, version)| version)))
    }

    async fn metered(
        &self,
        aggregator: &Domain,
        like: &Metered,
    ) -> Result<Option<(Metered, i64)>, StoreError> {
        let key = Metered::key_of(aggregator, &like.connection, like.period);
        let known = self.context.store.record::<Metered>(&key).await?;
        Ok(known.map(|stored| (stored.value, stored.version)))
    }
}
