use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::Serialize;
use tieline_types::{
    Amount, Currency, Domain, Energy, EntityAddress, IspDuration, IspNumber, IspRange, Power, TimeSpan,
};

/// One local day at one congestion point: what was traded, what was delivered, and what it cost.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Day {
    /// The local date: the `Period` of the messages.
    pub(crate) date: Date,
    /// The zone whose day it is, with an IANA name.
    #[serde(with = "jiff::fmt::serde::tz::required")]
    pub(crate) time_zone: TimeZone,
    /// The length of an ISP.
    pub(crate) isp_duration: IspDuration,
    /// Where the flexibility is traded.
    pub(crate) congestion_point: EntityAddress,
    /// Who buys.
    pub(crate) dso: Domain,
    /// Who sells.
    pub(crate) agr: Domain,
    /// What the day's chance was made from: the same seed is the same day.
    pub(crate) seed: u64,
    /// How many chargers are behind the congestion point.
    pub(crate) chargers: usize,
    /// The currency of all amounts.
    pub(crate) currency: Currency,
    /// How long the day took in real time.
    pub(crate) took: Duration,
    /// All ISPs of the day, in order.
    pub(crate) isps: Vec<Isp>,
    /// The sessions that touch the day, in any order.
    pub(crate) sessions: Vec<Session>,
    /// The orders of the day, in the order in which they were placed.
    pub(crate) orders: Vec<Order>,
    /// What both sides make of the orders.
    pub(crate) settlement: Settlement,
    /// The journals of both sides.
    pub(crate) journals: Vec<Journal>,
    /// What somebody had to be told, in the order of time.
    pub(crate) alarms: Vec<Alarm>,
}

/// What one ISP shows. Powers are means over the ISP, in watts, positive towards the customers.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Isp {
    /// Its number in the local day.
    pub(crate) number: IspNumber,
    /// When it is.
    pub(crate) span: TimeSpan,
    /// What the AGR's D-Prognosis says.
    pub(crate) baseline: Power,
    /// What would have been drawn had nobody steered, where that is known.
    pub(crate) uncontrolled: Option<Power>,
    /// What the DSO requested.
    pub(crate) requested: Option<Requested>,
    /// What the AGR offered, relative to the baseline.
    pub(crate) offered: Option<Power>,
    /// What was ordered, all orders together, relative to the baseline.
    pub(crate) ordered: Option<Power>,
    /// What the meters say.
    pub(crate) measured: Option<Power>,
    /// What of the order was delivered, with the sign of the order.
    pub(crate) delivered: Option<Power>,
    /// By how much the order was missed (the `PowerDeficiency` of a FlexSettlement), never negative.
    pub(crate) deficiency: Option<Power>,
    /// Why the order was missed.
    pub(crate) shortfall: Option<String>,
}

/// The bounds of a FlexRequest, relative to the baseline.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Requested {
    /// Whether the DSO needs a change or has room for one.
    pub(crate) disposition: Disposition,
    /// `MinPower`.
    pub(crate) min: Power,
    /// `MaxPower`.
    pub(crate) max: Power,
}

/// The `Disposition` of an ISP of a FlexRequest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(crate) enum Disposition {
    /// The grid has room within the bounds.
    Available,
    /// The DSO needs the power to change, to within the bounds.
    Requested,
}

/// A car at a charger.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Session {
    /// The charger's identity.
    pub(crate) charger: String,
    /// The OCPP version that the charger speaks (`1.6`, `2.0.1`, `2.1`).
    pub(crate) ocpp: String,
    /// How the charger takes what it is told.
    pub(crate) behaviour: String,
    /// When the car came; it may be before the day.
    pub(crate) arrival: Timestamp,
    /// When the car left; it may be after the day.
    pub(crate) departure: Timestamp,
    /// When the driver said that the car would leave.
    pub(crate) stated_departure: Option<Timestamp>,
    /// What the driver asked for.
    pub(crate) asked: Energy,
    /// What the car got.
    pub(crate) got: Energy,
    /// What the car drew, each until the next, the last until the departure; in the order of time.
    pub(crate) trace: Vec<Draw>,
}

/// From this instant on a car draws this much.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Draw {
    /// The first instant.
    pub(crate) from: Timestamp,
    /// How much, in watts.
    pub(crate) power: Power,
}

/// A FlexOrder.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Order {
    /// Its `OrderReference`.
    pub(crate) reference: String,
    /// From its first to its last ISP.
    pub(crate) isps: IspRange,
    /// The price agreed for all that was ordered.
    pub(crate) price: Amount,
    /// What it came to, once it was settled.
    pub(crate) settled: Option<Totals>,
    /// Where it stands, in a word or two.
    pub(crate) state: String,
}

/// What the DSO owes to the AGR; a negative net is what the AGR owes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Totals {
    /// For what was delivered.
    pub(crate) paid: Amount,
    /// For what was missed, not negative.
    pub(crate) penalty: Amount,
    /// What is paid less the penalty.
    pub(crate) net: Amount,
}

/// What each side says that all orders come to, where it says anything.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Settlement {
    /// The FlexSettlement that the DSO sent.
    pub(crate) dso: Option<Totals>,
    /// What the AGR computed by itself.
    pub(crate) agr: Option<Totals>,
}

/// A node's chained journal.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Journal {
    /// Whose it is (`DSO`, `AGR`).
    pub(crate) role: String,
    /// How many entries it has.
    pub(crate) entries: u64,
    /// The hash of its last entry, in hexadecimal digits.
    pub(crate) head: String,
    /// Whether its chain was checked and holds.
    pub(crate) verified: bool,
}

/// Something that a person had to be told.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Alarm {
    /// When.
    pub(crate) at: Timestamp,
    /// What.
    pub(crate) text: String,
}

impl Day {
    /// From the start of the first ISP to the end of the last; `None` without ISPs.
    pub(super) fn span(&self) -> Option<TimeSpan> {
        TimeSpan::new(self.isps.first()?.span.start(), self.isps.last()?.span.end())
    }

    /// When the ISPs of a range are, as far as the day has them.
    pub(super) fn span_of(&self, range: IspRange) -> Option<TimeSpan> {
        let mut inside = self.isps.iter().filter(|isp| range.contains(isp.number));
        let first = inside.next()?;
        TimeSpan::new(first.span.start(), inside.next_back().unwrap_or(first).span.end())
    }
}

impl Isp {
    /// Whether anything was traded in it.
    pub(super) fn is_traded(&self) -> bool {
        self.requested.is_some() || self.offered.is_some() || self.ordered.is_some()
    }

    /// What the meters should show when the order is met exactly, in watts.
    pub(super) fn target(&self) -> Option<Power> {
        self.ordered.map(|ordered| self.baseline.saturating_add(ordered))
    }

    /// What was reached instead of what was ordered, relative to the baseline; `None` if nothing was missed.
    pub(super) fn fell_short_at(&self) -> Option<Power> {
        let (ordered, missed) = (self.ordered?, self.deficiency.filter(|missed| *missed != Power::ZERO)?);
        let less = ordered < Power::ZERO;
        Some(if less { ordered.saturating_add(missed) } else { ordered.saturating_sub(missed) })
    }
}

impl Settlement {
    /// Whether both sides have spoken and say the same.
    pub(super) fn agrees(&self) -> bool {
        self.dso.is_some() && self.dso == self.agr
    }
}

impl Disposition {
    /// As UFTP writes it.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Available => "Available",
            Self::Requested => "Requested",
        }
    }
}
