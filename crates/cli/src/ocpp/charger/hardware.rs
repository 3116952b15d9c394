//! Hardware without metal.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use tieline_edge::websocket::Connector;
use tieline_ocpp::charge_point::{
    Allowed, ComponentKey, DataType, Display, DisplayMessage, Hardware, LogRequest, Meter, Network,
    NetworkProfile, Unlocked, VariableSpec,
};
use tieline_ocpp::smart_charging::RateUnit;
use tieline_ocpp::types::Decimal;
use tieline_types::Clock;

/// Volts between phase and neutral.
const VOLTAGE: i64 = 230;
/// Phases, where a limit names no other number.
const PHASES: i64 = 3;

/// EVSEs that count the energy which their vehicles draw within what they may.
#[derive(Debug)]
pub(super) struct Simulated {
    clock: Arc<dyn Clock>,
    evses: Mutex<Vec<Drawing>>,
    connector: Connector,
}

/// What a vehicle draws.
#[derive(Clone, Copy, Debug)]
struct Drawing {
    /// What it would draw, in W.
    wanted: i64,
    /// What it may draw, in W.
    allowed: Option<i64>,
    /// W·ms drawn before `since`.
    before: i64,
    since: Timestamp,
}

impl Drawing {
    fn power(&self) -> i64 {
        self.allowed.map_or(self.wanted, |allowed| self.wanted.min(allowed.max(0)))
    }

    fn drawn(&self, now: Timestamp) -> i64 {
        let milliseconds = now.duration_since(self.since).as_millis().max(0);
        let more = i64::try_from(milliseconds).unwrap_or(i64::MAX).saturating_mul(self.power());
        self.before.saturating_add(more)
    }
}

impl Simulated {
    pub(super) fn new(clock: Arc<dyn Clock>, evses: u8) -> Self {
        let idle = Drawing { wanted: 0, allowed: None, before: 0, since: clock.now() };
        Self {
            clock,
            evses: Mutex::new(vec![idle; usize::from(evses.max(1))]),
            connector: Connector::default(),
        }
    }

    /// The same that gets in this way to whichever CSMS it is sent to.
    pub(super) fn with_connector(self, connector: Connector) -> Self {
        Self { connector, ..self }
    }

    fn evses(&self) -> MutexGuard<'_, Vec<Drawing>> {
        self.evses.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The vehicle at this EVSE would draw this power, in W, from now on.
    pub(super) fn draw(&self, evse: i32, power: u32) {
        self.change(evse, |drawing| drawing.wanted = power.into());
    }

    fn change(&self, evse: i32, change: impl FnOnce(&mut Drawing)) {
        let now = self.clock.now();
        let mut evses = self.evses();
        if let Some(drawing) = usize::try_from(evse - 1).ok().and_then(|index| evses.get_mut(index)) {
            drawing.before = drawing.drawn(now);
            drawing.since = now;
            change(drawing);
        }
    }
}

/// The power that is allowed, in whole W.
fn watts(allowed: &Allowed) -> Option<i64> {
    let of_a_unit = match allowed.unit {
        RateUnit::W => 1,
        RateUnit::A => VOLTAGE * allowed.period.number_phases.map_or(PHASES, i64::from),
    };
    let watts = allowed.period.limits.limit?.checked_mul(Decimal::from_i64(of_a_unit))?.normalized();
    Some(watts.mantissa() / 10_i64.checked_pow(watts.scale().into())?)
}

impl Hardware for Simulated {
    fn meter(&self, evse: i32) -> Meter {
        /// W·ms in a Wh.
        const WATT_HOUR: i64 = 3_600_000;
        let drawing = usize::try_from(evse - 1).ok().and_then(|index| self.evses().get(index).copied());
        drawing.map_or_else(Meter::default, |drawing| {
            Meter::new(drawing.drawn(self.clock.now()) / WATT_HOUR).with_power(drawing.power())
        })
    }

    fn limit(&self, evse: i32, allowed: Option<&Allowed>) {
        let allowed = allowed.and_then(watts);
        self.change(evse, |drawing| drawing.allowed = allowed);
    }

    fn variables(&self, evses: i32) -> Vec<(ComponentKey, VariableSpec)> {
        let temperature = || VariableSpec::new("Temperature", DataType::Decimal).unit("Celsius").value("20");
        (1..=evses.unsigned_abs())
            .map(|evse| (ComponentKey::new("EVSE").evse(evse, None), temperature()))
            .collect()
    }

    fn display(&self) -> Option<Display> {
        Some(Display::default())
    }

    fn show(&self, messages: &[DisplayMessage]) {
        let texts: Vec<_> = messages.iter().filter_map(|one| Some(&one.contents.first()?.content)).collect();
        tracing::info!(?texts, "the charger shows these messages in turn");
    }

    fn cost_updated(&self, evse: i32, total: Decimal) -> bool {
        tracing::info!(evse, %total, "the charger shows what the transaction costs");
        true
    }

    /// All but those with a client certificate, of which it has none.
    fn network(&self, profile: &NetworkProfile) -> Option<Network> {
        let is_possible = profile.security_profile < 3
            && profile.apn.is_none()
            && profile.vpn.is_none()
            && (self.connector.tls.is_some() || !profile.csms_url.starts_with("wss"));
        is_possible.then(|| Network::new(profile.csms_url.as_str(), self.connector.clone()))
    }

    fn unlock(&self, _: i32, _: i32) -> Unlocked {
        Unlocked::Unlocked
    }

    fn log_name(&self, log: &LogRequest) -> Option<String> {
        Some(if log.is_security_log { "security.log" } else { "diagnostics.log" }.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use tieline_types::ManualClock;

    use super::*;

    #[test]
    fn a_meter_counts_what_is_drawn_within_what_is_allowed() {
        let clock = ManualClock::new("2026-06-01T10:00:00Z".parse().unwrap());
        let simulated = Simulated::new(Arc::new(clock.clone()), 1);
        simulated.draw(1, 11_000);
        clock.advance(jiff::SignedDuration::from_hours(1));
        assert_eq!(simulated.meter(1), Meter::new(11_000).with_power(11_000));
        simulated.change(1, |drawing| drawing.allowed = Some(4_140));
        clock.advance(jiff::SignedDuration::from_hours(1));
        assert_eq!(simulated.meter(1), Meter::new(15_140).with_power(4_140));
        assert_eq!(simulated.meter(2), Meter::default());
    }
}
