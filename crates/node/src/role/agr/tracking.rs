//! What the sessions at a congestion point do with what they are told.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use rust_decimal::Decimal;
use tieline_flex::{
    ChargingSession, Connection, Departure, Fleet, FollowingRules, MeasuringRules, RegisterReading, Seen,
    Steering, Supply, following, measured,
};
use tieline_store::{Records as _, StoreError, Stored};
use tieline_types::{Energy, EntityAddress, Power, TimeSpan};

use super::Agr;
use crate::config::{ChargerConfig, ProfileUnit};
use crate::fleet::{Learned, Session, SetPoint, SetPointState};

/// How long a charger may be away before it is reckoned to do what it likes. A node that starts again finds none of its chargers
/// connected, and most come back at once.
const MAY_BE_AWAY: SignedDuration = SignedDuration::from_mins(1);

/// How long a limit must have held before a reading says how it is followed: an EV has 5 s to follow a new one (IEC 61851-1), and
/// its charger takes a while to pass it on.
const REACTION: SignedDuration = SignedDuration::from_secs(15);

/// Everything that is charging behind a congestion point, or was in this ISP.
#[derive(Debug)]
pub(super) struct Crowd {
    /// Those that take energy, as the planner sees them.
    pub(super) fleet: Fleet,
    steered: BTreeMap<String, Steered>,
    arrivals: BTreeMap<String, Timestamp>,
    /// When it is looked at.
    pub(super) now: Timestamp,
}

/// A session, and all that is known about steering it.
#[derive(Debug)]
pub(super) struct Steered {
    pub(super) session: Session,
    pub(super) set_point: Option<Stored<SetPoint>>,
    pub(super) supply: Supply,
    pub(super) unit: ProfileUnit,
    pub(super) learned: Learned,
    pub(super) steering: Steering,
    /// Of the unit that its limits were told in.
    watts_per_unit: i64,
}

impl Agr {
    /// The sessions at a congestion point that are open, and those that ended lately.
    pub(super) async fn crowd(&self, point: &EntityAddress, now: Timestamp) -> Result<Crowd, StoreError> {
        let store = &self.context.store;
        let mut sessions: Vec<Session> =
            store.open_records::<Session>().await?.into_iter().map(|stored| stored.value).collect();
        sessions.retain(|session| session.congestion_point == *point);
        let lately = now
            .checked_sub(self.calendar.isp_duration().signed_duration())
            .ok()
            .and_then(|from| TimeSpan::new(from, now));
        sessions.extend(
            store
                .records_of::<Session>(point.as_str(), lately)
                .await?
                .into_iter()
                .map(|stored| stored.value)
                .filter(|session| session.ended.is_some()),
        );
        let mut set_points = self.latest_set_points(point, lately).await?;
        let absent = self.absences.since_before(now.checked_sub(MAY_BE_AWAY).unwrap_or(now));
        let mut crowd = Crowd {
            fleet: Fleet { connections: self.connections(point), ..Fleet::default() },
            steered: BTreeMap::new(),
            arrivals: BTreeMap::new(),
            now,
        };
        for session in sessions {
            let id = session.key.to_string();
            // A session at a charger that may no longer connect can't be steered.
            let Some(charger) = self.charger(&session.key.charger) else { continue };
            let set_point = match set_points.remove(&id) {
                Some(known) => Some(known),
                // It was told nothing lately, or never.
                None => store.record::<SetPoint>(&id).await?,
            };
            let Some(steered) =
                Steered::of(session, set_point, &charger.charger, self.unit_of(&charger.charger))
            else {
                continue;
            };
            crowd.add(id, steered, &absent);
        }
        Ok(crowd)
    }

    /// What was told at a congestion point of a time from the start of `lately` on, by session: there is one set-point for every
    /// session that ever was told anything, so all of them would be too many.
    async fn latest_set_points(
        &self,
        point: &EntityAddress,
        lately: Option<TimeSpan>,
    ) -> Result<BTreeMap<String, Stored<SetPoint>>, StoreError> {
        let from = lately.and_then(|lately| TimeSpan::new(lately.start(), Timestamp::MAX));
        let found = self.context.store.records_of::<SetPoint>(point.as_str(), from).await?;
        Ok(found.into_iter().map(|known| (known.value.session.to_string(), known)).collect())
    }

    fn connections(&self, point: &EntityAddress) -> Vec<Connection> {
        let here = self.config.connections.iter().filter(|connection| connection.congestion_point == *point);
        here.map(|known| Connection { address: known.entity_address.clone(), limit: known.limit }).collect()
    }
}

impl Crowd {
    fn add(&mut self, id: String, mut steered: Steered, absent: &BTreeSet<String>) {
        let is_absent = absent.contains(&steered.session.key.charger);
        steered.learn();
        steered.steering = steered.steering_at(self.now, is_absent);
        if steered.session.ended.is_none() && steered.session.takes() {
            let session = &steered.session;
            self.arrivals.insert(id.clone(), session.started);
            self.fleet.sessions.push(ChargingSession {
                draws_at_most: steered.learned.draws_at_most,
                steering: steered.steering,
                energy_wanted: session.wanted(),
                energy_delivered: session.delivered(),
                departure: session
                    .stated
                    .and_then(|stated| stated.departure)
                    .map_or(Departure::Unknown, Departure::Stated),
                ..ChargingSession::new(id.clone(), session.connection.clone(), steered.supply)
            });
        }
        self.steered.insert(id, steered);
    }

    pub(super) fn steered(&self, id: &str) -> Option<&Steered> {
        self.steered.get(id)
    }

    pub(super) fn arrivals(&self) -> &BTreeMap<String, Timestamp> {
        &self.arrivals
    }

    /// When the last limit ends that anybody was told.
    pub(super) fn told_until(&self) -> Option<Timestamp> {
        let spans = self.steered.values().filter_map(|steered| steered.set_point.as_ref()?.value.span());
        spans.map(TimeSpan::end).max()
    }

    /// Whether any meter was read in a span: without that, what was drawn in it is nothing but a guess.
    pub(super) fn was_read_in(&self, span: TimeSpan) -> bool {
        let latest = self.steered.values().filter_map(|steered| steered.session.recent.last());
        latest.into_iter().any(|latest| latest.at > span.start())
    }

    /// What all of them have drawn in a span up to now, by their meters and, since they were read last, by what they may
    /// draw.
    pub(super) fn drawn(&self, span: TimeSpan) -> Energy {
        let each = self.steered.values().map(|steered| steered.drawn(span));
        Energy::checked_sum(each).unwrap_or(Energy::ZERO)
    }
}

impl Steered {
    fn of(
        session: Session,
        set_point: Option<Stored<SetPoint>>,
        charger: &ChargerConfig,
        unit: ProfileUnit,
    ) -> Option<Self> {
        // What was told before may have been told in the other one.
        let told_in = set_point.as_ref().map_or(unit, |known| known.value.unit);
        let make = match unit {
            ProfileUnit::W => Supply::in_watts,
            ProfileUnit::A => Supply::in_amperes,
        };
        let learned = set_point.as_ref().map(|known| known.value.learned).unwrap_or_default();
        Some(Self {
            session,
            set_point,
            supply: make(charger.phases, charger.voltage, charger.maximum_current).ok()?,
            unit,
            learned,
            steering: Steering::Steerable,
            watts_per_unit: match told_in {
                ProfileUnit::W => 1,
                ProfileUnit::A => i64::from(charger.phases) * i64::from(charger.voltage),
            },
        })
    }

    /// Learns from the latest reading how much the EV takes, and whether it follows its limits.
    ///
    /// Who was seen to ignore them is reckoned to until a reading shows the contrary under a limit.
    fn learn(&mut self) {
        let rules = FollowingRules::default();
        let unlimited = Power::from_watts(i64::MAX);
        let before = self.learned.draws_at_most.map(|drew| Seen { drew, allowed: unlimited });
        let latest = self.latest_seen();
        let seen: Vec<Seen> = before.into_iter().chain(latest).collect();
        let found = following(&seen, rules);
        if found.steering != Steering::Steerable {
            self.learned.ignores = true;
            return;
        }
        self.learned.ignores &= latest.is_none_or(|seen| seen.allowed >= self.supply.maximum());
        // One that takes nothing may be about to begin, and would never do so under a limit of 0.
        let least = self.supply.minimum();
        self.learned.draws_at_most =
            found.draws_at_most.map(|most| if most <= rules.standby { least } else { most });
    }

    /// Whether it is reckoned to do what it is told: not while its charger is away, ignores its limits, or has refused some that
    /// are not over.
    fn steering_at(&self, now: Timestamp, is_absent: bool) -> Steering {
        let refused = self.set_point.as_ref().is_some_and(|known| {
            let lasts = known.value.span().is_some_and(|span| span.end() > now);
            matches!(known.value.state, SetPointState::Refused { .. }) && lasts
        });
        if self.learned.ignores || refused || is_absent {
            Steering::Unsteerable { draws: self.draws() }
        } else {
            Steering::Steerable
        }
    }

    /// What its meter showed last, if it is known what it was allowed then.
    fn latest_seen(&self) -> Option<Seen> {
        let latest = self.session.recent.last()?;
        let (drew, allowed) = (latest.power?, self.allowed(latest.at)?);
        Some(Seen { drew, allowed })
    }

    /// The limit that had held for a while at an instant; `None` if it had just changed, or if nobody knows which one held.
    fn allowed(&self, at: Timestamp) -> Option<Power> {
        let Some(set_point) = self.set_point.as_ref().map(|known| &known.value) else {
            return Some(self.supply.maximum());
        };
        let since = at.checked_sub(REACTION).ok()?;
        match set_point.state {
            SetPointState::Accepted { at: accepted } if accepted <= since => {
                let limit = set_point.limit_at(at);
                let held = limit == set_point.limit_at(since);
                held.then(|| limit.map_or(self.supply.maximum(), |limit| self.watts(limit)))
            }
            // What was told before may still hold.
            SetPointState::Refused { .. } | SetPointState::Missed if set_point.before.is_none() => {
                Some(self.supply.maximum())
            }
            _ => None,
        }
    }

    fn watts(&self, limit: Decimal) -> Power {
        let watts = (limit * Decimal::from(self.watts_per_unit)).floor();
        Power::from_watts(watts.try_into().unwrap_or(i64::MAX))
    }

    /// What it draws when nobody tells it anything, as far as is known.
    fn draws(&self) -> Power {
        let measured = self.session.recent.last().and_then(|latest| latest.power);
        measured.or(self.learned.draws_at_most).unwrap_or(self.supply.maximum())
    }

    fn drawn(&self, span: TimeSpan) -> Energy {
        let recent = &self.session.recent;
        let last_read = recent.last().map(|latest| latest.at);
        let by_meter = last_read.and_then(|last| {
            let registers: Vec<RegisterReading> = recent
                .iter()
                .map(|reading| RegisterReading { at: reading.at, register: reading.energy })
                .collect();
            let rules = MeasuringRules { longest_gap: SignedDuration::MAX, maximum: self.supply.maximum() };
            let read = TimeSpan::new(span.start(), last.min(span.end()))?;
            Some(measured(&registers, &[read], rules).first()?.energy)
        });
        let since = last_read.unwrap_or(self.session.started).max(self.session.started).max(span.start());
        let estimated = TimeSpan::new(since, self.session.ended.unwrap_or(span.end()).min(span.end()))
            .filter(|_| self.session.takes())
            .map(|since_read| self.estimated(since_read));
        by_meter
            .unwrap_or(Energy::ZERO)
            .checked_add(estimated.unwrap_or(Energy::ZERO))
            .unwrap_or(Energy::ZERO)
    }

    /// What it draws in a span in which nobody has read its meter: as before until it accepted its limits, and then as much as
    /// these allow.
    fn estimated(&self, span: TimeSpan) -> Energy {
        let accepted = self.set_point.as_ref().and_then(|known| match known.value.state {
            SetPointState::Accepted { at } => Some(at.clamp(span.start(), span.end())),
            _ => None,
        });
        let turn = accepted.unwrap_or(span.end());
        let set_point = self.set_point.as_ref().map(|known| &known.value).filter(|_| !self.learned.ignores);
        let at_most = self.learned.draws_at_most.unwrap_or(self.supply.maximum());
        let under = |limit: Option<Decimal>| limit.map(|limit| self.watts(limit).min(at_most));
        let before = set_point.and_then(|known| under(known.before)).unwrap_or_else(|| self.draws());
        let after =
            set_point.map_or_else(|| self.draws(), |known| under(known.limit_at(turn)).unwrap_or(at_most));
        let parts = [(span.start(), turn, before), (turn, span.end(), after)];
        // An estimate may be rounded, which `Power::over` never does.
        let milliwatt_seconds = |(start, end, power): (Timestamp, Timestamp, Power)| {
            power.watts().saturating_mul(end.as_millisecond() - start.as_millisecond())
        };
        let sum = parts.into_iter().map(milliwatt_seconds).fold(0_i64, i64::saturating_add);
        Energy::from_watt_seconds(sum / 1000)
    }
}
