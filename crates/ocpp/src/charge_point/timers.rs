//! What a station does because time has passed.

use std::convert::Infallible;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::ChargePoint;
use super::profiles::Profiles;
use super::state::State;
use super::transactions::Cause;
use crate::Version;
use crate::types::DateTime;

/// An instant so much later; `None` for no time at all.
pub(crate) fn later(now: Timestamp, pause: Duration) -> Option<Timestamp> {
    let pause = SignedDuration::try_from(pause).ok().filter(|pause| !pause.is_zero())?;
    now.checked_add(pause).ok()
}

/// The next multiple of an interval since midnight (UTC), as clock-aligned values want it (1.6 §9.1.3, 2.x J01).
pub(crate) fn aligned(now: Timestamp, interval: Duration) -> Option<Timestamp> {
    let interval = i64::try_from(interval.as_secs()).ok().filter(|seconds| *seconds > 0)?;
    let since_midnight = now.as_second().rem_euclid(86_400);
    let midnight = now.as_second() - since_midnight;
    let next = (since_midnight / interval + 1).saturating_mul(interval).min(86_400);
    Timestamp::from_second(midnight + next).ok()
}

impl ChargePoint {
    /// Does what is due, without end.
    pub(crate) async fn watch_timers(&self) -> Infallible {
        // Also for what was remembered: a transaction that goes on, an interval that was set.
        self.change(|state| self.intervals_set(state));
        let mut changes = self.changes();
        loop {
            changes.borrow_and_update();
            let next = self.locked().next_due();
            // The clock of the CSMS may be ahead of ours.
            let wait = next.map(|next| {
                let ours = self.0.clock.now();
                ours.checked_add(next.duration_since(self.now())).unwrap_or(Timestamp::MAX)
            });
            tokio::select! {
                busy = self.0.clock.wait_until(wait.unwrap_or(Timestamp::MAX)) => drop(busy),
                _ = changes.changed() => {}
            }
            self.due();
        }
    }

    fn due(&self) {
        let now = self.now();
        if self.locked().next_due().is_none_or(|next| next > now) {
            return;
        }
        let (expired, alone, version, updates) = self.change(|state| {
            self.give_up_waiting(state, now);
            let expired = expired(state, now);
            self.sample(state, now);
            let updates = match &mut state.profiles {
                Profiles::V21(store) => store.updates_due(DateTime::from_timestamp(now)),
                _ => Vec::new(),
            };
            (expired, self.align(state, now), state.version, updates)
        });
        self.pull_updates(updates);
        if !alone.is_empty() || !expired.is_empty() {
            let point = self.clone();
            // A CSMS that is slow to answer holds up no limit that is due.
            self.spawn(async move { point.tell_of_time(version, alone, expired).await });
        }
    }

    /// Tells what these EVSEs, which have no transaction, have measured, and which reservations have expired.
    async fn tell_of_time(&self, version: Version, alone: Vec<i32>, expired: Vec<i32>) {
        let link = &self.0.link;
        for evse in alone {
            let meter = self.0.hardware.meter(evse);
            let told = spoken!(version, said => said::meter_values(link, evse, meter, "Sample.Clock").await);
            if let Err(failure) = told {
                tracing::debug!(protocol = "ocpp", evse, %failure, "meter values were not told");
            }
        }
        for reservation in expired {
            let _: Option<()> =
                spoken_2x!(version, said => said::reservation_ended(link, reservation, "Expired").await);
        }
    }

    /// Who was authorized and did not plug in (1.6 `ConnectionTimeOut`, 2.x `EVConnectionTimeOut`).
    fn give_up_waiting(&self, state: &mut State, now: Timestamp) {
        let due: Vec<i32> =
            state.connect_until.iter().filter(|(_, until)| **until <= now).map(|(evse, _)| *evse).collect();
        for evse in due {
            self.withdraw(state, evse, Cause::ending("EVConnectTimeout", "Timeout"));
        }
    }

    /// Meter values of transactions by their interval.
    fn sample(&self, state: &mut State, now: Timestamp) {
        if state.sample_due.is_none_or(|due| due > now) {
            return;
        }
        for evse in charging(state) {
            self.update(state, evse, "MeterValuePeriodic");
        }
        let lasts = state.evses.iter().any(|evse| evse.kept.transaction.is_some());
        state.sample_due = lasts.then(|| later(now, state.settings.sample_interval)).flatten();
    }

    /// Meter values by the clock: those of transactions are told here, the EVSEs without one are returned.
    fn align(&self, state: &mut State, now: Timestamp) -> Vec<i32> {
        let due = state.aligned_due.is_some_and(|due| due <= now);
        let next = aligned(now, state.settings.aligned_interval);
        if !due {
            return Vec::new();
        }
        state.aligned_due = next;
        let busy = charging(state);
        for evse in &busy {
            self.update(state, *evse, "MeterValueClock");
        }
        state.evses.iter().map(|evse| evse.id).filter(|evse| !busy.contains(evse)).collect()
    }

    /// Intervals have been set.
    pub(crate) fn intervals_set(&self, state: &mut State) {
        let now = self.now();
        let lasts = state.evses.iter().any(|evse| evse.kept.transaction.is_some());
        state.sample_due = lasts.then(|| later(now, state.settings.sample_interval)).flatten();
        state.aligned_due = aligned(now, state.settings.aligned_interval);
    }
}

fn charging(state: &State) -> Vec<i32> {
    state.evses.iter().filter(|evse| evse.kept.transaction.is_some()).map(|evse| evse.id).collect()
}

fn expired(state: &mut State, now: Timestamp) -> Vec<i32> {
    let expire =
        |evse: &mut super::evse::Evse| evse.kept.reservation.take_if(|reservation| reservation.until <= now);
    state.evses.iter_mut().filter_map(expire).map(|reservation| reservation.id).collect()
}

impl State {
    /// When something is to be done next.
    fn next_due(&self) -> Option<Timestamp> {
        let reservations = self.evses.iter().filter_map(|evse| evse.kept.reservation.as_ref());
        let waiting = self.connect_until.values().copied();
        let reserved = reservations.map(|reservation| reservation.until);
        let updates = match &self.profiles {
            Profiles::V21(store) => {
                store.next_update().and_then(|second| Timestamp::from_second(second).ok())
            }
            _ => None,
        };
        let monitored = self.monitors.next_due().filter(|_| self.version != Version::V1_6);
        let timers = [
            self.sample_due,
            self.aligned_due,
            self.limits_due,
            self.messages_due,
            self.der_due,
            updates,
            monitored,
        ];
        reserved.chain(waiting).chain(timers.into_iter().flatten()).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn aligned_values_begin_with_the_day() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let quarter = Duration::from_mins(15);
        assert_eq!(aligned(at("2026-06-01T10:00:00Z"), quarter), Some(at("2026-06-01T10:15:00Z")));
        assert_eq!(aligned(at("2026-06-01T10:14:59.9Z"), quarter), Some(at("2026-06-01T10:15:00Z")));
        // What does not divide the day begins anew with it.
        assert_eq!(
            aligned(at("2026-06-01T23:59:00Z"), Duration::from_secs(7000)),
            Some(at("2026-06-02T00:00:00Z"))
        );
        assert_eq!(aligned(at("2026-06-01T23:59:00Z"), Duration::ZERO), None);
    }
}
