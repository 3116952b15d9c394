//! What an order would have done to the drivers of recorded sessions, under one rule or another.
//!
//! Each day of the record is gone through again. Before the order every EV charges at its charger's full power from its arrival
//! until it has taken what it took then, or leaves: so it goes *uncontrolled*, and what the fleet draws in this way is the
//! baseline. In the order's steps the fleet is held to a share of the baseline, by a [`Rule`]; the chargers obey. Afterwards
//! all charge at full power again, or under the cap of a [`Release`](crate::Release).
//!
//! - Whatever a session lacks at its real departure against its uncontrolled course is *short*.
//! - The *normal peak* of a day is the greatest mean power of a step in its baseline, and the *peak after the order* the
//!   greatest mean power of a step from the order's end to midnight.
//! - *Kept* is the share of the ordered energy that was withheld, step by step; what is withheld beyond the order does not
//!   count.
//!
//! Within a step, a rule is asked again whenever an EV comes or goes. It knows the sessions that are present and take energy,
//! what they have taken, and what its [`KnownDeparture`] and [`KnownEnergy`] let it know. What an EV will really take is seen only
//! when it stops, and what is learned of stays is learned from those that ended before the day began.

mod day;
mod outcome;
mod replay;
mod rule;

use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use tieline_types::Energy;

pub use day::Day;
pub use outcome::Outcome;
pub use rule::{KnownDeparture, KnownEnergy, Rule, Sharing, rules};

use crate::Supply;

/// A charging session as it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordedSession {
    /// When the EV came.
    pub arrival: Timestamp,
    /// When it left.
    pub departure: Timestamp,
    /// When its driver had said that it would leave; `None` if the driver said nothing.
    pub stated: Option<Timestamp>,
    /// What its driver had asked for; `None` if the driver said nothing.
    pub asked: Option<Energy>,
    /// What it took, uncontrolled.
    pub taken: Energy,
}

/// Which days to go through, and what is ordered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// The zone of the site.
    pub zone: TimeZone,
    /// The local time at which the order begins.
    pub from: Time,
    /// The local time at which it ends, on the same day.
    pub until: Time,
    /// How long a step is; whole seconds.
    pub step: SignedDuration,
    /// Every charger.
    pub supply: Supply,
    /// Days with fewer sessions are left out.
    pub fewest_sessions: usize,
    /// Whether Saturdays and Sundays are left out.
    pub workdays_only: bool,
}

/// A setting that makes no sense.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SettingError {
    /// The order ends before it begins.
    #[error("the order must end after it begins, on the same day")]
    Order,
    /// A day would have too many steps, or one without a length.
    #[error("a step must last from 1 minute to 1 hour, in whole seconds")]
    Step,
    /// A day of the record that the zone's calendar can't place, or on which the order would be skipped.
    #[error("the order has no place on {0}")]
    Day(Date),
}

impl Setting {
    /// Whether it makes sense.
    pub fn check(&self) -> Result<(), SettingError> {
        if self.from >= self.until {
            return Err(SettingError::Order);
        }
        let whole = self.step.subsec_nanos() == 0;
        let allowed = SignedDuration::from_mins(1)..=SignedDuration::from_hours(1);
        if whole && allowed.contains(&self.step) { Ok(()) } else { Err(SettingError::Step) }
    }
}

/// The days of a record that an order is tried on, each with what could be known when it began.
///
/// A session counts on the local day on which it came, if it left on the same day; others are left out, and so are sessions that
/// end before they begin. Stays are learned from all that ended before the day's first midnight, whichever day they count on.
pub fn days(sessions: &[RecordedSession], setting: &Setting) -> Result<Vec<Day>, SettingError> {
    setting.check()?;
    day::days(sessions, setting)
}

/// What a rule does to the drivers and to the load, if each day's order is a cap of `percent` of the baseline.
pub fn run(days: &[Day], setting: &Setting, rule: Rule, percent: u8) -> Outcome {
    days.iter().map(|day| replay::replay(day, setting, rule, percent)).collect()
}
