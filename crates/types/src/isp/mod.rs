//! Imbalance settlement periods: how long one is, its number, and its place in a local day.
//!
//! UFTP numbers the ISPs of a `Period` (a calendar day of a time zone) from 1. The instant at which ISP *n* starts is
//! the instant at which the local day starts plus (*n* − 1) durations: the sum is made on instants, not on the local clock.
//! So a day of 15-minute ISPs has 96 of them, 92 when clocks go forward an hour, 100 when they go back.

mod calendar;
mod day;
mod duration;
mod error;
mod number;
mod range;

pub use calendar::IspCalendar;
pub use day::{IspDay, Isps};
pub use duration::IspDuration;
pub use error::IspError;
pub use number::IspNumber;
pub use range::{IspRange, IspRangeIter};
