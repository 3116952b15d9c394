use tieline_store::{Records as _, StoreError, Stored};
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
    /// The day has been settled.
    Settled,
}

impl Dso {
    /// The congestion point that a connection lies behind.
    pub(crate) fn point_of(&self, connection: &EntityAddress) -> Option<&CongestionPointConfig> {
        self.config.congestion_points.iter().find(|point| point.connections.contains(connection))
    }

    /// Why what was measured behind a point can't be taken, and the version of what it replaces.
    pub(crate) async fn metering_refusals(
        &self,
        point: &CongestionPointConfig,
        metered: &Metered,
    ) -> Result<(Vec<MeteringRefusal>, i64), StoreError> {
        let mut refusals = Vec::new();
        if !point.aggregators.contains(&metered.counterparty) {
            refusals.push(MeteringRefusal::Connection);
        }
        for other in point.aggregators.iter().filter(|other| **other != metered.counterparty) {
            if self.metered(other, metered).await?.is_some() {
                refusals.push(MeteringRefusal::Taken);
            }
        }
        let settlements = self
            .context
            .store
            .records_of::<Settlement>(metered.counterparty.as_str(), Some(metered.span))
            .await?;
        let settles = |settlement: &Settlement| {
            settlement
                .items
                .iter()
                .any(|item| item.period == metered.period && item.congestion_point == point.entity_address)
        };
        if settlements.iter().any(|stored| settles(&stored.value)) {
            refusals.push(MeteringRefusal::Settled);
        }
        let known = self.metered(&metered.counterparty, metered).await?;
        Ok((refusals, known.map_or(0, |known| known.version)))
    }

    async fn metered(
        &self,
        aggregator: &Domain,
        like: &Metered,
    ) -> Result<Option<Stored<Metered>>, StoreError> {
        let key = Metered::key_of(aggregator, &like.connection, like.period);
        self.context.store.record::<Metered>(&key).await
    }
}
