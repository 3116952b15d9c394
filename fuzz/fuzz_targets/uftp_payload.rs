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
    }
    // What is valid is forgiven nothing: it reads the same, but for blanks around a text.
    if let Ok(strict) = parse(document, &Tolerance::STRICT) {
        let lenient = Tolerance { surrounding_whitespace: false, ..Tolerance::LENIENT };
        assert_eq!(parse(document, &lenient), Ok(strict));
    }
});
