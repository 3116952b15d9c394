//! Log lines for what the engine answers or ignores by itself, with the fields of the service layer's `Trace`.

use ocpp_kit::engine::ProtocolViolation;
use ocpp_kit::rpc::Frame;

use super::Peer;

/// An answer that the engine made without asking a handler.
pub(super) fn answer(peer: &Peer, text: &str) {
    // Our own frame, so it parses.
    let Ok(Frame::CallError { id, error } | Frame::CallResultError { id, error }) =
        Frame::parse(text, peer.version())
    else {
        return;
    };
    tracing::warn!(
        protocol = "ocpp",
        peer = %peer,
        message_id = id.as_str(),
        outcome = "refused",
        code = error.code.as_wire(peer.version()),
        cause = %error.description,
        "a message was refused before it reached a handler"
    );
}

/// A rule that the peer broke.
pub(super) fn violation(peer: &Peer, violation: &ProtocolViolation) {
    use ProtocolViolation as V;
    let (cause, message_id) = match violation {
        V::UnexpectedResponse { id } => ("an answer to nothing that is outstanding".into(), Some(id)),
        V::UnknownMessageType { number } => (format!("unknown message type {}", shortened(number)), None),
        V::ConcurrentCall { id } => {
            tracing::debug!(protocol = "ocpp", peer = %peer, message_id = id.as_str(), "a concurrent call");
            return;
        }
        V::WrongMessageKind { action, received } => (format!("{action} is no {received:?}"), None),
        V::WrongDirection { action } => (format!("{action} goes the other way"), None),
        V::NonConformingMessageId { id } => ("a message id of more than 36 characters".into(), Some(id)),
        V::DuplicateMessageId { id } => ("a message id that is still in use".into(), Some(id)),
        V::TooManyPeerRequests { id } => ("too many concurrent calls".into(), Some(id)),
        V::MalformedFrame { error } => (error.to_string(), None),
        other => (format!("{other:?}"), None),
    };
    let message_id = message_id.map(|id| shortened(id.as_str()));
    tracing::warn!(protocol = "ocpp", peer = %peer, message_id, cause, "the peer broke a rule");
}

/// What the peer wrote, cut so that it cannot fill the log.
pub(super) fn shortened(text: &str) -> &str {
    text.char_indices().nth(64).map_or(text, |(end, _)| &text[..end])
}
