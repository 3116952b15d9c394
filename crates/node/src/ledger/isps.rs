use std::collections::BTreeMap;

use tieline_flex::{IspOutcome, SettlementTerms, settle};
use tieline_store::{Record, Records as _, Store, StoreError};
use tieline_types::{Domain, Energy, EntityAddress, IspDay, IspNumber, Power};

use super::day::{
    LedgerIsp, LedgerOrder, LedgerSession, LedgerSettlement, LedgerSettlementItem, RequestedBounds,
};
use crate::market::{
    Metered, Offer, OfferState, Order, OrderState, Prognosis, Promise, Request, RequestState, baseline_of,
    per_isp,
};

/// The records of a day at a point.
pub(super) struct Books {
    requests: Vec<Request>,
    offers: Vec<Offer>,
    pub(super) orders: Vec<Order>,
    prognoses: Vec<Prognosis>,
    promises: Vec<Promise>,
    /// What the Metering messages come to.
    metered: Option<Vec<Energy>>,
}

impl Books {
    pub(super) async fn read(
        store: &dyn Store,
        point: &EntityAddress,
        day: &IspDay,
    ) -> Result<Self, StoreError> {
        let of_day = |window: &crate::market::Window| window.period == day.date();
        let requests = all::<Request>(store, point, day).await?;
        let offers = all::<Offer>(store, point, day).await?;
        let orders = all::<Order>(store, point, day).await?;
        let prognoses = all::<Prognosis>(store, point, day).await?;
        Ok(Self {
            requests: requests.into_iter().filter(|request| of_day(&request.window)).collect(),
            offers: offers.into_iter().filter(|offer| of_day(&offer.window)).collect(),
            orders: orders.into_iter().filter(|order| of_day(&order.window)).collect(),
            prognoses: prognoses.into_iter().filter(|prognosis| of_day(&prognosis.window)).collect(),
            promises: all::<Promise>(store, point, day).await?,
            metered: metered(store, point, day).await?,
        })
    }

    /// Everybody whom the point's books name.
    pub(super) fn counterparties(&self) -> Vec<Domain> {
        let orders = self.orders.iter().map(|order| &order.counterparty);
        let prognoses = self.prognoses.iter().map(|prognosis| &prognosis.counterparty);
        let mut domains: Vec<Domain> = orders.chain(prognoses).cloned().collect();
        domains.sort_unstable();
        domains.dedup();
        domains
    }

    pub(super) fn orders(&self) -> Vec<LedgerOrder> {
        let mut orders: Vec<LedgerOrder> = self
            .orders
            .iter()
            .map(|order| LedgerOrder {
                reference: order.reference.clone(),
                counterparty: order.counterparty.clone(),
                price: order.price,
                currency: order.currency,
                state: match &order.state {
                    OrderState::Sent => "sent".to_owned(),
                    OrderState::Accepted => "accepted".to_owned(),
                    OrderState::Rejected { reason } => format!("rejected: {reason}"),
                    OrderState::Undeliverable { cause } => format!("undeliverable: {cause}"),
                },
                changes: per_isp(&order.isps),
            })
            .collect();
        orders.sort_by(|one, other| one.reference.cmp(&other.reference));
        orders
    }

    pub(super) fn isps(
        &self,
        day: &IspDay,
        settlements: &[LedgerSettlement],
        sessions: &[LedgerSession],
    ) -> Vec<LedgerIsp> {
        let settled = settled(settlements);
        let baselines = self.baselines(day);
        let ordered = self.ordered();
        let mut isps: Vec<LedgerIsp> = day
            .isps()
            .map(|(isp, span)| {
                let energy = match &self.metered {
                    Some(energies) => energies.get(isp.index()).copied(),
                    None => of_sessions(sessions, isp, span.end() <= last_reading(sessions, day)),
                };
                LedgerIsp {
                    isp,
                    span,
                    baseline: baselines.get(&isp).copied(),
                    requested: self.requested(isp),
                    offered: self.offered(isp),
                    ordered: ordered.get(&isp).copied(),
                    measured: energy.and_then(|energy| energy.mean_power(span).ok()),
                    delivered: settled.get(&isp).map(|(delivered, _)| *delivered),
                    deficiency: settled.get(&isp).map(|(_, deficiency)| *deficiency),
                }
            })
            .collect();
        self.reckon(day, &mut isps);
        isps
    }

    /// What the accepted prognoses expect; without one, what the promises count from.
    fn baselines(&self, day: &IspDay) -> BTreeMap<IspNumber, Power> {
        let agreed: Vec<&Prognosis> = self
            .counterparties()
            .iter()
            .filter_map(|party| {
                baseline_of(self.prognoses.iter().filter(|known| known.counterparty == *party))
            })
            .collect();
        day.isps()
            .filter_map(|(isp, span)| {
                let powers = agreed.iter().filter_map(|prognosis| prognosis.power(isp));
                let promised = self.promises.iter().find(|promise| promise.span == span);
                let sum = powers.reduce(Power::saturating_add);
                Some((isp, sum.or_else(|| promised.map(|promise| promise.baseline))?))
            })
            .collect()
    }

    fn ordered(&self) -> BTreeMap<IspNumber, Power> {
        let accepted = self.orders.iter().filter(|order| order.state == OrderState::Accepted);
        let mut ordered = BTreeMap::new();
        for (isp, change) in accepted.flat_map(|order| per_isp(&order.isps)) {
            let sum: &mut Power = ordered.entry(isp).or_insert(Power::ZERO);
            *sum = sum.saturating_add(change);
        }
        ordered
    }

    /// The bounds of all requests that were not refused; a Requested one counts before what is only Available.
    fn requested(&self, isp: IspNumber) -> Option<RequestedBounds> {
        let standing = self
            .requests
            .iter()
            .filter(|request| matches!(request.state, RequestState::Sent | RequestState::Accepted));
        let bounds = standing
            .flat_map(|request| &request.isps)
            .filter(|requested| requested.isps.contains(isp))
            .map(|known| RequestedBounds { min: known.min, max: known.max, requested: known.requested });
        bounds.reduce(|one, other| match (one.requested, other.requested) {
            (true, false) => one,
            (false, true) => other,
            _ => RequestedBounds { min: one.min.min(other.min), max: one.max.max(other.max), ..one },
        })
    }

    /// Of each request the offer that was ordered, or else the last one that can be.
    fn offered(&self, isp: IspNumber) -> Option<Power> {
        let mut of_request: BTreeMap<uuid::Uuid, &Offer> = BTreeMap::new();
        for offer in &self.offers {
            let counts =
                matches!(offer.state, OfferState::Sent | OfferState::Accepted | OfferState::Ordered { .. });
            let known = of_request.get(&offer.request);
            let rank = |offer: &Offer| (matches!(offer.state, OfferState::Ordered { .. }), offer.expires);
            if counts && known.is_none_or(|known| rank(known) <= rank(offer)) {
                of_request.insert(offer.request, offer);
            }
        }
        let first = |offer: &&Offer| offer.options.first().map(|option| per_isp(&option.isps));
        let changes = of_request.values().filter_map(first).flatten();
        changes.filter(|(known, _)| *known == isp).map(|(_, change)| change).reduce(Power::saturating_add)
    }

    /// Where nothing is settled yet: delivered and deficiency as the meters have them.
    fn reckon(&self, day: &IspDay, isps: &mut [LedgerIsp]) {
        let outcomes: Vec<IspOutcome> = isps
            .iter()
            .filter_map(|isp| {
                Some(IspOutcome { span: isp.span, baseline: isp.baseline?, actual: isp.measured? })
            })
            .collect();
        let accepted = self.orders.iter().filter(|order| order.state == OrderState::Accepted);
        let orders: Vec<_> = accepted.map(|order| order.to_settle(day)).collect();
        let terms = SettlementTerms { penalty_per_megawatt_hour: rust_decimal::Decimal::ZERO };
        let settled = settle(&outcomes, &orders, terms);
        for isp in isps.iter_mut().filter(|isp| isp.delivered.is_none()) {
            if !outcomes.iter().any(|known| known.span == isp.span) {
                continue;
            }
            let here = || settled.iter().flat_map(|order| &order.isps).filter(|known| known.span == isp.span);
            let delivered = here().map(|known| known.delivered).reduce(Power::saturating_add);
            let deficiency = here().map(|known| known.deficiency).reduce(Power::saturating_add);
            isp.delivered = delivered;
            isp.deficiency = deficiency;
        }
    }
}

async fn all<T: Record>(
    store: &dyn Store,
    point: &EntityAddress,
    day: &IspDay,
) -> Result<Vec<T>, StoreError> {
    let found = store.records_of::<T>(point.as_str(), Some(day.span())).await?;
    Ok(found.into_iter().map(|stored| stored.value).collect())
}

/// What the Metering messages of the day come to; `None` without any.
async fn metered(
    store: &dyn Store,
    point: &EntityAddress,
    day: &IspDay,
) -> Result<Option<Vec<Energy>>, StoreError> {
    let metered = all::<Metered>(store, point, day).await?;
    let mut of_day = metered.into_iter().filter(|metered| metered.period == day.date()).peekable();
    if of_day.peek().is_none() {
        return Ok(None);
    }
    let mut sum = vec![Energy::ZERO; usize::from(day.count())];
    for metered in of_day {
        for (sum, energy) in sum.iter_mut().zip(metered.energies) {
            *sum = sum.checked_add(energy).unwrap_or(*sum);
        }
    }
    Ok(Some(sum))
}

/// Until when any session of the day was read.
fn last_reading(sessions: &[LedgerSession], day: &IspDay) -> jiff::Timestamp {
    let spans = day.isps().map(|(isp, span)| (isp, span.end()));
    let read = |isp: IspNumber| {
        sessions
            .iter()
            .any(|session| session.energies.get(isp.index()).is_some_and(|energy| *energy != Energy::ZERO))
    };
    spans.filter(|(isp, _)| read(*isp)).map(|(_, end)| end).last().unwrap_or(day.start())
}

fn of_sessions(sessions: &[LedgerSession], isp: IspNumber, is_read: bool) -> Option<Energy> {
    let energies = sessions.iter().filter_map(|session| session.energies.get(isp.index()).copied());
    is_read.then(|| Energy::checked_sum(energies)).flatten()
}

/// Delivered and deficiency of each ISP, by the settlements. An order may be settled again while it is in dispute; it counts
/// once, as it was accepted if it was.
fn settled(settlements: &[LedgerSettlement]) -> BTreeMap<IspNumber, (Power, Power)> {
    let mut by_order: BTreeMap<_, &LedgerSettlementItem> = BTreeMap::new();
    for settlement in settlements {
        for item in &settlement.items {
            let known = by_order.entry((settlement.counterparty.as_str(), &item.reference)).or_insert(item);
            if known.accepted != Some(true) {
                *known = item;
            }
        }
    }
    let mut settled = BTreeMap::new();
    for isp in by_order.values().flat_map(|item| &item.isps) {
        let (delivered, deficiency) = settled.entry(isp.isp).or_insert((Power::ZERO, Power::ZERO));
        *delivered = delivered.saturating_add(isp.delivered);
        *deficiency = deficiency.saturating_add(isp.deficiency);
    }
    settled
}
