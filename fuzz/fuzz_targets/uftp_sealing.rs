//! What was sealed opens to the same bytes with its key and with no other; what comes from anybody else does not open.
//!
//! Seeds: `crates/uftp/tests/fixtures/*/*.xml`.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tieline_uftp::{Limits, Role, SignedMessage, SigningKey};

fuzz_target!(|bytes: &[u8]| {
    let key = SigningKey::from_seed(&[7; 32]);
    let own = [key.verifying_key()];
    let other = [SigningKey::from_seed(&[8; 32]).verifying_key()];
    let domain = "agr.example.com".parse().expect("it is a domain");

    let sealed = SignedMessage::seal(domain, Role::Agr, bytes, &key);
    assert_eq!(sealed.open(&own), Ok(bytes));
    assert!(sealed.open(&other).is_err());

    let limits = Limits { envelope_bytes: usize::MAX, ..Limits::default() };
    let read = SignedMessage::parse(&sealed.to_xml(), &limits).expect("what is written reads back");
    assert_eq!(read, sealed);
    assert_eq!(read.open(&own), Ok(bytes));

    // The same bytes as an envelope that anybody has made. None of the recorded ones is sealed with this key.
    if let Ok(envelope) = SignedMessage::parse(bytes, &limits) {
        assert!(envelope.open(&own).is_err());
    }
});
