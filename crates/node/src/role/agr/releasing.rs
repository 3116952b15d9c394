//! The time after an order, in which what was held back is charged without a new peak.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tieline_flex::{Fleet, Plan, Release, Stay, StayDistribution, Target};
use tieline_store::{ChangeSet, Records as _, StoreError, Stored, Version};
use tieline_types::{EntityAddress, Power, TimeSpan};

use super::Agr;
use super::planning::Promised;
use super::tracking::Crowd;
use crate::fleet::Session;
use crate::market::{Prognosis, Request, RequestState, Window};

/// The release of a congestion point: begun with an order, and open until nobody is held back any more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Releasing {
    congestion_point: EntityAddress,
    release: Release,
    over: bool,
}

record!(Releasing, "release", |this| {
    key: this.congestion_point.to_string(),
    subject: this.congestion_point.to_string(),
    span: None,
    open: !this.over,
});

/// A release that is going on, as a plan changes it.
#[derive(Debug)]
pub(super) struct Going {
    releasing: Releasing,
    version: Version,
}

/// How long the drivers at a congestion point stay.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Stays {
    congestion_point: EntityAddress,
    distribution: StayDistribution,
}

record!(Stays, "stays", |this| {
    key: this.congestion_point.to_string(),
    subject: this.congestion_point.to_string(),
    span: None,
    open: false,
});

impl Agr {
    /// The release that goes on at a congestion point.
    pub(super) async fn releasing(
        &self,
        point: &EntityAddress,
    ) -> Result<Option<Stored<Releasing>>, StoreError> {
        let known = self.context.store.record::<Releasing>(point.as_str()).await?;
        Ok(known.filter(|known| !known.value.over))
    }

    /// The release that goes on, or the one that begins with the order that is being kept now.
    pub(super) async fn release(
        &self,
        known: Option<Stored<Releasing>>,
        point: &EntityAddress,
        promises: &[Promised],
        is_active: bool,
    ) -> Result<Option<Going>, StoreError> {
        let last = promises.iter().map(|promised| promised.target.span.end()).max();
        let latest_end = |after: Timestamp| after.checked_add(self.config.release_within.signed());
        match (known, last) {
            (Some(known), last) => {
                let mut releasing = known.value;
                if let Some(end) = last.and_then(|last| latest_end(last).ok()) {
                    releasing.release = releasing.release.until(end);
                }
                Ok(Some(Going { releasing, version: known.version }))
            }
            (None, Some(last)) if is_active => {
                let peak = self.normal_peak(point, promises).await?;
                let Ok(end) = latest_end(last) else { return Ok(None) };
                let before = self.context.store.record::<Releasing>(point.as_str()).await?;
                let releasing = Releasing {
                    congestion_point: point.clone(),
                    release: Release::new(peak, end),
                    over: false,
                };
                Ok(Some(Going { releasing, version: before.map_or(0, |before| before.version) }))
            }
            (None, _) => Ok(None),
        }
    }

    /// The most that the day would have seen without the order, as far as that is known.
    async fn normal_peak(&self, point: &EntityAddress, promises: &[Promised]) -> Result<Power, StoreError> {
        let promised = promises.iter().map(|promised| promised.target.power.saturating_sub(promised.change));
        let expected = self
            .todays_prognosis(point)
            .await?
            .and_then(|known| known.powers.iter().map(|run| run.power).max());
        Ok(promised.chain(expected).max().unwrap_or(Power::ZERO))
    }

    async fn todays_prognosis(&self, point: &EntityAddress) -> Result<Option<Prognosis>, StoreError> {
        let Some(reported) = self.reported(point) else { return Ok(None) };
        let Ok((today, _)) = self.calendar.locate(self.context.now()) else { return Ok(None) };
        let window = Window { congestion_point: point.clone(), period: today.date() };
        self.agreed_baseline(&reported.dso, &window).await
    }

    /// What the fleet may draw from the end of the order on: no more than the normal peak, and no more than what the grid
    /// operator said it has room for.
    pub(super) async fn after_the_order(
        &self,
        going: &Going,
        point: &EntityAddress,
        crowd: &Crowd,
        from: Timestamp,
        until: Timestamp,
    ) -> Result<Vec<Target>, StoreError> {
        let mut targets = Vec::new();
        let mut from = from;
        let prognosis = self.todays_prognosis(point).await?;
        let requests = match TimeSpan::new(from, until) {
            Some(span) => self.context.store.records_of::<Request>(point.as_str(), Some(span)).await?,
            None => Vec::new(),
        };
        while from < until {
            let Ok((day, isp)) = self.calendar.locate(from) else { break };
            let Some(span) = day.isp(isp).ok().and_then(|span| TimeSpan::new(from, span.end())) else {
                break;
            };
            let Some(target) = going.releasing.release.target(&crowd.fleet, span) else { break };
            let room = requests
                .iter()
                .map(|stored| &stored.value)
                .filter(|request| {
                    request.state == RequestState::Accepted && request.window.period == day.date()
                })
                .flat_map(|request| &request.isps)
                .filter(|bounds| !bounds.requested && bounds.isps.contains(isp))
                .map(|bounds| bounds.max)
                .min();
            let expected = prognosis.as_ref().filter(|known| known.window.period == day.date());
            let most = room
                .zip(expected.and_then(|known| known.power(isp)))
                .map_or(target.power, |(room, expected)| expected.saturating_add(room));
            targets.push(Target { power: target.power.min(most), ..target });
            from = span.end();
        }
        Ok(targets)
    }

    /// How long drivers stay, as far as it was learned.
    pub(super) async fn stays(&self, point: &EntityAddress) -> Result<StayDistribution, StoreError> {
        let known = self.context.store.record::<Stays>(point.as_str()).await?;
        let new = || StayDistribution::new(self.calendar.time_zone().clone());
        Ok(known.map_or_else(new, |known| known.value.distribution))
    }

    /// Learns from a session that has ended.
    pub(crate) async fn learn_stay(
        &self,
        session: &Session,
        changes: &mut ChangeSet,
    ) -> Result<(), StoreError> {
        let Some(departure) = session.ended else { return Ok(()) };
        let point = &session.congestion_point;
        let known = self.context.store.record::<Stays>(point.as_str()).await?;
        let version = known.as_ref().map_or(0, |known| known.version);
        let new = || StayDistribution::new(self.calendar.time_zone().clone());
        let mut distribution = known.map_or_else(new, |known| known.value.distribution);
        let stated = session.stated.and_then(|stated| stated.departure);
        distribution.learn(&Stay { arrival: session.started, departure, stated });
        changes.replace(&Stays { congestion_point: point.clone(), distribution }, version)?;
        Ok(())
    }
}

impl Going {
    /// Notes who is asked to take less than it could.
    pub(super) fn hold_back(&mut self, fleet: &Fleet, plan: &Plan, span: TimeSpan) {
        self.releasing.release.hold_back(fleet, plan, span);
    }

    /// Writes what became of it.
    pub(super) fn write(self, goes_on: bool, changes: &mut ChangeSet) -> Result<(), StoreError> {
        changes.replace(&Releasing { over: !goes_on, ..self.releasing }, self.version)?;
        Ok(())
    }
}
