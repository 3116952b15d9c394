//! The values that every part of Tieline shares: instants and the [`Clock`], ISPs, quantities and names.
//!
//! Everything here is a plain value. There is no IO, no runtime and no hidden clock: time is an argument.
//! A value that exists is valid, since each type has one checked way in: a constructor, [`FromStr`](std::str::FromStr)
//! or serde, all with the same rule. Arithmetic is checked; nothing wraps or saturates unless its name says so.
//!
//! - [`isp`]: [`IspDuration`], [`IspNumber`], [`IspRange`] and the [`IspCalendar`] that places ISPs in a local day.
//! - [`quantity`]: [`Power`] in watts, [`Energy`] in watt-seconds, [`Price`] as an [`Amount`] in a [`Currency`].
//! - [`Domain`] and [`EntityAddress`]: how UFTP names participants, connections and congestion points.
//! - [`TimeSpan`]: two instants, half open.
//! - [`Clock`], [`Busy`], which tells it that work is under way, and, for tests, [`ManualClock`].
//!
//! An error from this crate says that a value is wrong. The same call will fail again, so none is worth a retry.

#![forbid(unsafe_code)]

mod clock;
mod domain;
mod entity_address;
pub mod isp;
mod parse_error;
pub mod quantity;
mod text;
mod time_span;

pub use clock::{Busy, Clock, ManualClock, Still, Stillness, WaitUntil};
pub use domain::Domain;
pub use entity_address::{Ea1, EntityAddress};
pub use isp::{IspCalendar, IspDay, IspDuration, IspError, IspNumber, IspRange};
pub use parse_error::ParseError;
pub use quantity::{Amount, Currency, Energy, Power, Price, QuantityError};
pub use time_span::TimeSpan;
