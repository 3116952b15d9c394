use jiff::Timestamp;
use jiff::civil::Date;
use tieline_store::{ChangeSet, Records as _, StoreError, Timer};

use super::{Agr, METER, PROGNOSE};
use crate::market::{Schedule, Wanted};

/// The timer of the day before: tomorrow's prognoses are due.
pub(crate) const PROGNOSE_DAY: &str = "prognose-day";

/// The timer of the day after: yesterday's metering is due.
pub(crate) const METER_DAY: &str = "meter-day";

/// Both timers are of the whole node.
const ALL: &str = "all";

impl Agr {
    /// Sets the daily timers, and has today's prognoses made where there are none.
    pub(crate) async fn take_up_days(&self) -> Result<(), StoreError> {
        if self.config.reported_points.is_empty() {
            return Ok(());
        }
        let mut changes = ChangeSet::new();
        let today = self.today()?;
        let tomorrow = today.tomorrow().unwrap_or(today);
        for (kind, first) in [(PROGNOSE_DAY, tomorrow), (METER_DAY, today)] {
            let known = self.context.store.record::<Schedule>(kind).await?;
            let next = known.as_ref().map_or(first, |known| known.value.next);
            if known.is_none() {
                changes.replace(&Schedule { kind: kind.to_owned(), next, since: self.context.now() }, 0)?;
            }
            changes.set_timer(Timer::new(kind, ALL, self.day_due(kind, next)));
        }
        self.want_day(PROGNOSE, today, &mut changes)?;
        self.context.commit(changes).await
    }

    /// A daily timer has fired: every point or connection gets a timer of its own for the day.
    pub(crate) async fn day(&self, fired: Timer) -> Result<ChangeSet, StoreError> {
        let mut changes = ChangeSet::new();
        if let Some(schedule) = self.context.store.record::<Schedule>(&fired.kind).await? {
            let version = schedule.version;
            let mut schedule = schedule.value;
            let of_day = if fired.kind == METER_DAY { METER } else { PROGNOSE };
            // Nobody asks for the prognosis of a day that is over; its metering is still owed.
            let day = if of_day == PROGNOSE { schedule.next.max(self.today()?) } else { schedule.next };
            self.want_day(of_day, day, &mut changes)?;
            if let Ok(next) = day.tomorrow() {
                schedule.next = next;
                changes.replace(&schedule, version)?;
                let due = self.day_due(&fired.kind, next);
                changes.clear_timer(fired);
                changes.set_timer(Timer::new(&schedule.kind, ALL, due));
                return Ok(changes);
            }
        }
        changes.clear_timer(fired);
        Ok(changes)
    }

    fn want_day(&self, kind: &str, day: Date, changes: &mut ChangeSet) -> Result<(), StoreError> {
        let now = self.context.now();
        for point in &self.config.reported_points {
            if kind == PROGNOSE {
                Wanted::now(kind, &subject(day, point.entity_address.as_str()), now, changes)?;
                continue;
            }
            let behind =
                self.config.connections.iter().filter(|known| known.congestion_point == point.entity_address);
            for connection in behind {
                Wanted::now(kind, &subject(day, connection.entity_address.as_str()), now, changes)?;
            }
        }
        Ok(())
    }

    /// When a day's prognoses are to be sent, or its metering.
    fn day_due(&self, kind: &str, day: Date) -> Timestamp {
        let now = self.context.now();
        if kind == METER_DAY {
            let end = self.calendar.day(day).map_or(now, |day| day.end());
            return end.checked_add(self.config.metering_after.get()).unwrap_or(Timestamp::MAX);
        }
        let local = day.yesterday().unwrap_or(day).to_datetime(self.config.prognosis_at);
        // Where the clock skips this time or shows it twice, it is the instant that the offset before says.
        self.calendar.time_zone().to_ambiguous_timestamp(local).compatible().unwrap_or(now)
    }

    /// The local day of the market.
    pub(crate) fn today(&self) -> Result<Date, StoreError> {
        let located = self.calendar.locate(self.context.now());
        Ok(located.map_err(|cause| StoreError::Misuse(cause.to_string()))?.0.date())
    }
}

/// The subject of a timer for one thing on one day.
pub(crate) fn subject(day: Date, of: &str) -> String {
    format!("{day} {of}")
}

/// What [`subject`] wrote.
pub(crate) fn day_and(subject: &str) -> Option<(Date, &str)> {
    let (day, of) = subject.split_once(' ')?;
    Some((day.parse().ok()?, of))
}
