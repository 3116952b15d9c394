use tieline_types::{Energy, Power, TimeSpan};

/// Power over time, as segments of constant power.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trace(Vec<Segment>);

/// Power that is constant for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment {
    /// When.
    pub span: TimeSpan,
    /// How much.
    pub power: Power,
}

impl Trace {
    /// The segments in order of time; between two of them nothing is drawn, and two that touch differ in power.
    pub fn segments(&self) -> &[Segment] {
        &self.0
    }

    /// The energy of the part that lies in a span, exactly.
    pub fn energy(&self, span: TimeSpan) -> Energy {
        let energies = self.0.iter().filter_map(|segment| {
            let part = segment.span.intersection(span)?;
            // Segments begin and end at whole seconds, but the span need not.
            segment.power.over(part).ok()
        });
        Energy::checked_sum(energies).unwrap_or(Energy::ZERO)
    }

    /// The energy of all segments, exactly.
    pub fn total(&self) -> Energy {
        let energies = self.0.iter().filter_map(|segment| segment.power.over(segment.span).ok());
        Energy::checked_sum(energies).unwrap_or(Energy::ZERO)
    }

    /// Adds what was drawn next and says how much energy that is. Nothing is added where nothing was drawn.
    pub(crate) fn push(&mut self, span: TimeSpan, power: Power) -> Option<Energy> {
        let energy = power.over(span).ok()?;
        if power == Power::ZERO {
            return Some(energy);
        }
        match self.0.last_mut() {
            Some(last) if last.power == power && last.span.end() == span.start() => {
                last.span = TimeSpan::new(last.span.start(), span.end())?;
            }
            _ => self.0.push(Segment { span, power }),
        }
        Some(energy)
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;

    fn span(start: i64, end: i64) -> TimeSpan {
        let at = |second| Timestamp::from_second(second).unwrap();
        TimeSpan::new(at(start), at(end)).unwrap()
    }

    #[test]
    fn equal_powers_that_touch_are_one_segment() {
        let mut trace = Trace::default();
        for (start, end, watts) in [(0, 10, 100), (10, 20, 100), (20, 30, 0), (30, 40, 100), (40, 50, 70)] {
            trace.push(span(start, end), Power::from_watts(watts)).unwrap();
        }
        let segments: Vec<_> = trace.segments().iter().map(|one| (one.span, one.power.watts())).collect();
        assert_eq!(segments, [(span(0, 20), 100), (span(30, 40), 100), (span(40, 50), 70)]);
        assert_eq!(trace.total().watt_seconds(), 2000 + 1000 + 700);
        assert_eq!(trace.energy(span(15, 45)).watt_seconds(), 500 + 1000 + 350);
    }
}
