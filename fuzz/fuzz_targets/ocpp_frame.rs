//! A frame is refused with a short error, or it is written to something that reads the same.
//!
//! Seeds: the texts in `crates/ocpp/tests/it/damage.rs`.
#![no_main]

#[path = "../../crates/ocpp/tests/it/check_frame.rs"]
mod check_frame;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| check_frame::check(text));
