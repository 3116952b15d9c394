use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use tieline_flex::{IspOutcome, OrderToSettle, SettledOrder, SettlementTerms, settle};
use tieline_store::{Records as _, StoreError};
use tieline_types::{Amount, Domain, Energy, EntityAddress, IspDay, Power};

use super::Agr;
use crate::market::{ItemStatus, Metered, Order, OwnAmounts, Promise, Settlement, SettlementItem, Window};

/// Differences that a dispute names; there may be more.
const NAMED: usize = 5;

/// What tells orders of one DSO apart.
type OrderName = (EntityAddress, Date, String);

impl Agr {
    /// Says of each item of a settlement whether it is as in our own books.
    pub(crate) async fn compare(&self, settlement: &mut Settlement) -> Result<(), StoreError> {
        let orders = self.orders_of_period(settlement).await?;
        let mut ours: BTreeMap<(EntityAddress, Date), Vec<SettledOrder>> = BTreeMap::new();
        for item in &mut settlement.items {
            let Some(order) = order_of(item, &orders) else {
                item.status = ItemStatus::Disputed { reason: "it is no order of ours".to_owned() };
                continue;
            };
            item.reference.clone_from(&order.reference);
            let of_day = (item.congestion_point.clone(), item.period);
            if !ours.contains_key(&of_day) {
                let settled = self.settle_day(&settlement.counterparty, &of_day, &orders).await?;
                ours.insert(of_day.clone(), settled);
            }
            let own = ours
                .get(&of_day)
                .and_then(|settled| settled.iter().find(|settled| settled.reference == item.reference));
            item.own = own.map(|own| OwnAmounts { price: own.price, penalty: own.penalty, net: own.net });
            let mut differences = own.map(|own| self.differences(item, own)).unwrap_or_default();
            if order.currency != settlement.currency {
                differences.push(format!("the order is in {}", order.currency));
            }
            item.status = match reason(&differences) {
                None => ItemStatus::Accepted,
                Some(reason) => ItemStatus::Disputed { reason },
            };
        }
        Ok(())
    }

    /// All accepted orders of the period at the points that a settlement is about.
    async fn orders_of_period(
        &self,
        settlement: &Settlement,
    ) -> Result<BTreeMap<OrderName, Order>, StoreError> {
        let points: BTreeSet<&EntityAddress> =
            settlement.items.iter().map(|item| &item.congestion_point).collect();
        let days = settlement.period_start..=settlement.period_end;
        let mut orders = BTreeMap::new();
        for point in points {
            let found = self.context.store.records_of::<Order>(point.as_str(), Some(settlement.span)).await?;
            for order in found.into_iter().map(|stored| stored.value) {
                let ours = order.counterparty == settlement.counterparty
                    && order.is_accepted()
                    && days.contains(&order.window.period);
                if ours {
                    orders.insert((point.clone(), order.window.period, order.reference.clone()), order);
                }
            }
        }
        Ok(orders)
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

/// The order that an item settles: where it names none, the only one of its point and day.
fn order_of<'o>(item: &SettlementItem, orders: &'o BTreeMap<OrderName, Order>) -> Option<&'o Order> {
    // Nothing sorts before the empty name.
    let from = (item.congestion_point.clone(), item.period, item.reference.clone());
    let ((point, date, reference), order) = orders.range(from..).next()?;
    let is_named = item.reference.is_empty() || *reference == item.reference;
    (is_named && *point == item.congestion_point && *date == item.period).then_some(order)
}

fn reason(differences: &[String]) -> Option<String> {
    let named: Vec<&str> = differences.iter().take(NAMED).map(String::as_str).collect();
    match differences.len().checked_sub(NAMED) {
        Some(more) if more > 0 => Some(format!("{}; and {more} more", named.join("; "))),
        _ if named.is_empty() => None,
        _ => Some(named.join("; ")),
    }
}
