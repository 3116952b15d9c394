//! A payload is refused, or the message is written to something that reads the same.
//!
//! Seeds: the payloads in `crates/uftp/tests/fixtures`.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tieline_uftp::{Tolerance, parse};

fuzz_target!(|document: &[u8]| {
    if let Ok(payload) = parse(document, &Tolerance::LENIENT) {
        let written = payload.to_xml();
        assert_eq!(parse(&written, &Tolerance::LENIENT).as_ref(), Ok(&payload));
        // What is strict is lenient too, and reads the same.
        if let Ok(strict) = parse(document, &Tolerance::STRICT) {
            assert_eq!(strict, payload);
        }
    }
});
