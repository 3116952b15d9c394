use tieline_store::{ChangeSet, StoreError, Stored};

use super::Agr;
use crate::market::{Offer, OfferState, Order, Promise, per_isp};

impl Agr {
    /// Everything that an accepted order changes: the offer is ordered, the watts are promised, and a plan is due.
    pub(crate) fn accept(&self, offer: Stored<Offer>, order: &Order) -> Result<ChangeSet, StoreError> {
        let Stored { value: mut ordered, version } = offer;
        let day =
            self.calendar.day(order.window.period).map_err(|cause| StoreError::Misuse(cause.to_string()))?;
        let baseline = per_isp(&ordered.baseline);
        let mut changes = ChangeSet::new();
        for (isp, change) in per_isp(&order.isps) {
            let span = day.isp(isp).map_err(|cause| StoreError::Misuse(cause.to_string()))?;
            let expected = baseline.iter().find(|(known, _)| *known == isp).map(|(_, power)| *power);
            let Some(baseline) = expected else {
                return Err(StoreError::Misuse(format!("the offer has no baseline for ISP {isp}")));
            };
            changes.put(&Promise {
                counterparty: order.counterparty.clone(),
                order: order.message_id,
                congestion_point: order.window.congestion_point.clone(),
                span,
                change,
                baseline,
            })?;
        }
        ordered.state = OfferState::Ordered { order: order.message_id };
        changes.replace(&ordered, version)?.put(order)?;
        self.want_plan(&order.window.congestion_point, &mut changes)?;
        self.want_prognosis(&order.window, &mut changes)?;
        Ok(changes)
    }
}
