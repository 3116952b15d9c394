//! Received messages as rows of the store's inbox.

use tieline_store::{InboxEntry, Received as Row};
use tieline_types::Domain;
use tieline_uftp::{
    Limits, ParseError, Participant, Received, RejectionReason, Role, SignedMessage, Tolerance, parse,
};

use super::letter::UFTP;

pub(super) fn row(received: &Received) -> Row {
    let header = received.payload.header();
    Row {
        protocol: UFTP,
        peer: received.sender.to_string(),
        recipient: header.recipient_domain.to_string(),
        message_id: header.message_id.to_string(),
        conversation: header.conversation_id.to_string(),
        label: received.payload.message_type().as_str().to_owned(),
        raw: received.envelope.clone(),
        body: received.payload_bytes.clone(),
        note: RejectionReason::join(&received.concerns),
        received_at: received.received_at,
    }
}

/// Why a stored message can't be handled.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unreadable {
    #[error("its sender `{0}` is no participant")]
    Sender(String),
    #[error("its envelope holds no signature")]
    Unsigned,
    #[error(transparent)]
    Document(#[from] ParseError),
}

/// The message as it was when it was received.
pub(super) fn restore(entry: &InboxEntry) -> Result<Received, Unreadable> {
    let sender = participant(&entry.peer).ok_or_else(|| Unreadable::Sender(entry.peer.clone()))?;
    // Its signature was checked before it was let in; since then the journal's chain vouches for it. So was its form, by what is
    // forgiven its sender.
    let signed = SignedMessage::parse(&entry.raw, &Limits::default())?;
    let payload_bytes = signed.unverified_payload().ok_or(Unreadable::Unsigned)?;
    Ok(Received {
        payload: parse(&payload_bytes, &Tolerance::LENIENT)?,
        payload_bytes,
        envelope: entry.raw.clone(),
        sender,
        received_at: entry.received_at,
        concerns: RejectionReason::split(&entry.note),
    })
}

/// Reads what `Display` of a participant writes: role and domain.
pub(super) fn participant(text: &str) -> Option<Participant> {
    let (role, domain) = text.split_once(' ')?;
    Some(Participant { role: role.parse::<Role>().ok()?, domain: domain.parse::<Domain>().ok()? })
}
