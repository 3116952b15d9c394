//! A payload is refused, or the message is written to something that reads the same.
//!
//! Seeds: the payloads in `crates/uftp/tests/fixtures`.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tieline_uftp::{Tolerance, parse};

/// Later attributes are read where they are forgiven, and left out when the message is written in its own version.
const WRITTEN_BACK: Tolerance = Tolerance { later_attributes: false, ..Tolerance::LENIENT };

fuzz_target!(|document: &[u8]| {
    let lenient = parse(document, &Tolerance::LENIENT);
    if let Ok(payload) = parse(document, &WRITTEN_BACK) {
        assert_eq!(parse(&payload.to_xml(), &WRITTEN_BACK).as_ref(), Ok(&payload));
        assert_eq!(lenient, Ok(payload));
    }
    // What is valid is forgiven nothing: it reads the same, but for blanks around a text.
    if let Ok(strict) = parse(document, &Tolerance::STRICT) {
        let with_blanks = Tolerance { surrounding_whitespace: false, ..Tolerance::LENIENT };
        assert_eq!(parse(document, &with_blanks), Ok(strict));
    }
});
