use std::collections::BTreeMap;

use jiff::civil::Date;
use tieline_flex::{IspOutcome, OrderToSettle, SettledOrder, SettlementTerms, settle};
use tieline_store::{Records as _, StoreError};
use tieline_types::{Amount, Domain, Energy, EntityAddress, IspDay, IspNumber, Power};

use super::Agr;
use crate::market::{
    ItemStatus, Metered, Order, OrderState, OwnAmounts, Promise, Settlement, SettlementItem, SettlementState,
    Window,
};

/// Differences that a dispute names; there may be more.
const NAMED: usize = 5;

/// Why a settlement as a whole can't be taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum SettlementRefusal {
    /// It starts in the future.
    PeriodStart,
    /// It ends before it starts, or before its last day is over.
    PeriodEnd,
    /// An item is of no day of the period, or its ISPs are not in the day.
    OutOfPeriod,
    /// An ISP of an item is there twice.
    IspConflict,
    /// Orders of the period are not in it.
    Missing,
    /// It has an item that is no order of ours.
    Unknown,
    /// An order was settled before.
    SettledBefore(String),
}

/// What tells orders of one DSO apart.
type OrderName = (EntityAddress, Date, String);

impl Agr {
    /// What is wrong with a settlement as a whole. If nothing is, each of its items now says whether it is accepted.
    pub(crate) async fn check_settlement(
        &self,
        settlement: &mut Settlement,
    ) -> Result<Vec<SettlementRefusal>, StoreError> {
        let mut refusals = self.period_refusals(settlement)?;
        if !refusals.is_empty() {
            return Ok(refusals);
        }
        let orders = self.orders_of_period(settlement).await?;
        let before = self.settled_before(settlement).await?;
        let name =
            |item: &SettlementItem| (item.congestion_point.clone(), item.period, item.reference.clone());
        for item in &settlement.items {
            if before.contains(&name(item)) {
                refusals.push(SettlementRefusal::SettledBefore(item.reference.clone()));
            } else if !orders.contains_key(&name(item)) {
                refusals.push(SettlementRefusal::Unknown);
            }
        }
        let in_it: Vec<OrderName> = settlement.items.iter().map(name).collect();
        let is_missing = |(key, order): (&OrderName, &Order)| {
            order.currency == settlement.currency && !in_it.contains(key) && !before.contains(key)
        };
        if orders.iter().any(is_missing) {
            refusals.push(SettlementRefusal::Missing);
        }
        refusals.dedup();
        if refusals.is_empty() {
            self.check_items(settlement, &orders).await?;
        }
        Ok(refusals)
    }

    fn period_refusals(&self, settlement: &Settlement) -> Result<Vec<SettlementRefusal>, StoreError> {
        let today = self.today()?;
        let mut refusals = Vec::new();
        if settlement.period_start >= today {
            refusals.push(SettlementRefusal::PeriodStart);
        }
        if settlement.period_end < settlement.period_start || settlement.period_end >= today {
            refusals.push(SettlementRefusal::PeriodEnd);
        }
        for item in &settlement.items {
            let in_period = (settlement.period_start..=settlement.period_end).contains(&item.period);
            let count = self.calendar.day(item.period).map_or(0, |day| day.count());
            if !in_period || item.isps.iter().any(|isp| isp.isp.get() > count) {
                refusals.push(SettlementRefusal::OutOfPeriod);
            }
            let mut isps: Vec<IspNumber> = item.isps.iter().map(|isp| isp.isp).collect();
            isps.sort_unstable();
            if isps.windows(2).any(|pair| pair[0] == pair[1]) {
                refusals.push(SettlementRefusal::IspConflict);
            }
        }
        refusals.dedup();
        Ok(refusals)
    }

    async fn orders_of_period(
        &self,
        settlement: &Settlement,
    ) -> Result<BTreeMap<OrderName, Order>, StoreError> {
        let mut points = self.config.congestion_points.clone();
        points.extend(settlement.items.iter().map(|item| item.congestion_point.clone()));
        points.sort_unstable();
        points.dedup();
        let days = settlement.period_start..=settlement.period_end;
        let mut orders = BTreeMap::new();
        for point in &points {
            let found = self.context.store.records_of::<Order>(point.as_str(), Some(settlement.span)).await?;
            for order in found.into_iter().map(|stored| stored.value) {
                let ours = order.counterparty == settlement.counterparty
                    && order.state == OrderState::Accepted
                    && days.contains(&order.window.period);
                if ours {
                    orders.insert((point.clone(), order.window.period, order.reference.clone()), order);
                }
            }
        }
        Ok(orders)
    }

    async fn settled_before(&self, settlement: &Settlement) -> Result<Vec<OrderName>, StoreError> {
        let dso = settlement.counterparty.as_str();
        let known = self.context.store.records_of::<Settlement>(dso, Some(settlement.span)).await?;
        Ok(known
            .into_iter()
            .map(|stored| stored.value)
            .filter(|known| known.state == SettlementState::Answered)
            .flat_map(|known| known.items)
            .map(|item| (item.congestion_point, item.period, item.reference))
            .collect())
    }

    async fn check_items(
        &self,
        settlement: &mut Settlement,
        orders: &BTreeMap<OrderName, Order>,
    ) -> Result<(), StoreError> {
        let mut ours: BTreeMap<(EntityAddress, Date), Vec<SettledOrder>> = BTreeMap::new();
        for item in &mut settlement.items {
            let of_day = (item.congestion_point.clone(), item.period);
            if !ours.contains_key(&of_day) {
                let settled = self.settle_day(&settlement.counterparty, &of_day, orders).await?;
                ours.insert(of_day.clone(), settled);
            }
            let own = ours
                .get(&of_day)
                .and_then(|settled| settled.iter().find(|settled| settled.reference == item.reference));
            let currency = orders
                .get(&(item.congestion_point.clone(), item.period, item.reference.clone()))
                .map(|order| order.currency);
            item.own = own.map(|own| OwnAmounts { price: own.price, penalty: own.penalty, net: own.net });
            let mut differences = own.map(|own| self.differences(item, own)).unwrap_or_default();
            if let Some(currency) = currency.filter(|currency| *currency != settlement.currency) {
                differences.push(format!("the order is in {currency}"));
            }
            item.status = match reason(&differences) {
                None => ItemStatus::Accepted,
                Some(reason) => ItemStatus::Disputed { reason },
            };
        }
        Ok(())
    }

    /// All orders of a DSO at a point on a day, settled by our own books.
    async fn settle_day(
        &self,
        dso: &Domain,
        (point, date): &(EntityAddress, Date),
        orders: &BTreeMap<OrderName, Order>,
    ) -> Result<Vec<SettledOrder>, StoreError> {
        let Ok(day) = self.calendar.day(*date) else { return Ok(Vec::new()) };
        let of_day =
            |((at, on, _), order): (&OrderName, &Order)| (at == point && on == date).then(|| order.clone());
        let orders: Vec<Order> = orders.iter().filter_map(of_day).collect();
        let outcomes = self.outcomes(dso, point, &day, &orders).await?;
        let penalty = self.config.settlement.penalty_per_mwh(dso);
        let terms = SettlementTerms { penalty_per_megawatt_hour: penalty };
        let to_settle: Vec<OrderToSettle> = orders.iter().map(|order| order.to_settle(&day)).collect();
        Ok(settle(&outcomes, &to_settle, terms))
    }

    async fn outcomes(
        &self,
        dso: &Domain,
        point: &EntityAddress,
        day: &IspDay,
        orders: &[Order],
    ) -> Result<Vec<IspOutcome>, StoreError> {
        let window = Window { congestion_point: point.clone(), period: day.date() };
        let agreed = self.agreed_baseline(dso, &window).await?;
        let promises = self.context.store.records_of::<Promise>(point.as_str(), Some(day.span())).await?;
        let energies = self.energies(dso, point, day).await?;
        Ok(day
            .isps()
            .zip(energies)
            .map(|((isp, span), energy)| {
                let actual = energy.mean_power(span).unwrap_or(Power::MAX);
                let sold = promises.iter().map(|stored| &stored.value).find(|promise| {
                    promise.span == span
                        && promise.counterparty == *dso
                        && orders.iter().any(|order| order.message_id == promise.order)
                });
                let own = sold.map(|promise| promise.baseline);
                let baseline = agreed.as_ref().and_then(|agreed| agreed.power(isp)).or(own);
                IspOutcome { span, baseline: baseline.unwrap_or(actual), actual }
            })
            .collect())
    }

    /// What all connections behind a point took, as it was reported, or as it is known now.
    async fn energies(
        &self,
        dso: &Domain,
        point: &EntityAddress,
        day: &IspDay,
    ) -> Result<Vec<Energy>, StoreError> {
        let mut sum = vec![Energy::ZERO; usize::from(day.count())];
        for connection in self.config.connections.iter().filter(|known| known.congestion_point == *point) {
            let address = &connection.entity_address;
            let key = Metered::key_of(dso, address, day.date());
            let energies = match self.context.store.record::<Metered>(&key).await? {
                Some(reported) => reported.value.energies,
                None => self.measured_day(address, day).await?.energies,
            };
            for (sum, energy) in sum.iter_mut().zip(energies) {
                *sum = sum.checked_add(energy).unwrap_or(*sum);
            }
        }
        Ok(sum)
    }

    /// Where an item is not what our own books say.
    fn differences(&self, item: &SettlementItem, own: &SettledOrder) -> Vec<String> {
        let check = &self.config.settlement;
        let mut differences = Vec::new();
        let expected = item.price.checked_sub(item.penalty);
        if expected != Some(item.net) {
            differences.push("NetSettlement is not Price less Penalty".to_owned());
        }
        let near = |one: Amount, other: Amount| (one.value() - other.value()).abs() <= check.tolerance;
        if !near(item.net, own.net) {
            differences.push(format!("NetSettlement is {}, we have {}", item.net, own.net));
        }
        let day = self.calendar.day(item.period).ok();
        let number = |span| day.as_ref()?.isps().find(|(_, known)| *known == span).map(|(isp, _)| isp);
        if item.isps.len() != own.isps.len() {
            differences.push(format!("it has {} ISPs, the order {}", item.isps.len(), own.isps.len()));
        }
        for ours in &own.isps {
            let Some(isp) = number(ours.span) else { continue };
            let Some(theirs) = item.isps.iter().find(|theirs| theirs.isp == isp) else {
                differences.push(format!("ISP {isp} of the order is missing"));
                continue;
            };
            let powers = [
                ("OrderedFlexPower", theirs.ordered, ours.ordered, Power::ZERO),
                ("BaselinePower", theirs.baseline, ours.baseline, Power::ZERO),
                ("ActualPower", theirs.actual, ours.actual, check.power_tolerance),
                ("DeliveredFlexPower", theirs.delivered, ours.delivered, check.power_tolerance),
                ("PowerDeficiency", theirs.deficiency, ours.deficiency, check.power_tolerance),
            ];
            for (name, theirs, ours, tolerance) in powers {
                if theirs.saturating_sub(ours).magnitude() > tolerance.magnitude() {
                    differences.push(format!(
                        "{name} of ISP {isp} is {}, we have {}",
                        theirs.watts(),
                        ours.watts()
                    ));
                }
            }
        }
        differences
    }
}

fn reason(differences: &[String]) -> Option<String> {
    let named: Vec<&str> = differences.iter().take(NAMED).map(String::as_str).collect();
    match differences.len().checked_sub(NAMED) {
        Some(more) if more > 0 => Some(format!("{}; and {more} more", named.join("; "))),
        _ if named.is_empty() => None,
        _ => Some(named.join("; ")),
    }
}
