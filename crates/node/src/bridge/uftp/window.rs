//! What the messages about ISPs of a day have in common.

use tieline_store::StoreError;
use tieline_types::{IspCalendar, IspRange, TimeSpan};
use tieline_uftp::message::FlexMessage;
use tieline_uftp::value;
use tieline_uftp::value::TimeZoneName;

use super::unreadable;
use crate::market::{Window, hull};

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

/// Where and when a message trades.
pub(super) fn window(flex: &FlexMessage) -> Window {
    Window { congestion_point: flex.congestion_point.clone(), period: flex.period }
}

/// From the start of the earliest of these ISPs of a message's day to the end of the latest.
pub(super) fn span(
    flex: &FlexMessage,
    isps: impl IntoIterator<Item = IspRange>,
    calendar: &IspCalendar,
) -> Result<TimeSpan, StoreError> {
    let day = calendar.day(flex.period).map_err(|cause| unreadable(&cause))?;
    let span = hull(&day, isps).map_err(|cause| unreadable(&cause))?;
    span.ok_or_else(|| unreadable(&"it names no ISP"))
}
