//! An envelope is refused, or what is read of it is written to something that reads the same.
//!
//! Seeds: `crates/uftp/tests/fixtures/*/*.signed.xml`.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tieline_uftp::{Limits, SignedMessage};

fuzz_target!(|document: &[u8]| {
    let limits = Limits::default();
    if let Ok(envelope) = SignedMessage::parse(document, &limits) {
        assert!(envelope.open(&[]).is_err());
        assert_eq!(SignedMessage::parse(&envelope.to_xml(), &limits), Ok(envelope));
    }
});
