//! What was agreed at a market.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use jiff::civil::{Date, Time};
use jiff::{Span, ToSpan};
use rust_decimal::Decimal;
use tieline_types::{Currency, EntityAddress, IspCalendar, Power};

use crate::Text;
use crate::message::ProfileType;
use crate::value::Ean;

/// What two participants have agreed at a market, as far as the rules ask for it.
///
/// [`Terms::new`] takes whatever the standard leaves open; each field narrows it.
///
/// ```
/// use jiff::tz::TimeZone;
/// use tieline_types::{Currency, IspCalendar, IspDuration};
/// use tieline_uftp::rules::Terms;
///
/// let calendar = IspCalendar::new(TimeZone::get("Europe/Amsterdam")?, IspDuration::PT15M);
/// let mut terms = Terms::new(calendar);
/// terms.currency = Some(Currency::EUR);
/// terms.unsolicited_orders = true;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Terms {
    /// The time zone whose days are Periods, and the length of an ISP. A message may name another zone whose day is the
    /// same.
    pub calendar: IspCalendar,
    /// The congestion points at which the two trade; `None` takes any, with [`CongestionPointTerms::default`].
    pub congestion_points: Option<BTreeMap<EntityAddress, CongestionPointTerms>>,
    /// How many days after today a Period may be; `None` for no bound. 366 to begin with.
    pub periods_ahead: Option<u16>,
    /// No power in a message is further from 0 than this. A terawatt to begin with, which no grid connection takes.
    pub greatest_power: Power,
    /// The currency of prices; `None` takes any.
    pub currency: Option<Currency>,
    /// Whether offers must name a baseline: a D-Prognosis or a BaselineReference. Not to begin with.
    pub baseline_required: bool,
    /// The baselines that `BaselineReference` may name; `None` takes any.
    pub baselines: Option<BTreeSet<Text>>,
    /// Whether offers without a request are taken, as the standard has it. They are to begin with.
    pub unsolicited_offers: bool,
    /// Whether orders without an offer are taken (from 3.1.0 on). They need an agreement, so not to begin with.
    pub unsolicited_orders: bool,
    /// The contracts that `ContractID` may name; `None` takes any.
    pub contracts: Option<BTreeMap<Text, ContractTerms>>,
    /// What Metering must hold.
    pub metering: MeteringTerms,
    /// How orders are settled; `None` leaves the penalties of a FlexSettlement unchecked.
    pub settlement: Option<SettlementTerms>,
}

impl Terms {
    /// The terms that the standard itself gives, with the days and ISPs of `calendar`.
    pub fn new(calendar: IspCalendar) -> Self {
        Self {
            calendar,
            congestion_points: None,
            periods_ahead: Some(366),
            greatest_power: Power::from_watts(1_000_000_000_000),
            currency: None,
            baseline_required: false,
            baselines: None,
            unsolicited_offers: true,
            unsolicited_orders: false,
            contracts: None,
            metering: MeteringTerms::default(),
            settlement: None,
        }
    }

    /// What holds at a congestion point; `None` if the two do not trade there.
    pub(super) fn at(&self, point: &EntityAddress) -> Option<CongestionPointTerms> {
        match &self.congestion_points {
            Some(points) => points.get(point).copied(),
            None => Some(CongestionPointTerms::default()),
        }
    }
}

/// What holds at one congestion point, as the common reference says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CongestionPointTerms {
    /// `MutexOffersSupported`: whether offers may have several options. By default they may.
    pub mutex_offers_supported: bool,
}

impl Default for CongestionPointTerms {
    fn default() -> Self {
        Self { mutex_offers_supported: true }
    }
}

/// What a bilateral contract reserves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ContractTerms {
    /// The power that is reserved in each ISP, with the direction of the flexibility: negative for a reduction.
    pub reserved: Power,
    /// Until when the reservation of a Period may be reduced; `None` for its start.
    pub deadline: Option<ReservationDeadline>,
}

/// Until when the reservation of a Period may be reduced: a local time on a day before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReservationDeadline {
    /// How many days before the Period.
    pub days_before: u16,
    /// The time of that day on the clock of the market's time zone. Where it comes twice, the first counts.
    pub time: Time,
}

impl ReservationDeadline {
    /// The instant for one Period; `None` at the end of the calendar.
    pub(super) fn of(self, period: Date, calendar: &IspCalendar) -> Option<Timestamp> {
        let days: Span = i64::from(self.days_before).days();
        let day = period.checked_sub(days).ok()?;
        calendar.time_zone().to_ambiguous_timestamp(day.to_datetime(self.time)).compatible().ok()
    }
}

/// What was agreed about Metering.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MeteringTerms {
    /// The meters, whose `EAN` is compared by its digits; `None` takes any.
    pub meters: Option<BTreeSet<Ean>>,
    /// The profiles that each message must have. None to begin with.
    pub profiles: BTreeSet<ProfileType>,
    /// Whether each profile must have a value for every ISP of the day. It must to begin with.
    pub every_isp: bool,
}

impl Default for MeteringTerms {
    fn default() -> Self {
        Self { meters: None, profiles: BTreeSet::new(), every_isp: true }
    }
}

/// What was agreed about orders that were not kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SettlementTerms {
    /// What a megawatt hour of PowerDeficiency costs.
    pub penalty_per_megawatt_hour: Decimal,
    /// By how much a NetSettlement may differ from what the terms give.
    pub tolerance: Decimal,
}
