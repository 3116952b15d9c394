use tieline_store::{Records as _, StoreError};
use tieline_types::{Domain, EntityAddress, IspDay, Power};
use uuid::Uuid;

use super::Dso;
use crate::market::{Offer, Order, OrderState, Prognosis, Window, baseline_of, message_key, per_isp};

/// No grid connection takes or gives a terawatt.
const IMPLAUSIBLE: u64 = 1_000_000_000_000;

/// Why a prognosis can't be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PrognosisRefusal {
    /// The congestion point is none of ours, or the sender has nothing behind it.
    CongestionPoint,
    /// The day is over.
    Period,
    /// An ISP of the day is missing.
    LackingIsps,
    /// A power is not possible.
    Power,
    /// A prognosis with this revision or a higher one was taken before.
    Revision,
}

/// Whether a prognosis shows an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct OrderShown {
    pub(crate) order: Uuid,
    pub(crate) shown: bool,
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

    /// What is wrong with a prognosis; all of it.
    pub(crate) async fn prognosis_refusals(
        &self,
        prognosis: &Prognosis,
        day: &IspDay,
    ) -> Result<Vec<PrognosisRefusal>, StoreError> {
        let mut refusals = Vec::new();
        if !self.trades_at(&prognosis.counterparty, &prognosis.window.congestion_point) {
            refusals.push(PrognosisRefusal::CongestionPoint);
        }
        if day.end() <= self.context.now() {
            refusals.push(PrognosisRefusal::Period);
        }
        if day.isps().any(|(isp, _)| prognosis.power(isp).is_none()) {
            refusals.push(PrognosisRefusal::LackingIsps);
        }
        if prognosis.powers.iter().any(|run| run.power.magnitude() > IMPLAUSIBLE) {
            refusals.push(PrognosisRefusal::Power);
        }
        let known = self.prognoses(&prognosis.counterparty, &prognosis.window).await?;
        if known.iter().any(|known| known.revision >= prognosis.revision) {
            refusals.push(PrognosisRefusal::Revision);
        }
        Ok(refusals)
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

    /// The orders to an aggregator for a day that were not refused, and whether a prognosis shows them: in each of their ISPs
    /// that is to come the power is on the right side of the baseline and all that was ordered.
    pub(crate) async fn orders_shown(
        &self,
        prognosis: &Prognosis,
        day: &IspDay,
    ) -> Result<Vec<OrderShown>, StoreError> {
        let now = self.context.now();
        let point = prognosis.window.congestion_point.as_str();
        let found = self.context.store.records_of::<Order>(point, Some(day.span())).await?;
        let orders: Vec<Order> = found
            .into_iter()
            .map(|stored| stored.value)
            .filter(|order| {
                order.counterparty == prognosis.counterparty
                    && order.window == prognosis.window
                    && matches!(order.state, OrderState::Sent | OrderState::Accepted)
            })
            .collect();
        let known = self.prognoses(&prognosis.counterparty, &prognosis.window).await?;
        let baseline = baseline_of(&known);
        let all: Vec<_> = orders.iter().flat_map(|order| per_isp(&order.isps)).collect();
        let shows = |order: &Order| {
            per_isp(&order.isps).into_iter().all(|(isp, change)| {
                if day.isp(isp).is_ok_and(|span| span.end() <= now) {
                    return true;
                }
                let Some(base) = baseline.and_then(|baseline| baseline.power(isp)) else { return false };
                let changes = all.iter().filter(|(known, _)| *known == isp).map(|(_, change)| *change);
                let target = changes.fold(base, Power::saturating_add);
                prognosis.power(isp).is_some_and(|power| match change.watts().signum() {
                    -1 => power <= target,
                    1 => power >= target,
                    _ => true,
                })
            })
        };
        Ok(orders.iter().map(|order| OrderShown { order: order.message_id, shown: shows(order) }).collect())
    }

    /// Whether the prognosis that an offer names can be what it is counted against: it is accepted, of the same party, point
    /// and day, and holds no order.
    pub(crate) async fn can_count_from(
        &self,
        offer: &Offer,
    ) -> Result<Result<(), BaselineRefusal>, StoreError> {
        let Some(named) = offer.prognosis else { return Ok(Ok(())) };
        let key = message_key(&offer.counterparty, named);
        let known = self.context.store.record::<Prognosis>(&key).await?;
        let Some(known) = known else { return Ok(Err(BaselineRefusal::Unknown)) };
        if known.value.window != offer.window {
            return Ok(Err(BaselineRefusal::OtherDay));
        }
        if !known.value.orders.is_empty() {
            return Ok(Err(BaselineRefusal::HoldsOrders));
        }
        Ok(Ok(()))
    }
}

/// Why an offer can't be counted against the prognosis that it names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BaselineRefusal {
    /// There is none of this name.
    Unknown,
    /// It is for another day or another point.
    OtherDay,
    /// It came after an order, so that the order's change would be counted twice.
    HoldsOrders,
}
