//! What a CRO has decided for itself.

use std::collections::BTreeSet;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::value::TimeZoneName;
use crate::{Participant, Role};

/// How a common reference is operated.
///
/// ```
/// use jiff::tz::TimeZone;
/// use tieline_uftp::cro::{Access, ReferencePolicy};
///
/// let mut policy = ReferencePolicy::new(TimeZone::get("Europe/Amsterdam")?);
/// assert_eq!(policy.access, Access::Open);
/// policy.disclose_aggregators = true;
/// # Ok::<(), jiff::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReferencePolicy {
    /// The time zone whose days the Periods are.
    pub time_zone: TimeZone,
    /// From whom updates and queries are taken. Open to begin with.
    pub access: Access,
    /// Whether a DSO is told which AGR represents each connection (`AGR-Domain`). Not to begin with: the privacy rules of the
    /// standard forbid it.
    pub disclose_aggregators: bool,
    /// How much is kept.
    pub limits: ReferenceLimits,
}

/// From whom a CRO takes updates and queries.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Access {
    /// Open mode: from any AGR and DSO whose messages can be verified.
    #[default]
    Open,
    /// Closed mode: from these alone.
    Closed(BTreeSet<Participant>),
}

/// Bounds on what is kept; what goes beyond one is rejected with a reason that names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReferenceLimits {
    /// Most connections in one update. Default 50 000.
    pub connections_per_update: usize,
    /// Most connections in all. Default 1 000 000.
    pub connections: usize,
    /// Most congestion points in all. Default 100 000.
    pub congestion_points: usize,
    /// Most periods of one connection or of one congestion point, history included. Default 1000.
    pub periods: usize,
}

impl Default for ReferenceLimits {
    fn default() -> Self {
        Self {
            connections_per_update: 50_000,
            connections: 1_000_000,
            congestion_points: 100_000,
            periods: 1000,
        }
    }
}

impl ReferencePolicy {
    /// An open common reference that keeps AGRs from DSOs.
    pub fn new(time_zone: TimeZone) -> Self {
        Self {
            time_zone,
            access: Access::Open,
            disclose_aggregators: false,
            limits: ReferenceLimits::default(),
        }
    }

    pub(super) fn admits(&self, sender: &Participant) -> bool {
        match &self.access {
            Access::Open => matches!(sender.role, Role::Agr | Role::Dso),
            Access::Closed(members) => members.contains(sender),
        }
    }

    /// The local day of an instant.
    pub(super) fn day_of(&self, now: Timestamp) -> Date {
        self.time_zone.to_datetime(now).date()
    }

    /// Whether all these days are the same in the time zone that a message names.
    pub(super) fn same_days(&self, named: &TimeZoneName, days: impl IntoIterator<Item = Date>) -> bool {
        if self.time_zone.iana_name() == Some(named.as_str()) {
            return true;
        }
        let Ok(theirs) = TimeZone::get(named.as_str()) else { return false };
        let days: BTreeSet<Date> = days.into_iter().collect();
        days.into_iter().all(|day| bounds(&theirs, day) == bounds(&self.time_zone, day))
    }
}

/// When a local day starts and ends, as far as the calendar goes.
fn bounds(zone: &TimeZone, day: Date) -> [Option<Timestamp>; 2] {
    let midnight = |day: Date| zone.to_ambiguous_timestamp(day.at(0, 0, 0, 0)).compatible().ok();
    [midnight(day), day.tomorrow().ok().and_then(midnight)]
}
