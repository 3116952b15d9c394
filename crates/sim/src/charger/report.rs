use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use jiff::Timestamp;
use tieline_types::Energy;

use super::Reading;

/// Something that the CSMS is to be told, in no version's words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Report {
    /// Which session of this charger it is about, counted from 1.
    pub(crate) session: u32,
    /// What the charger calls its transaction.
    pub(crate) transaction: Arc<str>,
    /// When it happened, by the charger's own clock.
    pub(crate) at: Timestamp,
    /// Its number in the transaction, from 0.
    pub(crate) sequence: i32,
    pub(crate) what: What,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum What {
    /// A car was plugged in.
    Plugged,
    /// The transaction begins.
    Begins(Reading),
    /// The driver said when the car leaves and what it needs.
    Needs { departure: Timestamp, energy: Energy },
    /// Charging began, paused or ended.
    State(ChargingState, Reading),
    /// The meter at a round time.
    Meter(Reading),
    /// The transaction ends.
    Ends(Reading, Why),
    /// The place is free.
    Unplugged,
}

/// Whether and why a car charges.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ChargingState {
    Connected,
    Charging,
    /// The car takes no more.
    SuspendedByVehicle,
    /// The charger gives nothing.
    SuspendedByCharger,
}

/// Why a transaction ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Why {
    /// The car left.
    Left,
    /// The CSMS does not accept the driver.
    Denied,
}

/// The reports that the CSMS has not confirmed, in the order in which they happened, and those that are held back.
#[derive(Debug)]
pub(crate) struct Reports {
    waiting: VecDeque<Report>,
    held: BTreeMap<(Timestamp, u64), Report>,
    count: u64,
    most: usize,
    dropped: u64,
}

impl Reports {
    /// Room for so many. Beyond that the oldest meter values are dropped, as chargers do that are offline for long.
    pub(crate) fn new(most: usize) -> Self {
        Self { waiting: VecDeque::new(), held: BTreeMap::new(), count: 0, most, dropped: 0 }
    }

    pub(crate) fn push(&mut self, report: Report) {
        self.waiting.push_back(report);
        if self.waiting.len() > self.most {
            let told_anyway = |report: &Report| matches!(report.what, What::Meter(_) | What::State(..));
            if let Some(oldest) = self.waiting.iter().position(told_anyway) {
                self.waiting.remove(oldest);
                self.dropped += 1;
            }
        }
    }

    /// Keeps a report back until then.
    pub(crate) fn hold(&mut self, until: Timestamp, report: Report) {
        self.count += 1;
        self.held.insert((until, self.count), report);
    }

    /// When the next of those that are held back is due.
    pub(crate) fn next_release(&self) -> Option<Timestamp> {
        self.held.first_key_value().map(|((until, _), _)| *until)
    }

    pub(crate) fn release(&mut self, now: Timestamp) {
        while self.next_release().is_some_and(|until| until <= now) {
            if let Some((_, report)) = self.held.pop_first() {
                self.push(report);
            }
        }
    }

    pub(crate) fn first(&self) -> Option<&Report> {
        self.waiting.front()
    }

    /// The one that was pushed last, if it still waits.
    pub(crate) fn last_mut(&mut self) -> Option<&mut Report> {
        self.waiting.back_mut()
    }

    /// The first one is done with: this very one, which may have been dropped meanwhile.
    pub(crate) fn done(&mut self, report: &Report) {
        if self.waiting.front() == Some(report) {
            self.waiting.pop_front();
        }
    }

    /// Forgets what waits about a session.
    pub(crate) fn forget(&mut self, session: u32) {
        self.waiting.retain(|report| report.session != session);
        self.held.retain(|_, report| report.session != session);
    }

    pub(crate) fn dropped(&self) -> u64 {
        self.dropped
    }

    pub(crate) fn lose(&mut self) {
        self.dropped += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(sequence: i32, what: What) -> Report {
        Report { session: 1, transaction: "t".into(), at: Timestamp::UNIX_EPOCH, sequence, what }
    }

    #[test]
    fn a_full_queue_drops_the_oldest_meter_values_and_nothing_that_begins_or_ends() {
        let reading = Reading { at: Timestamp::UNIX_EPOCH, register: 0, power: tieline_types::Power::ZERO };
        let mut reports = Reports::new(3);
        reports.push(report(0, What::Begins(reading)));
        for sequence in 1..=5 {
            reports.push(report(sequence, What::Meter(reading)));
        }
        reports.push(report(6, What::Ends(reading, Why::Left)));
        let left: Vec<i32> = reports.waiting.iter().map(|report| report.sequence).collect();
        assert_eq!((left, reports.dropped()), (vec![0, 5, 6], 4));
    }

    #[test]
    fn what_is_held_back_comes_when_it_is_due() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let mut reports = Reports::new(9);
        reports.hold(at(20), report(1, What::Plugged));
        reports.hold(at(10), report(2, What::Plugged));
        reports.release(at(9));
        assert_eq!((reports.first(), reports.next_release()), (None, Some(at(10))));
        reports.release(at(20));
        let order: Vec<i32> = reports.waiting.iter().map(|report| report.sequence).collect();
        assert_eq!(order, [2, 1]);
    }
}
