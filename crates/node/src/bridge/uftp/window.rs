//! What the messages about ISPs of a day have in common.

use tieline_types::{IspCalendar, IspDay, IspRange};
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
    if message.isp_duration != calendar.isp_duration() {
        wrong.push(RejectionReason::IspDurationRejected);
        return None;
    }
    if !same_offset(message, calendar) {
        wrong.push(RejectionReason::TimeZoneRejected);
        return None;
    }
    let Ok(day) = calendar.day(message.period) else {
        wrong.push(RejectionReason::PeriodOutOfBounds);
        return None;
    };
    let mut named: Vec<IspRange> = isps.into_iter().collect();
    named.sort_unstable_by_key(|range| range.start());
    if named.iter().any(|range| day.range(*range).is_err()) {
        wrong.push(RejectionReason::IspsOutOfBounds);
        return None;
    }
    if named.windows(2).any(|pair| pair[0].overlaps(pair[1])) {
        wrong.push(RejectionReason::IspConflict);
    }
    Some(day)
}

/// "TimeZone rejected" is about the offset, not the name: any zone will do whose day is the same.
fn same_offset(message: &FlexMessage, calendar: &IspCalendar) -> bool {
    let Ok(zone) = jiff::tz::TimeZone::get(message.time_zone.as_str()) else { return false };
    let theirs = IspCalendar::new(zone, message.isp_duration).day(message.period);
    let ours = calendar.day(message.period);
    match (theirs, ours) {
        (Ok(theirs), Ok(ours)) => theirs.span() == ours.span(),
        _ => false,
    }
}
