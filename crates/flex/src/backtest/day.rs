use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::{Date, Time, Weekday};
use tieline_types::{Power, TimeSpan};

use super::{RecordedSession, Setting, SettingError};
use crate::floor::seconds;
use crate::{Stay, StayDistribution};

/// A day of the record.
#[derive(Clone, Debug)]
pub struct Day {
    /// The local day.
    pub date: Date,
    /// The sessions that came and left on it, in the order of their arrival.
    pub sessions: Vec<RecordedSession>,
    /// What had been learned of stays when it began.
    pub stays: StayDistribution,
    /// Its steps, from midnight to midnight; one begins and one ends with the order.
    pub(super) steps: Vec<TimeSpan>,
    /// What all sessions draw uncontrolled in each step, in watt seconds.
    pub(super) baseline: Vec<i64>,
    pub(super) order: TimeSpan,
}

impl Day {
    /// The greatest mean power of a step in the baseline.
    pub fn normal_peak(&self) -> Power {
        self.peak(|_| true)
    }

    /// The same as far as it is known when the order ends: from what was measured before it, and its own baseline.
    pub fn known_peak(&self) -> Power {
        self.peak(|step| step.end() <= self.order.end())
    }

    fn peak(&self, known: impl Fn(&TimeSpan) -> bool) -> Power {
        let means = self.steps.iter().zip(&self.baseline).filter(|(step, _)| known(step));
        Power::from_watts(means.map(|(step, energy)| mean(*energy, *step)).max().unwrap_or(0))
    }
}

/// Mean power, rounded down.
pub(super) fn mean(energy: i64, span: TimeSpan) -> i64 {
    energy.checked_div(seconds(span.start(), span.end())).unwrap_or(0)
}

impl RecordedSession {
    /// What it has taken by `at` at `watts`, in watt seconds, if nobody limits it.
    pub(super) fn taken_by(&self, at: Timestamp, watts: i64) -> i64 {
        let charging = seconds(self.arrival, at.min(self.departure));
        charging.saturating_mul(watts).min(self.taken.watt_seconds())
    }
}

pub(super) fn days(sessions: &[RecordedSession], setting: &Setting) -> Result<Vec<Day>, SettingError> {
    let mut by_date: BTreeMap<Date, Vec<&RecordedSession>> = BTreeMap::new();
    for session in sessions {
        let local = |at: Timestamp| at.to_zoned(setting.zone.clone()).date();
        let date = local(session.arrival);
        let is_workday = !matches!(date.weekday(), Weekday::Saturday | Weekday::Sunday);
        let counts = session.arrival < session.departure && local(session.departure) == date;
        if counts && (is_workday || !setting.workdays_only) {
            by_date.entry(date).or_default().push(session);
        }
    }
    let mut over: Vec<&RecordedSession> = sessions.iter().collect();
    over.sort_by_key(|session| session.departure);
    let mut over = over.into_iter().peekable();
    let mut stays = StayDistribution::new(setting.zone.clone());
    let mut days = Vec::new();
    for (date, mut sessions) in by_date {
        if sessions.len() < setting.fewest_sessions {
            continue;
        }
        let midnight = instant(date, Time::midnight(), setting)?;
        while let Some(session) = over.next_if(|session| session.departure < midnight) {
            let RecordedSession { arrival, departure, stated, .. } = *session;
            stays.learn(&Stay { arrival, departure, stated });
        }
        sessions.sort_by_key(|session| (session.arrival, session.departure));
        let sessions: Vec<RecordedSession> = sessions.into_iter().cloned().collect();
        let (steps, order) = steps(date, setting)?;
        let taken = |at: Timestamp| -> i64 {
            sessions.iter().map(|session| session.taken_by(at, setting.supply.maximum().watts())).sum()
        };
        let baseline = steps.iter().map(|step| taken(step.end()) - taken(step.start())).collect();
        days.push(Day { date, sessions, stays: stays.clone(), steps, baseline, order });
    }
    Ok(days)
}

/// The steps of a day, and its order.
fn steps(date: Date, setting: &Setting) -> Result<(Vec<TimeSpan>, TimeSpan), SettingError> {
    let tomorrow = date.tomorrow().map_err(|_| SettingError::Day(date))?;
    let from = instant(date, setting.from, setting)?;
    let until = instant(date, setting.until, setting)?;
    let order = TimeSpan::new(from, until).ok_or(SettingError::Day(date))?;
    let bounds = [
        instant(date, Time::midnight(), setting)?,
        from,
        until,
        instant(tomorrow, Time::midnight(), setting)?,
    ];
    let mut steps = Vec::new();
    for (start, end) in bounds.iter().zip(&bounds[1..]) {
        let mut at = *start;
        while let Some(step) = TimeSpan::new(at, at.saturating_add(setting.step).unwrap_or(*end).min(*end)) {
            steps.push(step);
            at = step.end();
        }
    }
    Ok((steps, order))
}

/// A local time as an instant. A time that the day skips is the instant after the gap.
fn instant(date: Date, time: Time, setting: &Setting) -> Result<Timestamp, SettingError> {
    let zoned = date.to_datetime(time).to_zoned(setting.zone.clone());
    zoned.map(|at| at.timestamp()).map_err(|_| SettingError::Day(date))
}
