use tieline_types::{Energy, Power, TimeSpan};

use super::Population;
use crate::charging::step;
use crate::{SessionSpec, Trace};

impl Population {
    /// What these sessions draw on the average in each span if nobody limits them.
    pub fn uncontrolled(&self, sessions: &[SessionSpec], spans: &[TimeSpan]) -> Vec<Power> {
        let traces: Vec<Trace> = sessions.iter().filter_map(|session| self.trace(session)).collect();
        let mean = |span: &TimeSpan| {
            let energy = traces.iter().map(|trace| trace.energy(*span));
            let energy = Energy::checked_sum(energy).unwrap_or(Energy::ZERO);
            energy.mean_power(*span).unwrap_or(Power::ZERO)
        };
        spans.iter().map(mean).collect()
    }

    /// How a session goes if nobody limits it.
    fn trace(&self, session: &SessionSpec) -> Option<Trace> {
        let charger = self.chargers.get(session.charger)?;
        let maximum = session.vehicle.maximum(charger.phases, charger.maximum_current);
        let mut trace = Trace::default();
        let mut missing = session.energy;
        let mut now = session.arrival();
        while missing > Energy::ZERO && now < session.departure() {
            let power = session.vehicle.draw(maximum, missing);
            let Some(step) = step(&session.vehicle, power, missing) else { break };
            let until = (now + step.lasts).min(session.departure());
            let Some(span) = TimeSpan::new(now, until) else { break };
            missing = trace
                .push(span, step.power)
                .map_or(Energy::ZERO, |energy| missing.checked_sub(energy).unwrap_or(Energy::ZERO));
            now = until;
        }
        Some(trace)
    }
}
