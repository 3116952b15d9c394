use std::collections::BTreeMap;

use jiff::civil::{Date, Time};
use tieline_flex::baseline;
use tieline_store::{ChangeSet, Records as _, StoreError};
use tieline_types::{Domain, EntityAddress, IspDay, IspNumber, Power, TimeSpan};
use uuid::Uuid;

use super::Agr;
use super::days::subject;
use super::offering::runs;
use crate::config::ReportedPoint;
use crate::market::{
    ExpectedFrom, Metered, Order, OrderState, Prognosis, PrognosisState, Promise, Wanted, Window,
    baseline_of, per_isp,
};

/// The timer that makes the prognosis of a congestion point for a day, again after each order.
pub(crate) const PROGNOSE: &str = "prognose";

/// Measured days that an expectation is the mean of, at the most.
const MEASURED_DAYS: usize = 10;

/// How far back it looks for them.
const DAYS_BACK: i64 = 30;

impl Agr {
    /// The grid operator that is told about a congestion point.
    pub(crate) fn reported(&self, point: &EntityAddress) -> Option<&ReportedPoint> {
        self.config.reported_points.iter().find(|known| known.entity_address == *point)
    }

    /// Has the prognosis of a day made anew: something was ordered.
    pub(crate) fn want_prognosis(&self, window: &Window, changes: &mut ChangeSet) -> Result<(), StoreError> {
        if self.reported(&window.congestion_point).is_none() {
            return Ok(());
        }
        let of_day = subject(window.period, window.congestion_point.as_str());
        Wanted::now(PROGNOSE, &of_day, self.context.now(), changes)
    }

    /// All prognoses of a day that were sent to a grid operator.
    async fn prognoses(&self, dso: &Domain, window: &Window) -> Result<Vec<Prognosis>, StoreError> {
        let Ok(day) = self.calendar.day(window.period) else { return Ok(Vec::new()) };
        let point = window.congestion_point.as_str();
        let found = self.context.store.records_of::<Prognosis>(point, Some(day.span())).await?;
        let ours = |prognosis: &Prognosis| prognosis.counterparty == *dso && prognosis.window == *window;
        Ok(found.into_iter().map(|stored| stored.value).filter(ours).collect())
    }

    /// What the changes of a day are counted against, if the grid operator has accepted a prognosis for it.
    pub(crate) async fn agreed_baseline(
        &self,
        dso: &Domain,
        window: &Window,
    ) -> Result<Option<Prognosis>, StoreError> {
        Ok(baseline_of(&self.prognoses(dso, window).await?).cloned())
    }

    /// The next prognosis of a day, if it says anything that the last one does not.
    pub(crate) async fn prognosis(
        &self,
        point: &ReportedPoint,
        date: Date,
    ) -> Result<Option<Prognosis>, StoreError> {
        let now = self.context.now();
        let Some(day) = self.calendar.day(date).ok().filter(|day| day.end() > now) else { return Ok(None) };
        let window = Window { congestion_point: point.entity_address.clone(), period: date };
        let sent = self.prognoses(&point.dso, &window).await?;
        let last = sent.iter().filter(|prognosis| prognosis.stands()).max_by_key(|known| known.revision);
        let (orders, ordered) = self.ordered(&point.dso, &window, &day).await?;
        if last.is_some_and(|last| last.orders == orders) {
            return Ok(None);
        }
        let untouched = sent
            .iter()
            .filter(|prognosis| prognosis.stands() && prognosis.orders.is_empty())
            .min_by_key(|known| known.revision);
        let (expected, expected_from) = if let Some(known) = untouched {
            (per_isp(&known.powers).into_iter().collect(), known.expected_from)
        } else {
            let (expected, from) = self.expectation(point, &day).await?;
            (expected, Some(from))
        };
        let power = |isp: IspNumber, span: TimeSpan| {
            let past = last.filter(|_| span.start() <= now).and_then(|last| last.power(isp));
            let with_orders = || {
                let change = ordered.get(&isp).copied().unwrap_or(Power::ZERO);
                expected.get(&isp).copied().unwrap_or(Power::ZERO).saturating_add(change)
            };
            past.unwrap_or_else(with_orders)
        };
        Ok(Some(Prognosis {
            message_id: self.context.uuid(),
            // Revisions of one conversation arrive in their order.
            conversation_id: sent.first().map_or_else(|| self.context.uuid(), |first| first.conversation_id),
            counterparty: point.dso.clone(),
            window,
            span: day.span(),
            revision: sent.iter().map(|known| known.revision).max().map_or(1, |last| last.saturating_add(1)),
            powers: runs(day.isps().map(|(isp, span)| (isp, power(isp, span)))),
            orders,
            expected_from,
            state: PrognosisState::Sent,
        }))
    }

    /// The accepted orders of a day, and what they come to in each ISP.
    async fn ordered(
        &self,
        dso: &Domain,
        window: &Window,
        day: &IspDay,
    ) -> Result<(Vec<Uuid>, BTreeMap<IspNumber, Power>), StoreError> {
        let point = window.congestion_point.as_str();
        let orders = self.context.store.records_of::<Order>(point, Some(day.span())).await?;
        let (mut ids, mut ordered) = (Vec::new(), BTreeMap::new());
        for order in orders.into_iter().map(|stored| stored.value) {
            if order.counterparty == *dso && order.window == *window && order.state == OrderState::Accepted {
                for (isp, change) in per_isp(&order.isps) {
                    let sum: &mut Power = ordered.entry(isp).or_insert(Power::ZERO);
                    *sum = sum.saturating_add(change);
                }
                ids.push(order.message_id);
            }
        }
        Ok((ids, ordered))
    }

    /// What the connections of a point will take on a day without any order.
    async fn expectation(
        &self,
        point: &ReportedPoint,
        day: &IspDay,
    ) -> Result<(BTreeMap<IspNumber, Power>, ExpectedFrom), StoreError> {
        if let Some(load) = &point.expected_load {
            let zone = self.calendar.time_zone();
            let expected = day.isps().map(|(isp, span)| (isp, load.mean(span, zone))).collect();
            return Ok((expected, ExpectedFrom::ExpectedLoad));
        }
        let measured = self.measured_days(point, day).await?;
        let by_present = self.present_sessions(&point.entity_address, day).await?;
        let zone = self.calendar.time_zone();
        let expected = day
            .isps()
            .map(|(isp, span)| {
                let of_days = measured.by_time.get(&zone.to_datetime(span.start()).time());
                let mean = of_days.map(|powers| mean(powers.as_slice()));
                (isp, mean.or_else(|| by_present.get(&isp).copied()).unwrap_or(Power::ZERO))
            })
            .collect();
        let from = match measured.days {
            0 => ExpectedFrom::PresentSessions,
            days => ExpectedFrom::MeasuredDays(days),
        };
        Ok((expected, from))
    }

    /// What was measured on the latest days, by the local time at which an ISP starts. ISPs in which something was ordered
    /// say nothing of what would have been.
    async fn measured_days(&self, point: &ReportedPoint, day: &IspDay) -> Result<MeasuredDays, StoreError> {
        let behind: Vec<&EntityAddress> = self
            .config
            .connections
            .iter()
            .filter(|known| known.congestion_point == point.entity_address)
            .map(|known| &known.entity_address)
            .collect();
        let start = day.start() - jiff::SignedDuration::from_hours(24 * DAYS_BACK);
        let Some(back) = TimeSpan::new(start, day.start()) else { return Ok(MeasuredDays::default()) };
        let mut by_date: BTreeMap<Date, Vec<Metered>> = BTreeMap::new();
        let address = point.entity_address.as_str();
        for stored in self.context.store.records_of::<Metered>(address, Some(back)).await? {
            let metered = stored.value;
            let counts = metered.whole && metered.counterparty == point.dso && metered.period < day.date();
            if counts && behind.contains(&&metered.connection) {
                by_date.entry(metered.period).or_default().push(metered);
            }
        }
        let promises = self.context.store.records_of::<Promise>(address, Some(back)).await?;
        let sold: Vec<TimeSpan> = promises.iter().map(|stored| stored.value.span).collect();
        let mut days = MeasuredDays::default();
        let complete = by_date.iter().rev().filter(|(_, metered)| metered.len() == behind.len());
        for (date, metered) in complete.take(MEASURED_DAYS) {
            let Ok(earlier) = self.calendar.day(*date) else { continue };
            days.days += 1;
            for (isp, span) in earlier.isps().filter(|(_, span)| !sold.contains(span)) {
                let energies =
                    metered.iter().filter_map(|metered| metered.energies.get(isp.index()).copied());
                let sum = tieline_types::Energy::checked_sum(energies);
                if let Some(power) = sum.and_then(|energy| energy.mean_power(span).ok()) {
                    let time = self.calendar.time_zone().to_datetime(span.start()).time();
                    days.by_time.entry(time).or_default().push(power);
                }
            }
        }
        Ok(days)
    }

    /// What the sessions that are present will draw from now on.
    async fn present_sessions(
        &self,
        point: &EntityAddress,
        day: &IspDay,
    ) -> Result<BTreeMap<IspNumber, Power>, StoreError> {
        let now = self.context.now();
        let fleet = self.fleet(point).await?;
        let to_come: Vec<(IspNumber, TimeSpan)> = day.isps().filter(|(_, span)| span.end() > now).collect();
        let spans: Vec<TimeSpan> = to_come.iter().map(|(_, span)| *span).collect();
        Ok(to_come.iter().map(|(isp, _)| *isp).zip(baseline(&fleet, &spans)).collect())
    }
}

#[derive(Debug, Default)]
struct MeasuredDays {
    days: u32,
    by_time: BTreeMap<Time, Vec<Power>>,
}

fn mean(powers: &[Power]) -> Power {
    let sum: i128 = powers.iter().map(|power| i128::from(power.watts())).sum();
    let count = i128::try_from(powers.len().max(1)).unwrap_or(1);
    Power::from_watts(i64::try_from(sum / count).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mean_is_the_mean() {
        let powers = |watts: &[i64]| watts.iter().copied().map(Power::from_watts).collect::<Vec<_>>();
        assert_eq!(mean(&powers(&[1, 2, 6])).watts(), 3);
        assert_eq!(mean(&powers(&[i64::MAX, i64::MAX])).watts(), i64::MAX);
        assert_eq!(mean(&[]).watts(), 0);
    }
}
