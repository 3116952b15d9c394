//! What the messages about ISPs of a day have in common.

use jiff::civil::Date;
use tieline_types::{IspCalendar, IspDay, IspDuration, IspRange};
use tieline_uftp::message::FlexMessage;
use tieline_uftp::value::TimeZoneName;
use tieline_uftp::{RejectionReason, value};

use crate::market::Window;

/// The common attributes of a message about `window`.
pub(super) fn flex_message(
    window: &Window,
    calendar: &IspCalendar,
) -> Result<FlexMessage, value::InvalidTimeZoneName> {
    let zone: TimeZoneName = calendar.zone_name().unwrap_or_default().parse()?;
    Ok(FlexMessage {
        isp_duration: calendar.isp_duration(),
        time_zone: zone,
        period: window.period,
        congestion_point: window.congestion_point.clone(),
    })
}

/// The day that a message is about, and everything that is wrong with the ISPs it names.
pub(super) fn day(
    message: &FlexMessage,
    isps: impl IntoIterator<Item = IspRange>,
    calendar: &IspCalendar,
    wrong: &mut Vec<RejectionReason>,
) -> Option<IspDay> {
    let day = local_day(message.isp_duration, &message.time_zone, message.period, calendar);
    let day = day.map_err(|reason| wrong.push(reason)).ok()?;
    check_isps(&day, isps, wrong).then_some(day)
}

/// The day that a message is about, if it is one of the market's days.
pub(super) fn local_day(
    isp_duration: IspDuration,
    time_zone: &TimeZoneName,
    period: Date,
    calendar: &IspCalendar,
) -> Result<IspDay, RejectionReason> {
    if isp_duration != calendar.isp_duration() {
        return Err(RejectionReason::IspDurationRejected);
    }
    if !same_offset(isp_duration, time_zone, period, calendar) {
        return Err(RejectionReason::TimeZoneRejected);
    }
    calendar.day(period).map_err(|_| RejectionReason::PeriodOutOfBounds)
}

/// Whether all ISPs are in the day; those that are named twice are wrong, too.
pub(super) fn check_isps(
    day: &IspDay,
    isps: impl IntoIterator<Item = IspRange>,
    wrong: &mut Vec<RejectionReason>,
) -> bool {
    let mut named: Vec<IspRange> = isps.into_iter().collect();
    named.sort_unstable_by_key(|range| range.start());
    if named.iter().any(|range| day.range(*range).is_err()) {
        wrong.push(RejectionReason::IspsOutOfBounds);
        return false;
    }
    if named.windows(2).any(|pair| pair[0].overlaps(pair[1])) {
        wrong.push(RejectionReason::IspConflict);
    }
    true
}

/// "TimeZone rejected" is about the offset, not the name: any zone will do whose day is the same.
fn same_offset(
    isp_duration: IspDuration,
    time_zone: &TimeZoneName,
    period: Date,
    calendar: &IspCalendar,
) -> bool {
    let Ok(zone) = jiff::tz::TimeZone::get(time_zone.as_str()) else { return false };
    let theirs = IspCalendar::new(zone, isp_duration).day(period);
    let ours = calendar.day(period);
    match (theirs, ours) {
        (Ok(theirs), Ok(ours)) => theirs.span() == ours.span(),
        _ => false,
    }
}
