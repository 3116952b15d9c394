//! A message that has come in.

use bytes::Bytes;
use jiff::Timestamp;

use crate::value::{DateTime, MessageId};
use crate::{Header, Participant, Payload, Rejected, RejectionReason, Revision};

/// A message that was received: its signature fits its sender, and it is valid by its schema.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    /// The envelope, byte for byte: what proves who sent it.
    pub envelope: Bytes,
    /// The payload, byte for byte: what tells whether two messages are the same.
    pub payload_bytes: Bytes,
    /// The payload.
    pub payload: Payload,
    /// Who has signed it.
    pub sender: Participant,
    /// When it arrived.
    pub received_at: Timestamp,
    /// Why it is to be rejected without a look at what it asks: what [`concerns`](crate::concerns) found. Mostly
    /// empty.
    pub concerns: Vec<RejectionReason>,
}

impl Received {
    /// The rejection that the [`concerns`](Self::concerns) demand, if there are any.
    pub fn rejection(&self) -> Option<Rejected> {
        Rejected::for_any(self.concerns.iter().cloned())
    }

    /// The header of an answer from the participant `own`. It goes to the one who has signed the message, whoever
    /// the message says has sent it. A version that is not spoken with him is answered in the newest that is.
    pub fn reply_header(&self, own: &Participant, message_id: MessageId, time_stamp: DateTime) -> Header {
        let reply = Header::reply_to(self.payload.header(), message_id, time_stamp);
        let unspoken = |reason: &RejectionReason| matches!(reason, RejectionReason::UnsupportedVersion(_));
        let version =
            if self.concerns.iter().any(unspoken) { Revision::LATEST.version } else { reply.version };
        Header {
            version,
            sender_domain: own.domain.clone(),
            recipient_domain: self.sender.domain.clone(),
            ..reply
        }
    }
}
