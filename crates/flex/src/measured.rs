use jiff::{SignedDuration, Timestamp};
use tieline_types::{Energy, Power, TimeSpan};

/// An energy register at an instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RegisterReading {
    /// When it was read.
    pub at: Timestamp,
    /// What it showed.
    pub register: Energy,
}

/// How readings become energy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MeasuringRules {
    /// Between readings that are farther apart than this the energy is only interpolated, and marked so.
    pub longest_gap: SignedDuration,
    /// The most that the meter can pass. A register that shows less than before was set back to 0, unless this could not have
    /// brought it up to what it shows; then the reading counts for nothing.
    pub maximum: Power,
}

/// The energy of one ISP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MeasuredIsp {
    /// The ISP.
    pub span: TimeSpan,
    /// What passed the meter in it.
    pub energy: Energy,
    /// How well it is known.
    pub quality: Quality,
}

/// How well an ISP's energy is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Quality {
    /// No two readings enclose any part of it: nothing is known of it, and its energy is 0.
    Unread,
    /// By readings that are near enough.
    Measured,
    /// Readings are missing, or the register was set back: some of its energy is drawn as a straight line.
    Interpolated,
}

/// The energy that passed a meter in each of `spans`, in order of time, from readings in any order.
///
/// A reading that comes twice counts once; of several at one instant the highest counts. Between two readings the energy is
/// spread evenly, so that all ISPs between the first and the last reading add up to what the register counted, to the watt
/// second. What was before the first and after the last reading is not known.
///
/// ```
/// use jiff::SignedDuration;
/// use tieline_flex::{MeasuringRules, Quality, RegisterReading, measured};
/// use tieline_types::{Energy, Power, TimeSpan};
///
/// let reading = |at: &str, watt_hours| RegisterReading {
///     at: at.parse().unwrap(),
///     register: Energy::from_watt_hours(watt_hours).unwrap(),
/// };
/// let readings = [reading("2026-06-10T08:20:00Z", 3000), reading("2026-06-10T08:05:00Z", 0)];
/// let rules = MeasuringRules { longest_gap: SignedDuration::from_mins(15), maximum: Power::from_watts(22_080) };
/// let isp: TimeSpan = "2026-06-10T08:00:00Z/2026-06-10T08:15:00Z".parse()?;
/// let energy = measured(&readings, &[isp], rules);
/// assert_eq!(energy[0].energy, Energy::from_watt_hours(2000).unwrap());
/// assert_eq!(energy[0].quality, Quality::Measured);
/// # Ok::<(), tieline_types::ParseError>(())
/// ```
pub fn measured(readings: &[RegisterReading], spans: &[TimeSpan], rules: MeasuringRules) -> Vec<MeasuredIsp> {
    let stretches = stretches(readings, rules);
    let mut first = 0;
    spans
        .iter()
        .map(|span| {
            while stretches.get(first).is_some_and(|stretch| stretch.span.end() <= span.start()) {
                first += 1;
            }
            let within = stretches[first..].iter().take_while(|stretch| stretch.span.start() < span.end());
            let mut isp = MeasuredIsp { span: *span, energy: Energy::ZERO, quality: Quality::Unread };
            for stretch in within {
                let energy = i128::from(isp.energy.watt_seconds()) + stretch.within(*span);
                isp.energy = Energy::from_watt_seconds(i64::try_from(energy).unwrap_or(i64::MAX));
                isp.quality = isp.quality.max(stretch.quality);
            }
            isp
        })
        .collect()
}

/// What passed between two readings.
struct Stretch {
    span: TimeSpan,
    watt_seconds: i128,
    quality: Quality,
}

impl Stretch {
    /// The energy up to an instant, if it is spread evenly: what is cut off here is in the rest.
    fn until(&self, at: Timestamp) -> i128 {
        let at = at.clamp(self.span.start(), self.span.end());
        let passed = self.span.start().duration_until(at).as_nanos();
        // A day has 8.6e13 ns, so this holds up to 2e24 Ws.
        self.watt_seconds.saturating_mul(passed) / self.span.duration().as_nanos()
    }

    fn within(&self, span: TimeSpan) -> i128 {
        self.until(span.end()) - self.until(span.start())
    }
}

fn stretches(readings: &[RegisterReading], rules: MeasuringRules) -> Vec<Stretch> {
    let mut sorted = readings.to_vec();
    sorted.sort_unstable();
    let mut stretches = Vec::new();
    let mut last: Option<RegisterReading> = None;
    // Of several at one instant, the last in this order is the highest.
    for (index, reading) in sorted.iter().enumerate() {
        if sorted.get(index + 1).is_some_and(|next| next.at == reading.at) {
            continue;
        }
        let Some(before) = last else {
            last = Some(*reading);
            continue;
        };
        let Some(span) = TimeSpan::new(before.at, reading.at) else { continue };
        let counted =
            i128::from(reading.register.watt_seconds()) - i128::from(before.register.watt_seconds());
        let set_back = counted < 0;
        let watt_seconds = if set_back { i128::from(reading.register.watt_seconds()) } else { counted };
        if set_back && !is_possible(watt_seconds, span, rules.maximum) {
            continue;
        }
        let near = span.duration() <= rules.longest_gap && !set_back;
        let quality = if near { Quality::Measured } else { Quality::Interpolated };
        stretches.push(Stretch { span, watt_seconds, quality });
        last = Some(*reading);
    }
    stretches
}

fn is_possible(watt_seconds: i128, span: TimeSpan, maximum: Power) -> bool {
    let most = i128::from(maximum.watts()) * i128::from(span.duration().as_secs() + 1);
    (0..=most).contains(&watt_seconds)
}
