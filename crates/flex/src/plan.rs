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
    /// What the session may draw: 0, or from its charger's minimum to its maximum; less than the minimum where the EV takes
    /// less. For a session that can't be steered, what it draws.
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
    /// The charger can't deliver more, the EV can't take more, or it can't use more within the span of an increase.
    Maximum,
    /// The session's share of the target.
    Order,
    /// It is paused because the target leaves less than its minimum.
    Paused,
    /// Less would leave the driver short at departure.
    Floor,
    /// The limit of its device.
    Device,
    /// The limit of its connection.
    Connection,
    /// The limit of the congestion point.
    CongestionPoint,
    /// It can't be steered and draws what it draws. There is nothing to tell it.
    Unsteerable,
    /// The session has what it wants, has left, or has not come yet.
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
    /// All sessions together can't take as much, or there is none: the plan is below the target.
    Exhausted,
    /// The sessions could take as much, but their devices' limits don't let them: the plan is below the target.
    DeviceLimit,
    /// The sessions could take as much, but their connections' limits don't let them: the plan is below the target.
    ConnectionLimit,
    /// The connections could take as much, but the congestion point's limit does not let them: the plan is below the target.
    CongestionPointLimit,
    /// Sessions that can't be steered draw more: the plan is above the target.
    Unsteerable,
    /// The target is below 0, and a charger feeds nothing in: the plan is 0.
    FeedIn,
    /// A session gets nothing or 6 A and more, and no such choice within the limits was found that adds up to
    /// the target: the plan is beside it.
    MinimumCurrent,
    /// Chargers are told steps of 0.1 A, and none were found that add up to the target to the watt, though watts would: the
    /// plan is beside it.
    Steps,
}

impl std::fmt::Display for BoundBy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(match self {
            Self::Maximum => "the most that the charger or the EV can take",
            Self::Order => "its share of the order",
            Self::Paused => "paused: the order leaves it less than 6 A",
            Self::Floor => "what the driver needs by departure",
            Self::Device => "the device's limit",
            Self::Connection => "the connection's limit",
            Self::CongestionPoint => "the congestion point's limit",
            Self::Unsteerable => "it can't be steered",
            Self::Finished => "nothing more is wanted",
        })
    }
}

impl std::fmt::Display for ShortfallReason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(match self {
            Self::MustRun => "sessions that must go on need more",
            Self::Exhausted => "the sessions can't take as much",
            Self::DeviceLimit => "the devices' limits don't let the sessions take as much",
            Self::CongestionPointLimit => {
                "the congestion point's limit does not let the sessions take as much"
            }
            Self::Unsteerable => "sessions that can't be steered draw more",
            Self::ConnectionLimit => "the connections' limits don't let the sessions take as much",
            Self::FeedIn => "a charger feeds nothing in",
            Self::MinimumCurrent => {
                "no sessions were found that add up to it, each with 0 or with 6 A and more"
            }
            Self::Steps => "no steps of 0.1 A were found that add up to it",
        })
    }
}
