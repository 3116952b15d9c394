//! The time after an order, in which what was held back is charged without a new peak.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use tieline_flex::{Fleet, Plan, Release, Target};
use tieline_store::{ChangeSet, Records as _, StoreError, Version};
use tieline_types::{EntityAddress, IspCalendar, IspDay, IspNumber, Power, TimeSpan};

use super::Agr;
use super::planning::{FREE, Promised};
use crate::market::{Prognosis, Request, RequestState, Window};

/// The release of a congestion point: begun with an order, and open until nobody is held back any more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Releasing {
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

/// What a congestion point may draw where nothing is promised, while its release goes on.
#[derive(Debug)]
pub(super) struct Caps {
    normal_peak: Power,
    latest_end: Timestamp,
    prognosis: Option<Prognosis>,
    requests: Vec<Request>,
}

impl Agr {
    /// The release that goes on at a congestion point, or that begins with what is promised now.
    ///
    /// What is ordered while it goes on prolongs it, and may raise its cap.
    pub(super) async fn release(
        &self,
        point: &EntityAddress,
        in_sight: &[Promised],
        present: Timestamp,
    ) -> Result<Option<Going>, StoreError> {
        let known = self.context.store.record::<Releasing>(point.as_str()).await?;
        let version = known.as_ref().map_or(0, |known| known.version);
        let going = known.map(|known| known.value).filter(|known| !known.over).map(|known| known.release);
        let kept_until = end_of_order(in_sight, present);
        let release = match (going, kept_until) {
            (going, None) => going,
            (going, Some(kept_until)) => {
                let peak = self.normal_peak(point, in_sight).await?;
                let latest_end = kept_until.checked_add(self.config.release_within.signed());
                let latest_end = latest_end.unwrap_or(Timestamp::MAX);
                Some(match going {
                    Some(release) => release.until(latest_end).at_least_up_to(peak),
                    None => Release::new(peak, latest_end),
                })
            }
        };
        Ok(release.map(|release| Going {
            releasing: Releasing { congestion_point: point.clone(), release, over: false },
            version,
        }))
    }

    /// The most that the day would have seen without the orders, as far as that is known.
    async fn normal_peak(&self, point: &EntityAddress, promises: &[Promised]) -> Result<Power, StoreError> {
        let baselines = promises.iter().map(|promised| promised.target.power.saturating_sub(promised.change));
        let prognosis = self.todays_prognosis(point).await?;
        let expected = prognosis.and_then(|known| known.powers.iter().map(|run| run.power).max());
        Ok(baselines.chain(expected).max().unwrap_or(Power::ZERO))
    }

    async fn todays_prognosis(&self, point: &EntityAddress) -> Result<Option<Prognosis>, StoreError> {
        let Some(reported) = self.reported(point) else { return Ok(None) };
        let Ok((today, _)) = self.calendar.locate(self.context.now()) else { return Ok(None) };
        let window = Window { congestion_point: point.clone(), period: today.date() };
        self.agreed_baseline(&reported.dso, &window).await
    }

    /// What caps a release in a span: the normal peak, and what the grid operator said it has room for.
    pub(super) async fn caps(
        &self,
        going: &Going,
        point: &EntityAddress,
        within: TimeSpan,
    ) -> Result<Caps, StoreError> {
        let requests = self.context.store.records_of::<Request>(point.as_str(), Some(within)).await?;
        let requests = requests.into_iter().map(|stored| stored.value);
        Ok(Caps {
            normal_peak: going.releasing.release.normal_peak(),
            latest_end: going.releasing.release.latest_end(),
            prognosis: self.todays_prognosis(point).await?,
            requests: requests.filter(|request| request.state == RequestState::Accepted).collect(),
        })
    }
}

/// The end of what is promised without a break from now on; `None` if nothing is promised now. The promises are in order of time.
fn end_of_order(promises: &[Promised], present: Timestamp) -> Option<Timestamp> {
    promises
        .iter()
        .map(|promised| promised.target.span)
        .fold(None, |end, span| if span.start() <= end.unwrap_or(present) { Some(span.end()) } else { end })
}

impl Caps {
    /// What a span may come to, ISP by ISP.
    pub(super) fn over(&self, span: TimeSpan, calendar: &IspCalendar) -> Vec<Target> {
        let mut targets = Vec::new();
        let mut from = span.start();
        while from < span.end() {
            let Ok((day, isp)) = calendar.locate(from) else { break };
            let Some(part) = day.isp(isp).ok().and_then(|isp| isp.intersection(span)) else { break };
            let power = if from < self.latest_end { self.cap(&day, isp) } else { FREE };
            targets.push(Target::at_most(part, power));
            from = part.end();
        }
        targets
    }

    fn cap(&self, day: &IspDay, isp: IspNumber) -> Power {
        let of_day = self.requests.iter().filter(|request| request.window.period == day.date());
        let available = of_day
            .flat_map(|request| &request.isps)
            .filter(|bounds| !bounds.requested && bounds.isps.contains(isp));
        let room = available.map(|bounds| bounds.max).min();
        let prognosis = self.prognosis.as_ref().filter(|known| known.window.period == day.date());
        let welcome = room
            .zip(prognosis.and_then(|known| known.power(isp)))
            .map(|(room, expected)| expected.saturating_add(room).max(Power::ZERO));
        welcome.map_or(self.normal_peak, |welcome| welcome.min(self.normal_peak))
    }
}

impl Going {
    /// Whether anybody is held back at an instant, and the release may still last.
    pub(super) fn goes_on(&self, fleet: &Fleet, at: Timestamp) -> bool {
        let moment = at.checked_add(SignedDuration::from_secs(1)).ok().and_then(|end| TimeSpan::new(at, end));
        moment.is_some_and(|moment| self.releasing.release.target(fleet, moment).is_some())
    }

    /// Notes who is asked to take less than it could, and that the release goes on.
    pub(super) fn hold_back(
        mut self,
        fleet: &Fleet,
        plan: &Plan,
        span: TimeSpan,
        changes: &mut ChangeSet,
    ) -> Result<(), StoreError> {
        self.releasing.release.hold_back(fleet, plan, span);
        changes.replace(&self.releasing, self.version)?;
        Ok(())
    }

    /// Notes that it is over.
    pub(super) fn end(self, changes: &mut ChangeSet) -> Result<(), StoreError> {
        changes.replace(&Releasing { over: true, ..self.releasing }, self.version)?;
        Ok(())
    }
}
