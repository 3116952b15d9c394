//! Hardware without metal.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use tieline_ocpp::charge_point::{Hardware, LogRequest, Meter, Unlocked};
use tieline_types::Clock;

/// EVSEs that count the energy which their vehicles draw.
#[derive(Debug)]
pub(super) struct Simulated {
    clock: Arc<dyn Clock>,
    evses: Mutex<Vec<Drawing>>,
}

/// What a vehicle draws.
#[derive(Clone, Copy, Debug)]
struct Drawing {
    /// W.
    power: i64,
    /// W·ms drawn before `since`.
    before: i64,
    since: Timestamp,
}

impl Drawing {
    fn drawn(&self, now: Timestamp) -> i64 {
        let milliseconds = now.duration_since(self.since).as_millis().max(0);
        let more = i64::try_from(milliseconds).unwrap_or(i64::MAX).saturating_mul(self.power);
        self.before.saturating_add(more)
    }
}

impl Simulated {
    pub(super) fn new(clock: Arc<dyn Clock>, evses: u8) -> Self {
        let since = clock.now();
        let idle = Drawing { power: 0, before: 0, since };
        Self { clock, evses: Mutex::new(vec![idle; usize::from(evses.max(1))]) }
    }

    fn evses(&self) -> MutexGuard<'_, Vec<Drawing>> {
        self.evses.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The vehicle at this EVSE draws this power, in W, from now on.
    pub(super) fn draw(&self, evse: i32, power: u32) {
        let now = self.clock.now();
        let mut evses = self.evses();
        if let Some(drawing) = usize::try_from(evse - 1).ok().and_then(|index| evses.get_mut(index)) {
            *drawing = Drawing { power: power.into(), before: drawing.drawn(now), since: now };
        }
    }
}

impl Hardware for Simulated {
    fn meter(&self, evse: i32) -> Meter {
        /// W·ms in a Wh.
        const WATT_HOUR: i64 = 3_600_000;
        let drawing = usize::try_from(evse - 1).ok().and_then(|index| self.evses().get(index).copied());
        drawing.map_or_else(Meter::default, |drawing| {
            Meter::new(drawing.drawn(self.clock.now()) / WATT_HOUR).with_power(drawing.power)
        })
    }

    fn unlock(&self, _: i32, _: i32) -> Unlocked {
        Unlocked::Unlocked
    }

    fn log_name(&self, log: &LogRequest) -> Option<String> {
        Some(if log.is_security_log { "security.log" } else { "diagnostics.log" }.to_owned())
    }
}
