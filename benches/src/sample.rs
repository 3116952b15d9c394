//! The message that is measured: a FlexRequest of 96 ISPs from a grid operator to an aggregator, as the Python
//! library writes it.

use anyhow::{Context as _, Result};
use tieline_interop::DSO_KEY;
use tieline_types::Domain;
use tieline_uftp::message::TestMessage;
use tieline_uftp::{Payload, Role, SignedMessage, SigningKey, Tolerance, VerifyingKey};
use uuid::Uuid;

/// The payload.
pub const PAYLOAD: &[u8] =
    include_bytes!("../../crates/uftp/tests/fixtures/library-python/FlexRequest-96isp.xml");
/// The payload in its signed envelope.
pub const ENVELOPE: &[u8] =
    include_bytes!("../../crates/uftp/tests/fixtures/library-python/FlexRequest-96isp.signed.xml");

/// Who sends it.
pub const SENDER: &str = "dso.example.com";
/// Whom it is for.
pub const RECIPIENT: &str = "agr.example.com";

/// The sender's key.
pub fn signing_key() -> SigningKey {
    DSO_KEY.secret.parse().expect("the published test key is a key")
}

/// What its signatures are checked with.
pub fn verifying_key() -> VerifyingKey {
    DSO_KEY.public.parse().expect("the published test key is a key")
}

/// The message.
pub fn message() -> Payload {
    tieline_uftp::parse(PAYLOAD, &Tolerance::STRICT).expect("the fixture is valid")
}

/// A small message from the same sender: a TestMessage.
pub fn small() -> Vec<u8> {
    let header = message().header().clone();
    Payload::from(TestMessage { header }).to_xml()
}

/// A message of the sender's under other identifiers, each in its signed envelope.
pub fn distinct_envelopes(payload: &[u8], count: usize) -> Result<Vec<Vec<u8>>> {
    let message = tieline_uftp::parse(payload, &Tolerance::STRICT).context("the payload")?;
    let payload = std::str::from_utf8(payload)?;
    let header = message.header();
    let (message_id, conversation_id) = (header.message_id.to_string(), header.conversation_id.to_string());
    let sender: Domain = SENDER.parse().context("the sender's domain")?;
    let key = signing_key();
    let envelope = |_| {
        let payload = payload
            .replace(&message_id, &Uuid::new_v4().to_string())
            .replace(&conversation_id, &Uuid::new_v4().to_string());
        SignedMessage::seal(sender.clone(), Role::Dso, payload.as_bytes(), &key).to_xml()
    };
    Ok((0..count).map(envelope).collect())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use tieline_uftp::Limits;

    use super::*;

    #[test]
    fn envelopes_are_signed_and_distinct() {
        let ids: BTreeSet<String> = distinct_envelopes(PAYLOAD, 3)
            .unwrap()
            .iter()
            .map(|envelope| {
                let signed = SignedMessage::parse(envelope, &Limits::default()).unwrap();
                let payload = signed.open(&[verifying_key()]).unwrap();
                let payload = tieline_uftp::parse(payload, &Tolerance::STRICT).unwrap();
                format!("{} {}", payload.header().message_id, payload.header().conversation_id)
            })
            .collect();
        assert_eq!(ids.len(), 3);
    }
}
