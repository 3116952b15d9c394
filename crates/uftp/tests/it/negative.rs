//! Bad messages: what this layer decides, and what it leaves to the rules.

use tieline_uftp::{Limits, Role, SignedMessage, Tolerance, parse};

use crate::fixtures::{key, names, read};

const FOLDER: &str = "negative";

/// The HTTP status that the envelope and the payload alone lead to.
fn status(name: &str) -> u16 {
    let document = read(FOLDER, &format!("{name}.signed.xml"));
    let Ok(envelope) = SignedMessage::parse(&document, &Limits::default()) else { return 400 };
    if envelope.sender_domain.as_str() != "dso.example.com" {
        return 419;
    }
    let Ok(payload) = envelope.open(&[key(Role::Dso).verifying_key()]) else { return 401 };
    if parse(payload, &Tolerance::STRICT).is_ok() { 200 } else { 400 }
}

#[test]
fn each_gets_the_status_of_the_standard() {
    let expected: serde_json::Value = serde_json::from_slice(&read(FOLDER, "expected.json")).unwrap();
    let expected = expected.as_array().unwrap();
    assert_eq!(expected.len(), names(FOLDER).len());
    for entry in expected {
        let (name, spec) = (entry["name"].as_str().unwrap(), entry["spec"].as_str().unwrap());
        let wanted = match spec.strip_prefix("HTTP ") {
            Some(code) => code[..3].parse().unwrap(),
            // The message is valid by its schema; what is wrong is for a rejection.
            None => 200,
        };
        assert_eq!(status(name), wanted, "{name}: {spec}");
    }
}
