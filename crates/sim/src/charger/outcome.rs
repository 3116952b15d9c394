use jiff::Timestamp;
use tieline_types::{Energy, Power};

use crate::{SessionSpec, Trace};

/// How a session went, as it really was: no meter, no message and no wrong clock is between.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionOutcome {
    /// The charger's identity.
    pub charger: String,
    /// What the charger calls the transaction. In 1.6 the CSMS numbers it: [`number`](Self::number).
    pub transaction: String,
    /// The number that the CSMS gave to the transaction (1.6).
    pub number: Option<i32>,
    /// What was asked, and when the car came and left.
    pub spec: SessionSpec,
    /// What it got.
    pub delivered: Energy,
    /// The power over time; its energy is [`delivered`](Self::delivered).
    pub trace: Trace,
    /// Every limit that was applied, from when on.
    pub limits: Vec<AppliedLimit>,
    /// What was wrong with the profiles.
    pub violations: Vec<Violation>,
    /// The CSMS did not accept the driver.
    pub denied: bool,
    /// The car has left.
    pub ended: bool,
}

impl SessionOutcome {
    /// What the car lacked when it left, or lacks now.
    pub fn missing(&self) -> Energy {
        self.spec.energy.checked_sub(self.delivered).unwrap_or(Energy::ZERO).max(Energy::ZERO)
    }
}

/// A limit that a charger applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AppliedLimit {
    /// From when on.
    pub at: Timestamp,
    /// What the car could draw at the most; `None` where no profile limits it any more.
    pub limit: Option<Power>,
    /// The id of the profile that says so.
    pub profile: Option<i32>,
}

/// A charging profile that should not have been sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Violation {
    /// It limits a car to less than 6 A per phase, but not to 0. No car can charge with that (IEC 61851-1).
    BelowMinimum {
        /// From when on.
        at: Timestamp,
        /// Milliamperes per phase.
        milliamperes: i64,
        /// The profile.
        profile: i32,
    },
    /// It limits a transaction or the station and has no end: if nobody came back, the limit would stay.
    WithoutEnd {
        /// When it was told.
        at: Timestamp,
        /// The profile.
        profile: i32,
    },
}

/// What a charger went through, besides its sessions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChargerOutcome {
    /// Its identity.
    pub charger: String,
    /// How often it booted: once for each connection on which the CSMS accepted it.
    pub boots: u64,
    /// How many charging profiles it was sent, whatever it did with them.
    pub profiles: u64,
    /// Messages that the CSMS never took: it kept on refusing them, or too many waited.
    pub lost_messages: u64,
    /// What was wrong with profiles that came while no car was there.
    pub violations: Vec<Violation>,
    /// Why it gave up connecting.
    pub failure: Option<String>,
}
