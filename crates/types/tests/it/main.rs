//! The public face of tieline-types against the time zone database and against UFTP's rules.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod isp_calendar;
mod names;
mod serde_forms;
