use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use jiff::Timestamp;
use jiff::civil::Date;
use tieline_flex::{IspOutcome, OrderToSettle, SettlementTerms, settle};
use tieline_store::{ChangeSet, Records as _, StoreError, Stored, Timer};
use tieline_types::{Currency, Domain, Energy, EntityAddress, IspDay, IspNumber, Power, TimeSpan};

use super::Dso;
use crate::config::SettlementConfig;
use crate::market::{
    Claim, ItemStatus, Metered, Order, OrderState, Prognosis, Settlement, SettlementIsp, SettlementItem,
    SettlementState, Window, baseline_of, message_key,
};

/// The timer that settles the orders to an aggregator in a period.
pub(crate) const SETTLE: &str = "settle";

/// What the settlement of a period comes to.
#[derive(Debug)]
pub(crate) enum Settling {
    /// These settlements, one for each currency, with the claims that they settle.
    Settled(Vec<(Settlement, Vec<Stored<Claim>>)>),
    /// Something is missing that may still come.
    Waiting {
        /// What.
        missing: Vec<String>,
    },
}

/// Orders in one currency that are to be settled.
struct Due {
    currency: Currency,
    orders: Vec<Order>,
    claims: Vec<Stored<Claim>>,
}

/// What was measured at a point on a day.
struct Measured {
    energies: Vec<Energy>,
    /// Connections that nobody has metered.
    missing: Vec<EntityAddress>,
}

impl Dso {
    /// An accepted order is to be settled once its period is over.
    pub(crate) fn claim(&self, order: &Order, changes: &mut ChangeSet) -> Result<(), StoreError> {
        let claim = Claim {
            order: order.message_id,
            counterparty: order.counterparty.clone(),
            period: order.window.period,
            settlement: None,
        };
        changes.put(&claim)?;
        if let Some(timer) = self.settlement_due(&claim) {
            changes.set_timer(timer);
        }
        Ok(())
    }

    /// Sets the timers of everything that is not settled: the configuration may have changed.
    pub(crate) async fn take_up_claims(&self) -> Result<(), StoreError> {
        let mut changes = ChangeSet::new();
        for claim in self.context.store.open_records::<Claim>().await? {
            if let Some(timer) = self.settlement_due(&claim.value) {
                changes.set_timer(timer);
            }
        }
        if changes.is_empty() { Ok(()) } else { self.context.commit(changes).await }
    }

    fn settlement_due(&self, claim: &Claim) -> Option<Timer> {
        let terms = self.config.settlement.as_ref()?;
        let (first, last) = terms.period.around(claim.period);
        let end = self.calendar.day(last).map_or(self.context.now(), |day| day.end());
        let due = end.checked_add(terms.after.get()).unwrap_or(Timestamp::MAX);
        Some(Timer::new(SETTLE, settlement_subject(first, &claim.counterparty), due))
    }

    /// When a settlement that waits is looked at again.
    pub(crate) fn look_again(&self, fired: &Timer) -> Timer {
        let pause = self
            .config
            .settlement
            .as_ref()
            .map_or(std::time::Duration::from_mins(15), |terms| terms.look_again.get());
        let due = self.context.now().checked_add(pause).unwrap_or(Timestamp::MAX);
        Timer::new(SETTLE, &fired.subject, due)
    }

    /// Settles what a timer is for; `None` if there is nothing to settle.
    pub(crate) async fn settle(&self, subject: &str) -> Result<Option<Settling>, StoreError> {
        let Some(terms) = &self.config.settlement else { return Ok(None) };
        let Some((first, aggregator)) = period_and(subject) else { return Ok(None) };
        let (_, last) = terms.period.around(first);
        let due = self.due(&aggregator, first, last).await?;
        if due.is_empty() {
            return Ok(None);
        }
        let mut missing = self.unanswered(&aggregator, first, last).await?;
        let mut days = BTreeMap::new();
        for order in due.iter().flat_map(|due| &due.orders) {
            let window = order.window.clone();
            if let Entry::Vacant(day) = days.entry((window.congestion_point.clone(), window.period)) {
                day.insert(self.measured(&aggregator, &window).await?);
            }
        }
        for ((_, date), measured) in &days {
            let unmetered = measured.missing.iter();
            missing.extend(unmetered.map(|connection| format!("metering of {connection} for {date}")));
        }
        if !missing.is_empty() && !self.has_given_up(terms, last) {
            return Ok(Some(Settling::Waiting { missing }));
        }
        let mut settled = Vec::new();
        for Due { currency, orders, claims } in due {
            let period = (first, last);
            let settlement = self.settlement(&aggregator, period, currency, &orders, &days, terms).await?;
            settled.extend(settlement.map(|settlement| (settlement, claims)));
        }
        Ok(Some(Settling::Settled(settled)))
    }

    /// The orders to an aggregator in a period that are not settled, by currency.
    async fn due(&self, aggregator: &Domain, first: Date, last: Date) -> Result<Vec<Due>, StoreError> {
        let mut due: Vec<Due> = Vec::new();
        for claim in self.context.store.open_records::<Claim>().await? {
            let of_period = (first..=last).contains(&claim.value.period);
            if claim.value.counterparty != *aggregator || !of_period {
                continue;
            }
            let key = message_key(aggregator, claim.value.order);
            let order = self.context.store.record::<Order>(&key).await?;
            let Some(order) = order.map(|stored| stored.value) else { continue };
            match due.iter_mut().find(|due| due.currency == order.currency) {
                Some(due) => {
                    due.orders.push(order);
                    due.claims.push(claim);
                }
                None => due.push(Due { currency: order.currency, orders: vec![order], claims: vec![claim] }),
            }
        }
        Ok(due)
    }

    fn has_given_up(&self, terms: &SettlementConfig, last: Date) -> bool {
        let end = self.calendar.day(last).map_or(self.context.now(), |day| day.end());
        let wait = terms.after.get().saturating_add(terms.give_up_after.get());
        end.checked_add(wait).is_ok_and(|until| until <= self.context.now())
    }

    /// Orders of the period that the aggregator has not answered: if it has accepted them, it misses them in a settlement.
    async fn unanswered(
        &self,
        aggregator: &Domain,
        first: Date,
        last: Date,
    ) -> Result<Vec<String>, StoreError> {
        let sent = self.context.store.open_records::<Order>().await?;
        let theirs = |order: &Order| {
            order.counterparty == *aggregator
                && order.state == OrderState::Sent
                && (first..=last).contains(&order.window.period)
        };
        let orders = sent.into_iter().map(|stored| stored.value).filter(theirs);
        Ok(orders.map(|order| format!("the answer to order {}", order.reference)).collect())
    }

    /// What an aggregator's connections behind a point took on a day. A connection that another aggregator has metered is
    /// that one's.
    async fn measured(&self, aggregator: &Domain, window: &Window) -> Result<Measured, StoreError> {
        let count = self.calendar.day(window.period).map_or(0, |day| usize::from(day.count()));
        let mut measured = Measured { energies: vec![Energy::ZERO; count], missing: Vec::new() };
        let point = self
            .config
            .congestion_points
            .iter()
            .find(|known| known.entity_address == window.congestion_point);
        let Some(point) = point.filter(|point| !point.connections.is_empty()) else {
            // No connection is known, so nothing can be known of them.
            measured.missing.push(window.congestion_point.clone());
            return Ok(measured);
        };
        for connection in &point.connections {
            let mut by_other = false;
            let mut own = None;
            for domain in &point.aggregators {
                let key = Metered::key_of(domain, connection, window.period);
                if let Some(metered) = self.context.store.record::<Metered>(&key).await? {
                    if domain == aggregator {
                        own = Some(metered.value);
                    } else {
                        by_other = true;
                    }
                }
            }
            match own {
                Some(metered) => {
                    for (sum, energy) in measured.energies.iter_mut().zip(metered.energies) {
                        *sum = sum.checked_add(energy).unwrap_or(*sum);
                    }
                }
                None if by_other => {}
                None => measured.missing.push(connection.clone()),
            }
        }
        Ok(measured)
    }

    async fn settlement(
        &self,
        aggregator: &Domain,
        (first, last): (Date, Date),
        currency: Currency,
        orders: &[Order],
        days: &BTreeMap<(EntityAddress, Date), Measured>,
        terms: &SettlementConfig,
    ) -> Result<Option<Settlement>, StoreError> {
        let (Ok(start), Ok(end)) = (self.calendar.day(first), self.calendar.day(last)) else {
            return Ok(None);
        };
        let Some(span) = TimeSpan::new(start.start(), end.end()) else { return Ok(None) };
        let mut items = Vec::new();
        for ((point, date), measured) in days {
            let of_day: Vec<&Order> = orders
                .iter()
                .filter(|order| order.window.congestion_point == *point && order.window.period == *date)
                .collect();
            if !of_day.is_empty() {
                items.extend(self.items(aggregator, (point, *date), &of_day, measured, terms).await?);
            }
        }
        items.sort_by(|one: &SettlementItem, other| {
            (one.period, &one.reference).cmp(&(other.period, &other.reference))
        });
        Ok(Some(Settlement {
            message_id: self.context.uuid(),
            conversation_id: self.context.uuid(),
            counterparty: aggregator.clone(),
            period_start: first,
            period_end: last,
            span,
            currency,
            items,
            state: SettlementState::Sent,
        }))
    }

    async fn items(
        &self,
        aggregator: &Domain,
        (point, date): (&EntityAddress, Date),
        orders: &[&Order],
        measured: &Measured,
        terms: &SettlementConfig,
    ) -> Result<Vec<SettlementItem>, StoreError> {
        let Ok(day) = self.calendar.day(date) else { return Ok(Vec::new()) };
        let window = Window { congestion_point: point.clone(), period: date };
        let prognoses = self.prognoses(aggregator, &window).await?;
        let baseline = counted_from(orders, &prognoses);
        let is_due = |reference: &str| orders.iter().any(|order| order.reference == reference);
        let is_measured = measured.missing.is_empty();
        let outcomes: Vec<IspOutcome> = day
            .isps()
            .map(|(isp, span)| {
                let energy = measured.energies.get(isp.index()).copied().unwrap_or(Energy::ZERO);
                let actual = energy.mean_power(span).ok().filter(|_| is_measured);
                let expected = baseline.and_then(|baseline| baseline.power(isp));
                // What is not known shows no change.
                let baseline = expected.or(actual).unwrap_or(Power::ZERO);
                IspOutcome { span, baseline, actual: actual.unwrap_or(baseline) }
            })
            .collect();
        // Orders that were settled before still moved the power of this day.
        let all = self.orders_to(aggregator, &window, &day, Order::is_accepted).await?;
        let to_settle: Vec<OrderToSettle> = all.iter().map(|order| order.to_settle(&day)).collect();
        let agreed = SettlementTerms { penalty_per_megawatt_hour: terms.penalty_per_mwh };
        let settled = settle(&outcomes, &to_settle, agreed);
        Ok(settled
            .into_iter()
            .filter(|order| is_due(&order.reference))
            .map(|order| {
                let isps: Vec<SettlementIsp> =
                    order.isps.iter().filter_map(|isp| settlement_isp(isp, &day)).collect();
                let unmeasured: Vec<IspNumber> =
                    isps.iter().map(|isp| isp.isp).filter(|_| !is_measured).collect();
                SettlementItem {
                    reference: order.reference,
                    congestion_point: point.clone(),
                    period: date,
                    prognosis: baseline.map(|baseline| baseline.message_id),
                    price: order.price,
                    penalty: order.penalty,
                    net: order.net,
                    isps,
                    unmeasured,
                    status: ItemStatus::Open,
                    own: None,
                }
            })
            .collect())
    }
}

/// What the orders of a day are counted against: the earliest prognosis that one of them names, or the day's baseline.
fn counted_from<'a>(orders: &[&Order], prognoses: &'a [Prognosis]) -> Option<&'a Prognosis> {
    let named = prognoses
        .iter()
        .filter(|known| orders.iter().any(|order| order.prognosis == Some(known.message_id)))
        .min_by_key(|known| known.revision);
    named.or_else(|| baseline_of(prognoses))
}

fn settlement_isp(isp: &tieline_flex::SettledIsp, day: &IspDay) -> Option<SettlementIsp> {
    let (number, _) = day.isps().find(|(_, span)| *span == isp.span)?;
    Some(SettlementIsp {
        isp: number,
        baseline: isp.baseline,
        ordered: isp.ordered,
        actual: isp.actual,
        delivered: isp.delivered,
        deficiency: isp.deficiency,
    })
}

/// The subject of the timer: the first day of the period, and the aggregator.
pub(crate) fn settlement_subject(first: Date, aggregator: &Domain) -> String {
    format!("{first} {aggregator}")
}

/// What [`settlement_subject`] wrote.
fn period_and(subject: &str) -> Option<(Date, Domain)> {
    let (first, domain) = subject.split_once(' ')?;
    Some((first.parse().ok()?, domain.parse().ok()?))
}
