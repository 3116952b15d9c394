use rust_decimal::Decimal;
use tieline_types::{Power, TimeSpan};

/// What each session is to be told, and where that falls short of the target.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// The sessions in the order of their names.
    pub sessions: Vec<SessionPlan>,
    /// The spans in which the target can't be kept.
    pub shortfalls: Vec<Shortfall>,
}

/// What one session is to be told: limits that follow each other without a gap and end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionPlan {
    /// The session.
    pub session: String,
    /// The limits, in order of time; never empty.
    pub periods: Vec<PlannedPeriod>,
}

/// A limit, while it holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlannedPeriod {
    /// When it holds.
    pub span: TimeSpan,
    /// What the session may draw: 0, or from its charger's minimum to its maximum.
    pub power: Power,
    /// The same in the charger's own unit.
    pub limit: Decimal,
    /// What made it this.
    pub bound_by: BoundBy,
}

/// What made a limit what it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum BoundBy {
    /// The charger can't deliver more.
    Maximum,
    /// The session's share of the target.
    Order,
    /// It is paused because the target leaves less than its minimum.
    Paused,
    /// Less would leave the driver short at departure.
    Floor,
    /// The limit of its connection.
    Connection,
    /// The session has what it wants, or has left.
    Finished,
}

/// A span in which the target can't be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shortfall {
    /// The span.
    pub span: TimeSpan,
    /// What was to be reached.
    pub target: Power,
    /// What the plan reaches.
    pub planned: Power,
    /// Why not.
    pub reason: ShortfallReason,
}

/// Why a target can't be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ShortfallReason {
    /// Sessions must go on, or their drivers are left short: the plan is above the target.
    MustRun,
    /// The sessions can't take more: the plan is below the target.
    Exhausted,
    /// The target lies where no combination of 0 and 6 A and more reaches: the plan is just below it.
    MinimumCurrent,
}

impl std::fmt::Display for BoundBy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(match self {
            Self::Maximum => "the charger's maximum",
            Self::Order => "its share of the order",
            Self::Paused => "paused: the order leaves less than 6 A",
            Self::Floor => "what the driver needs by departure",
            Self::Connection => "the connection's limit",
            Self::Finished => "nothing more is wanted",
        })
    }
}

impl std::fmt::Display for ShortfallReason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(match self {
            Self::MustRun => "sessions that must go on need more",
            Self::Exhausted => "the sessions can't take more",
            Self::MinimumCurrent => "between 0 and 6 A nothing can be told",
        })
    }
}
