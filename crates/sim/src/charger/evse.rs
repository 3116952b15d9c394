use std::collections::VecDeque;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use tieline_ocpp::Version;
use tieline_types::{Energy, Power, TimeSpan};

use super::profile::{Allowed, Profile, Profiles, Purpose, in_unit};
use super::report::{ChargingState, Report, Reports, What, Why};
use super::{AppliedLimit, Behaviour, Meter, Reading, SessionOutcome, Violation};
use crate::charging::{Step, step};
use crate::{Chance, ChargerSpec, RateUnit, SessionSpec, Trace};

/// How long a meter value is held back at the least, if it is.
const SHORTEST_DELAY: i64 = 60;

/// The physical side of a charger: its car, its limits and its meter. It does no IO and knows the time only by being told.
///
/// Power is constant from one event to the next: a car comes, leaves, is full or tapers, a profile begins to say something else, a profile is
/// installed or cleared. All of them are at whole seconds, so that energy is exact.
#[derive(Debug)]
pub(crate) struct Evse {
    pub(crate) charger: ChargerSpec,
    pub(crate) reports: Reports,
    behaviour: Behaviour,
    drift: SignedDuration,
    meter: Meter,
    /// Seconds between two meter values.
    interval: i64,
    chance: Chance,
    now: Timestamp,
    /// What was before is told in short.
    told_from: Timestamp,
    coming: VecDeque<SessionSpec>,
    sessions: u32,
    present: Option<Present>,
    profiles: Profiles,
    profiles_told: u64,
    violations: Vec<Violation>,
    past: Vec<SessionOutcome>,
}

/// The car that is there.
#[derive(Debug)]
struct Present {
    session: u32,
    transaction: Arc<str>,
    next_sequence: i32,
    state: ChargingState,
    power: Power,
    /// When the car draws differently by itself.
    until: Option<Timestamp>,
    allowed: Option<Allowed>,
    outcome: SessionOutcome,
}

impl Present {
    /// What the car draws under the present limit while so much is missing, and for how long.
    fn step(&self, charger: &ChargerSpec, missing: Energy) -> Option<Step> {
        let vehicle = &self.outcome.spec.vehicle;
        let power = vehicle.draw(vehicle.maximum(charger.phases, charger.maximum_current), missing);
        let power = match self.allowed {
            _ if self.outcome.denied => return None,
            Some(allowed) if allowed.is_enough() => power.min(allowed.power),
            Some(_) => return None,
            None => power,
        };
        step(vehicle, power, missing)
    }

    /// When the car is full if the limit stays; `None` if it never is, or is so already.
    fn full_at(&self, charger: &ChargerSpec, now: Timestamp) -> Option<Timestamp> {
        let mut missing = self.outcome.missing();
        let mut at = now;
        while missing > Energy::ZERO {
            let step = self.step(charger, missing)?;
            missing = missing.checked_sub(step.power.for_duration(step.lasts).ok()?)?;
            at = at.checked_add(step.lasts).ok()?;
        }
        (at > now).then_some(at)
    }
}

/// Which transaction a profile names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Claim {
    /// None: the one that runs (1.6).
    Any,
    Number(i32),
    Name(String),
}

impl Evse {
    /// A charger from `start` on. Sessions that have begun before are under way by then; those that have ended are none of its business.
    pub(crate) fn new(
        charger: ChargerSpec,
        sessions: impl IntoIterator<Item = SessionSpec>,
        behaviour: Behaviour,
        interval: SignedDuration,
        most_reports: usize,
        start: Timestamp,
        chance: (Chance, Chance),
    ) -> Self {
        let start = floor(start);
        let coming: VecDeque<_> =
            sessions.into_iter().filter(|session| session.departure() > start).collect();
        let noise = if let Behaviour::Noise(noise) = behaviour { noise } else { 0 };
        let drift = if let Behaviour::Drifts(drift) = behaviour { drift } else { SignedDuration::ZERO };
        let now = coming
            .front()
            .map_or(start, |first| start.min(floor(first.arrival()) - SignedDuration::from_secs(1)));
        let mut evse = Self {
            reports: Reports::new(most_reports),
            meter: Meter::new(&charger, noise, chance.0),
            chance: chance.1,
            charger,
            behaviour,
            drift: SignedDuration::from_secs(drift.as_secs()),
            interval: interval.as_secs().max(1),
            now,
            told_from: start,
            coming,
            sessions: 0,
            present: None,
            profiles: Profiles::default(),
            profiles_told: 0,
            violations: Vec::new(),
            past: Vec::new(),
        };
        evse.advance(start);
        evse
    }

    /// Lets time go by.
    pub(crate) fn advance(&mut self, to: Timestamp) {
        let to = floor(to);
        while let Some(at) = self.next_change().filter(|at| *at <= to) {
            self.run(at);
            self.happen(at);
        }
        self.run(to);
    }

    /// When there is something to tell next, if nobody sends anything: later than now.
    pub(crate) fn next_event(&self) -> Option<Timestamp> {
        self.earliest(self.present.as_ref().and_then(|present| present.full_at(&self.charger, self.now)))
    }

    /// When something changes next, told or not.
    fn next_change(&self) -> Option<Timestamp> {
        self.earliest(self.present.as_ref().and_then(|present| present.until))
    }

    /// The earliest of what is to come, and of what the car does by itself.
    fn earliest(&self, by_itself: Option<Timestamp>) -> Option<Timestamp> {
        let arrival = self.coming.front().map(|session| floor(session.arrival()));
        let own = self.present.as_ref().and_then(|present| {
            let edge = self.profiles.next_edge(self.own(self.now), self.own(present.outcome.spec.arrival()));
            let edge = edge.and_then(|edge| ceil(edge).checked_sub(self.drift).ok());
            let departure = Some(ceil(present.outcome.spec.departure()));
            [departure, by_itself, edge, self.next_meter_value()].into_iter().flatten().min()
        });
        // Whatever was missed happens in the next second.
        let soonest = self.now + SignedDuration::from_secs(1);
        [arrival, own, self.reports.next_release()].into_iter().flatten().min().map(|at| at.max(soonest))
    }

    /// The next round time by the charger's own clock.
    fn next_meter_value(&self) -> Option<Timestamp> {
        let last = self.now.max(self.told_from - SignedDuration::from_secs(1));
        let own = self.own(last).as_second();
        let next = (own.div_euclid(self.interval) + 1).checked_mul(self.interval)?;
        Timestamp::from_second(next).ok()?.checked_sub(self.drift).ok()
    }

    /// The charger's own clock at an instant.
    fn own(&self, at: Timestamp) -> Timestamp {
        at.checked_add(self.drift).unwrap_or(at)
    }

    /// Draws power up to an instant.
    fn run(&mut self, to: Timestamp) {
        if let Some(span) = TimeSpan::new(self.now, to) {
            if let Some(present) = &mut self.present {
                let energy = present.outcome.trace.push(span, present.power).unwrap_or(Energy::ZERO);
                let delivered = present.outcome.delivered.checked_add(energy);
                present.outcome.delivered = delivered.unwrap_or(present.outcome.delivered);
                self.meter.count(energy);
            }
            self.now = to;
        }
    }

    /// What is due at this instant.
    fn happen(&mut self, at: Timestamp) {
        self.reports.release(at);
        if self.present.as_ref().is_some_and(|present| present.outcome.spec.departure() <= at) {
            self.leave();
        }
        if self.coming.front().is_some_and(|session| session.arrival() <= at)
            && self.present.is_none()
            && let Some(session) = self.coming.pop_front()
        {
            self.arrive(session);
        }
        self.settle();
        if self.own(at).as_second().rem_euclid(self.interval) == 0 && at >= self.told_from {
            self.read_meter();
        }
    }

    fn arrive(&mut self, spec: SessionSpec) {
        self.sessions += 1;
        let transaction: Arc<str> =
            format!("{}-{}", self.charger.identity, spec.arrival().as_second()).into();
        let needs = spec.stated_departure.map(|departure| (departure, spec.energy));
        self.present = Some(Present {
            session: self.sessions,
            transaction: Arc::clone(&transaction),
            next_sequence: 0,
            state: ChargingState::Connected,
            power: Power::ZERO,
            until: None,
            allowed: None,
            outcome: SessionOutcome {
                charger: self.charger.identity.clone(),
                transaction: transaction.to_string(),
                number: None,
                spec,
                delivered: Energy::ZERO,
                trace: Trace::default(),
                limits: Vec::new(),
                violations: Vec::new(),
                denied: false,
                ended: false,
            },
        });
        let reading = self.meter.read(self.own(self.now), Power::ZERO);
        self.tell(What::Plugged);
        self.tell(What::Begins(reading));
        // 1.6 has no message for it.
        if let Some((departure, energy)) = needs.filter(|_| self.charger.version != Version::V1_6) {
            self.tell(What::Needs { departure, energy });
        }
    }

    fn leave(&mut self) {
        let reading = self.meter.read(self.own(self.now), Power::ZERO);
        if self.present.as_ref().is_some_and(|present| !present.outcome.denied) {
            self.tell(What::Ends(reading, Why::Left));
        }
        self.tell(What::Unplugged);
        self.profiles.clear(|profile| profile.purpose == Purpose::Transaction);
        if let Some(mut present) = self.present.take() {
            present.outcome.ended = true;
            self.past.push(present.outcome);
        }
    }

    /// The CSMS does not accept the driver. `begun` tells whether it knows the transaction nonetheless.
    pub(crate) fn deny(&mut self, session: u32, begun: bool) {
        self.reports.forget(session);
        let reading = self.meter.read(self.own(self.now), Power::ZERO);
        let Some(present) = self.present.as_mut().filter(|present| present.session == session) else {
            return;
        };
        present.outcome.denied = true;
        if begun {
            self.tell(What::Ends(reading, Why::Denied));
        }
        self.settle();
    }

    /// Finds the limit and the power from now on.
    fn settle(&mut self) {
        let own = self.own(self.now);
        let Some(present) = &mut self.present else { return };
        let outcome = &mut present.outcome;
        let spec = &outcome.spec;
        let began = spec.arrival().checked_add(self.drift).unwrap_or(own);
        let phases = self.charger.phases.min(spec.vehicle.phases);
        let allowed = self.profiles.allowed(own, began, phases);
        if allowed != present.allowed {
            outcome.limits.push(AppliedLimit {
                at: self.now,
                limit: allowed.map(|allowed| allowed.power),
                profile: allowed.map(|allowed| allowed.profile),
            });
            if let Some(Allowed { milliamperes, profile, .. }) =
                allowed.filter(|allowed| allowed.milliamperes > 0 && !allowed.is_enough())
            {
                outcome.violations.push(Violation::BelowMinimum { at: self.now, milliamperes, profile });
            }
        }
        present.allowed = allowed;
        let missing = present.outcome.missing();
        let step = present.step(&self.charger, missing);
        present.power = step.map_or(Power::ZERO, |step| step.power);
        present.until = step.and_then(|step| self.now.checked_add(step.lasts).ok());
        let state = match step {
            Some(_) => ChargingState::Charging,
            None if missing == Energy::ZERO => ChargingState::SuspendedByVehicle,
            None => ChargingState::SuspendedByCharger,
        };
        if state != present.state && !present.outcome.denied {
            present.state = state;
            let power = present.power;
            let reading = self.meter.read(own, power);
            self.tell_state(state, reading);
        }
    }

    /// What happened before anybody listened is told as the last state that it led to.
    fn tell_state(&mut self, state: ChargingState, reading: Reading) {
        let before = self.now <= self.told_from;
        match self.reports.last_mut() {
            Some(last) if before && matches!(last.what, What::State(..)) => {
                (last.at, last.what) = (reading.at, What::State(state, reading));
            }
            _ => self.tell(What::State(state, reading)),
        }
    }

    fn read_meter(&mut self) {
        let Some(present) = self.present.as_ref().filter(|present| !present.outcome.denied) else { return };
        let reading = self.meter.read_noisily(self.own(self.now), present.power);
        let Some(report) = self.report(What::Meter(reading)) else { return };
        match self.behaviour {
            Behaviour::LateMessages { share, longest } if self.chance.per_mille(share) => {
                let delay = self.chance.between(SHORTEST_DELAY, longest.as_secs());
                let until = self.now.checked_add(SignedDuration::from_secs(delay)).unwrap_or(self.now);
                self.reports.hold(until, report);
            }
            _ => self.reports.push(report),
        }
    }

    fn tell(&mut self, what: What) {
        if let Some(report) = self.report(what) {
            self.reports.push(report);
        }
    }

    fn report(&mut self, what: What) -> Option<Report> {
        let at = self.own(self.now);
        let present = self.present.as_mut()?;
        let in_transaction = !matches!(what, What::Plugged | What::Unplugged | What::Needs { .. });
        let sequence = present.next_sequence;
        present.next_sequence += i32::from(in_transaction);
        let transaction = Arc::clone(&present.transaction);
        Some(Report { session: present.session, transaction, at, sequence, what })
    }

    /// The CSMS gave a transaction this number (1.6).
    pub(crate) fn number(&mut self, session: u32, number: i32) {
        let index = usize::try_from(session).ok().and_then(|session| session.checked_sub(1));
        match &mut self.present {
            Some(present) if present.session == session => present.outcome.number = Some(number),
            _ => {
                if let Some(past) = index.and_then(|index| self.past.get_mut(index)) {
                    past.number = Some(number);
                }
            }
        }
    }

    /// The number that the CSMS gave to the transaction of a session (1.6).
    pub(crate) fn number_of(&self, session: u32) -> Option<i32> {
        match &self.present {
            Some(present) if present.session == session => present.outcome.number,
            _ => self.past.get(usize::try_from(session).ok()?.checked_sub(1)?)?.number,
        }
    }

    /// What chance wants of a session.
    pub(crate) fn session(&self, session: u32) -> Option<SessionSpec> {
        match &self.present {
            Some(present) if present.session == session => Some(present.outcome.spec.clone()),
            _ => Some(self.past.get(usize::try_from(session).ok()?.checked_sub(1)?)?.spec.clone()),
        }
    }

    /// A charging profile came. Whether it is accepted.
    pub(crate) fn take(&mut self, profile: Option<Profile>, claim: &Claim) -> bool {
        self.profiles_told += 1;
        let at = self.now;
        if let Some(profile) = profile.as_ref().filter(|profile| {
            let unending = profile.duration.is_none() && profile.valid_to.is_none();
            unending && profile.purpose != Purpose::Default
        }) {
            let violation = Violation::WithoutEnd { at, profile: profile.id };
            match &mut self.present {
                Some(present) => present.outcome.violations.push(violation),
                None => self.violations.push(violation),
            }
        }
        match (&self.behaviour, profile) {
            (Behaviour::Refuses, _) | (_, None) => false,
            (Behaviour::Ignores, Some(_)) => true,
            (_, Some(profile)) => {
                let fits = profile.purpose != Purpose::Transaction || self.is_present(claim);
                let accepted = fits && profile.is_sound(self.charger.unit) && self.profiles.install(profile);
                self.settle();
                accepted
            }
        }
    }

    fn is_present(&self, claim: &Claim) -> bool {
        let Some(present) = self.present.as_ref().filter(|present| !present.outcome.denied) else {
            return false;
        };
        match claim {
            Claim::Any => true,
            Claim::Number(number) => present.outcome.number == Some(*number),
            Claim::Name(name) => *present.transaction == **name,
        }
    }

    /// Removes profiles; whether there were any.
    pub(crate) fn clear(&mut self, which: impl Fn(&Profile) -> bool) -> bool {
        let any = self.profiles.clear(which);
        self.settle();
        any
    }

    /// The limits from now on for so many seconds: seconds from now, and the limit in the charger's own or another unit.
    pub(crate) fn composite(
        &self,
        seconds: i64,
        unit: Option<RateUnit>,
    ) -> (Timestamp, Vec<(i32, rust_decimal::Decimal)>) {
        let start = self.own(self.now);
        let transaction =
            self.present.as_ref().map_or(start, |present| self.own(present.outcome.spec.arrival()));
        let (phases, unit) = (self.charger.phases, unit.unwrap_or(self.charger.unit));
        let limit = |at| {
            let allowed = self.profiles.allowed(at, transaction, phases).map(|allowed| allowed.power);
            in_unit(allowed.unwrap_or(self.charger.maximum()).min(self.charger.maximum()), unit, phases)
        };
        let mut periods = vec![(0, limit(start))];
        let mut at = start;
        while let Some(edge) = self.profiles.next_edge(at, transaction) {
            at = edge;
            let second = start.duration_until(edge).as_secs();
            let Ok(offset) = i32::try_from(second) else { break };
            if second >= seconds || periods.len() >= 1024 {
                break;
            }
            let next = limit(edge);
            if periods.last().is_none_or(|(_, last)| *last != next) {
                periods.push((offset, next));
            }
        }
        (start, periods)
    }

    /// Whether a car is plugged in.
    pub(crate) fn is_occupied(&self) -> bool {
        self.present.is_some()
    }

    /// The sessions that have begun.
    pub(crate) fn outcomes(&self) -> Vec<SessionOutcome> {
        self.past.iter().chain(self.present.as_ref().map(|present| &present.outcome)).cloned().collect()
    }

    pub(crate) fn profiles_told(&self) -> u64 {
        self.profiles_told
    }

    pub(crate) fn violations(&self) -> &[Violation] {
        &self.violations
    }

    /// When it has no connection.
    pub(crate) fn absence(&self) -> Option<TimeSpan> {
        if let Behaviour::Disappears(absence) = self.behaviour { Some(absence) } else { None }
    }

    /// The instant as the charger's own clock shows it.
    pub(crate) fn own_now(&self) -> Timestamp {
        self.own(self.now)
    }
}

/// The whole second that an instant is in.
fn floor(at: Timestamp) -> Timestamp {
    Timestamp::from_second(at.as_nanosecond().div_euclid(1_000_000_000).try_into().unwrap_or(i64::MAX))
        .unwrap_or(at)
}

/// The first whole second that is not before an instant.
fn ceil(at: Timestamp) -> Timestamp {
    let floored = floor(at);
    if floored == at { at } else { floored + SignedDuration::from_secs(1) }
}

#[cfg(test)]
mod tests;
