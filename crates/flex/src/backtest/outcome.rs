use rust_decimal::Decimal;

/// More than this is a session that was cut short: 0.5 kWh, in watt seconds.
const SHORT: i64 = 1_800_000;

/// What a rule did on one day.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct DayOutcome {
    /// What each session lacks at its departure, in watt seconds.
    pub(super) short: Vec<i64>,
    /// In watts.
    pub(super) normal_peak: i64,
    /// In watts.
    pub(super) peak_after: i64,
    /// In watt seconds.
    pub(super) ordered: i64,
    /// In watt seconds.
    pub(super) withheld: i64,
}

/// What a rule did on all days.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    days: Vec<DayOutcome>,
}

impl FromIterator<DayOutcome> for Outcome {
    fn from_iter<I: IntoIterator<Item = DayOutcome>>(days: I) -> Self {
        Self { days: days.into_iter().collect() }
    }
}

impl Outcome {
    /// What the drivers lack, on a day in the mean, in kWh.
    pub fn short_per_day(&self) -> Decimal {
        let short: i64 = self.days.iter().flat_map(|day| &day.short).sum();
        self.per_day(Decimal::from(short) / Decimal::from(3_600_000))
    }

    /// The sessions that lack more than 0.5 kWh, on a day in the mean.
    pub fn short_sessions_per_day(&self) -> Decimal {
        let short = self.days.iter().flat_map(|day| &day.short).filter(|short| **short > SHORT).count();
        self.per_day(Decimal::from(short))
    }

    /// The peak after the order as a share of the day's normal peak: the value that 95 % of the days do not exceed (nearest
    /// rank).
    pub fn peak_after_p95(&self) -> Decimal {
        let peaks = self.peaks();
        let rank = (peaks.len() * 95).div_ceil(100);
        rank.checked_sub(1).and_then(|index| peaks.get(index)).copied().unwrap_or_default()
    }

    /// The greatest of these shares.
    pub fn peak_after_greatest(&self) -> Decimal {
        self.peaks().last().copied().unwrap_or_default()
    }

    /// The share of the ordered energy that was withheld; 1 where nothing was ordered.
    pub fn kept(&self) -> Decimal {
        let sum = |of: fn(&DayOutcome) -> i64| Decimal::from(self.days.iter().map(of).sum::<i64>());
        sum(|day| day.withheld).checked_div(sum(|day| day.ordered)).unwrap_or(Decimal::ONE)
    }

    fn per_day(&self, all: Decimal) -> Decimal {
        all.checked_div(Decimal::from(self.days.len())).unwrap_or_default()
    }

    fn peaks(&self) -> Vec<Decimal> {
        let share = |day: &DayOutcome| {
            Decimal::from(day.peak_after).checked_div(Decimal::from(day.normal_peak)).unwrap_or_default()
        };
        let mut peaks: Vec<Decimal> = self.days.iter().map(share).collect();
        peaks.sort_unstable();
        peaks
    }
}
