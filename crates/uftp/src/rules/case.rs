//! What every rule knows, and the rules that many messages have in common.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use jiff::civil::Date;
use tieline_types::{Currency, EntityAddress, IspCalendar, IspDay, IspDuration, IspNumber, IspRange, Power};

use super::Terms;
use crate::message::{FlexMessage, Isp};
use crate::value::{DateTime, TimeZoneName};
use crate::{Direction, Exchanged, Fate, Payload, RejectionReason, Text};

/// What is wrong with a message: each reason once, in the order of the standard's tables.
pub(super) type Reasons = BTreeSet<RejectionReason>;

/// The side from which a message is looked at, and when.
#[derive(Debug, Clone, Copy)]
pub(super) struct Case<'a> {
    pub(super) terms: &'a Terms,
    /// Which way the message that is looked at goes.
    pub(super) direction: Direction,
    pub(super) now: Timestamp,
}

/// Which of the two has sent what a message refers to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum By {
    /// The sender of the message that refers to it: a D-Prognosis of an offer, the offer of a revocation.
    Sender,
    /// Its recipient: the request of an offer, the offer of an order, whatever an answer answers.
    Recipient,
}

impl Case<'_> {
    /// The message that was referred to, if it is of the type `M`, was sent by the right side and was not rejected.
    pub(super) fn referred<'e, M>(&self, known: Option<&'e Exchanged>, by: By) -> Option<&'e M>
    where
        &'e M: TryFrom<&'e Payload>,
    {
        let known = known.filter(|known| known.fate != Fate::Rejected && self.is_by(known, by))?;
        known.payload.try_as()
    }

    /// Whether that side has sent it.
    pub(super) fn is_by(&self, known: &Exchanged, by: By) -> bool {
        (known.direction == self.direction) == (by == By::Sender)
    }

    /// The day of a message about ISPs at a congestion point, if all that is said of them is right; in each list on its own.
    pub(super) fn window(
        &self,
        flex: &FlexMessage,
        lists: impl IntoIterator<Item = Vec<IspRange>>,
        reasons: &mut Reasons,
    ) -> Option<IspDay> {
        if self.terms.at(&flex.congestion_point).is_none() {
            reasons.insert(RejectionReason::InvalidCongestionPoint);
        }
        let day = self.day(flex.isp_duration, &flex.time_zone, flex.period, reasons)?;
        let mut lists = lists.into_iter().peekable();
        if lists.peek().is_none() {
            reasons.insert(RejectionReason::IspsOutOfBounds);
            return None;
        }
        let mut within = true;
        for ranges in lists {
            within &= check_isps(&day, ranges, reasons);
        }
        let timely = self.is_timely(&day);
        if !timely {
            reasons.insert(RejectionReason::PeriodOutOfBounds);
        }
        (within && timely).then_some(day)
    }

    /// The day, if it is one of the market's days.
    pub(super) fn day(
        &self,
        isp_duration: IspDuration,
        time_zone: &TimeZoneName,
        period: Date,
        reasons: &mut Reasons,
    ) -> Option<IspDay> {
        let calendar = &self.terms.calendar;
        let Ok(day) = calendar.day(period) else {
            reasons.insert(RejectionReason::PeriodOutOfBounds);
            return None;
        };
        let right_duration = isp_duration == calendar.isp_duration();
        if !right_duration {
            reasons.insert(RejectionReason::IspDurationRejected);
        }
        let right_zone = is_same_day(&day, time_zone);
        if !right_zone {
            reasons.insert(RejectionReason::TimeZoneRejected);
        }
        (right_duration && right_zone).then_some(day)
    }

    /// Whether a day is neither over nor too far ahead.
    fn is_timely(&self, day: &IspDay) -> bool {
        let too_far = self.terms.periods_ahead.is_some_and(|ahead| {
            let today = self.terms.calendar.locate(self.now).map(|(today, _)| today.date());
            today.is_ok_and(|today| days_between(today, day.date()) > i32::from(ahead))
        });
        day.end() > self.now && !too_far
    }

    /// An ExpirationDateTime is in the future, and not after the end of the last ISP.
    pub(super) fn expiration(
        &self,
        day: &IspDay,
        ranges: impl IntoIterator<Item = IspRange>,
        expires: &DateTime,
        reasons: &mut Reasons,
    ) {
        let end = ranges.into_iter().map(IspRange::last).max().and_then(|last| day.isp(last).ok());
        let expires = expires.instant();
        if expires <= self.now || end.is_some_and(|last| expires > last.end()) {
            reasons.insert(RejectionReason::ExpirationDateTimeOutOfBounds);
        }
    }

    /// Whether what is valid until `expires` is so no more. At that very instant it still is.
    pub(super) fn has_expired(&self, expires: &DateTime) -> bool {
        expires.instant() < self.now
    }

    /// A contract that is named is known.
    pub(super) fn contract(&self, contract: Option<&Text>, reasons: &mut Reasons) {
        if let (Some(known), Some(named)) = (&self.terms.contracts, contract)
            && !known.contains_key(named)
        {
            reasons.insert(unknown("ContractID"));
        }
    }

    pub(super) fn currency(&self, currency: Currency, reasons: &mut Reasons) {
        if self.terms.currency.is_some_and(|agreed| agreed != currency) {
            reasons.insert(RejectionReason::other(&format!("Currency {currency} is not agreed")));
        }
    }

    pub(super) fn is_plausible(&self, power: Power) -> bool {
        power.magnitude() <= self.terms.greatest_power.magnitude()
    }

    /// The time before which ISPs are of no interest any more: those that are over.
    pub(super) fn is_over(&self, day: &IspDay, isp: IspNumber) -> bool {
        day.isp(isp).is_ok_and(|span| span.end() <= self.now)
    }
}

/// Whether an earlier message binds: it was accepted, or it is our own and may be accepted at any moment. What was received
/// and is not decided does not bind: whichever is decided first wins.
pub(super) fn binds(known: &Exchanged) -> bool {
    match known.fate {
        Fate::Accepted => true,
        Fate::Open => known.direction == Direction::Sent,
        Fate::Rejected => false,
    }
}

/// The messages of one type among several of any.
pub(super) fn of_type<'e, M: 'e>(known: &'e [Exchanged]) -> impl Iterator<Item = (&'e Exchanged, &'e M)>
where
    &'e M: TryFrom<&'e Payload>,
{
    known.iter().filter_map(|known| Some((known, known.payload.try_as()?)))
}

/// All ISPs are in the day, and none is there twice; there is one at least.
pub(super) fn check_isps(day: &IspDay, mut named: Vec<IspRange>, reasons: &mut Reasons) -> bool {
    named.sort_unstable();
    let within = !named.is_empty() && named.iter().all(|range| range.last() <= day.last());
    if !within {
        reasons.insert(RejectionReason::IspsOutOfBounds);
    }
    let apart = !named.windows(2).any(|pair| pair[0].overlaps(pair[1]));
    if !apart {
        reasons.insert(RejectionReason::IspConflict);
    }
    within && apart
}

/// The runs of a list of ISPs.
pub(super) fn ranges(isps: &[Isp]) -> Vec<IspRange> {
    isps.iter().map(|isp| isp.range).collect()
}

/// The power in each ISP of the day, however the runs are cut.
pub(super) fn powers(day: &IspDay, isps: &[Isp]) -> BTreeMap<IspNumber, Power> {
    let of_run = |isp: &Isp| {
        let power = isp.power;
        let within = isp.range.intersection(day.all());
        within.into_iter().flat_map(IspRange::into_iter).map(move |number| (number, power))
    };
    isps.iter().flat_map(of_run).collect()
}

/// A message, a contract or something else that is referred to by this attribute is not known.
pub(super) fn unknown(attribute: &str) -> RejectionReason {
    RejectionReason::UnknownReference(Text::lossy(attribute))
}

/// "Time zone rejected" is about the offset, not the name: any zone will do whose day is the same.
fn is_same_day(day: &IspDay, time_zone: &TimeZoneName) -> bool {
    let zone = jiff::tz::TimeZone::get(time_zone.as_str());
    let theirs = zone.map(|zone| IspCalendar::new(zone, day.isp_duration()).day(day.date()));
    theirs.is_ok_and(|theirs| theirs.is_ok_and(|theirs| theirs.span() == day.span()))
}

fn days_between(first: Date, last: Date) -> i32 {
    (last - first).get_days()
}

/// What holds both messages to the same place and day: a reference that names another one is wrong.
pub(super) fn same_window(
    (point, period): (&EntityAddress, Date),
    referred: &FlexMessage,
    reasons: &mut Reasons,
) {
    if referred.period != period {
        reasons.insert(RejectionReason::ReferencePeriodMismatch);
    }
    if referred.congestion_point != *point {
        reasons.insert(RejectionReason::InvalidCongestionPoint);
    }
}

/// Whether a power is none, or in the same direction as another and not beyond it.
pub(super) fn is_part(power: Power, of: Power) -> bool {
    (of.min(Power::ZERO)..=of.max(Power::ZERO)).contains(&power)
}
