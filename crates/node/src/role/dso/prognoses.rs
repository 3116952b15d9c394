use tieline_store::{Records as _, StoreError};
use tieline_types::{Domain, EntityAddress, IspDay};

use super::Dso;
use crate::market::{Order, Prognosis, Window};

/// Why a prognosis can't be taken into our book.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PrognosisRefusal {
    /// The sender has nothing behind the congestion point.
    CongestionPoint,
    /// The book takes whole days: an ISP is missing, though it be over.
    LackingIsps,
}

impl Dso {
    /// Whether an aggregator has connections behind a point: by `dso.congestion_point`, or where it is not there, by a need.
    pub(crate) fn trades_at(&self, aggregator: &Domain, point: &EntityAddress) -> bool {
        match self.config.congestion_points.iter().find(|known| known.entity_address == *point) {
            Some(known) => known.aggregators.contains(aggregator),
            None => self
                .config
                .needs
                .iter()
                .any(|need| need.congestion_point == *point && need.aggregators.contains(aggregator)),
        }
    }

    /// What keeps a prognosis out of our book; all of it.
    pub(crate) fn prognosis_refusals(
        &self,
        prognosis: &Prognosis,
        day: &IspDay,
    ) -> impl Iterator<Item = PrognosisRefusal> + use<> {
        let trades = self.trades_at(&prognosis.counterparty, &prognosis.window.congestion_point);
        let is_whole = day.isps().all(|(isp, _)| prognosis.power(isp).is_some());
        let refusals =
            [(trades, PrognosisRefusal::CongestionPoint), (is_whole, PrognosisRefusal::LackingIsps)];
        refusals.into_iter().filter(|(right, _)| !right).map(|(_, refusal)| refusal)
    }

    /// The prognoses of an aggregator for a day.
    pub(crate) async fn prognoses(
        &self,
        aggregator: &Domain,
        window: &Window,
    ) -> Result<Vec<Prognosis>, StoreError> {
        let Ok(day) = self.calendar.day(window.period) else { return Ok(Vec::new()) };
        let point = window.congestion_point.as_str();
        let found = self.context.store.records_of::<Prognosis>(point, Some(day.span())).await?;
        let of_them =
            |prognosis: &Prognosis| prognosis.counterparty == *aggregator && prognosis.window == *window;
        Ok(found.into_iter().map(|stored| stored.value).filter(of_them).collect())
    }

    /// The orders to an aggregator for a day that count.
    pub(crate) async fn orders_to(
        &self,
        aggregator: &Domain,
        window: &Window,
        day: &IspDay,
        counts: fn(&Order) -> bool,
    ) -> Result<Vec<Order>, StoreError> {
        let point = window.congestion_point.as_str();
        let found = self.context.store.records_of::<Order>(point, Some(day.span())).await?;
        let theirs =
            |order: &Order| order.counterparty == *aggregator && order.window == *window && counts(order);
        Ok(found.into_iter().map(|stored| stored.value).filter(theirs).collect())
    }
}
