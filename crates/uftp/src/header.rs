//! What every message says of itself.

use tieline_types::Domain;

use crate::value::{ConversationId, DateTime, MessageId};
use crate::xml::{Attributes, ParseError, XmlWriter};
use crate::{Revision, Version};

/// The attributes that every message has (`PayloadMessageType`).
///
/// The sender's role is not among them: it stands in the envelope, and [`SignedMessage`](crate::SignedMessage)
/// binds it to a key.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Header {
    /// `Version`: the revision of the standard that the sender used.
    pub version: Version,
    /// `SenderDomain`: who sent the message; equal to the envelope's, or the message is to be rejected.
    pub sender_domain: Domain,
    /// `RecipientDomain`: whom it is meant for. It is signed; the recipient's role stands nowhere.
    pub recipient_domain: Domain,
    /// `TimeStamp`: when the message was created.
    pub time_stamp: DateTime,
    /// `MessageID`: new for each message, the same in each attempt to send it.
    pub message_id: MessageId,
    /// `ConversationID`: made with the first message of a conversation and copied into every answer.
    pub conversation_id: ConversationId,
}

impl Header {
    /// The header of an answer to the message that has the header `to`: same version and conversation, sender and
    /// recipient exchanged.
    ///
    /// A version that is not spoken here is answered in the newest that is.
    ///
    /// ```
    /// use tieline_uftp::{Header, Version};
    ///
    /// let request = Header {
    ///     version: Version::V3_0_0,
    ///     sender_domain: "dso.example.com".parse()?,
    ///     recipient_domain: "agr.example.com".parse()?,
    ///     time_stamp: "2026-06-03T14:30:00+00:00".parse()?,
    ///     message_id: "8a8e7728-1c41-43d1-8d35-b9e20d1f339c".parse()?,
    ///     conversation_id: "b24e9760-2919-43ee-8c16-833c977f976f".parse()?,
    /// };
    /// let answer = Header::reply_to(
    ///     &request,
    ///     "e5cf16ff-fe17-4a57-8c3c-d068f59030e5".parse()?,
    ///     "2026-06-03T14:30:05+00:00".parse()?,
    /// );
    /// assert_eq!(answer.recipient_domain, request.sender_domain);
    /// assert_eq!(answer.conversation_id, request.conversation_id);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn reply_to(to: &Self, message_id: MessageId, time_stamp: DateTime) -> Self {
        Self {
            version: if Revision::of(to.version).is_some() { to.version } else { Revision::LATEST.version },
            sender_domain: to.recipient_domain.clone(),
            recipient_domain: to.sender_domain.clone(),
            time_stamp,
            message_id,
            conversation_id: to.conversation_id,
        }
    }

    /// The rules of the header's version, or those of the newest revision if the version is not spoken here.
    pub fn revision(&self) -> &'static Revision {
        Revision::of(self.version).unwrap_or(&Revision::LATEST)
    }

    pub(crate) fn read(attributes: &mut Attributes<'_>) -> Result<Self, ParseError> {
        Ok(Self {
            version: attributes.required("Version")?,
            sender_domain: attributes.required("SenderDomain")?,
            recipient_domain: attributes.required("RecipientDomain")?,
            time_stamp: attributes.required("TimeStamp")?,
            message_id: attributes.required("MessageID")?,
            conversation_id: attributes.required("ConversationID")?,
        })
    }

    pub(crate) fn write(&self, writer: &mut XmlWriter) {
        writer.attribute("Version", &self.version);
        writer.attribute("SenderDomain", &self.sender_domain);
        writer.attribute("RecipientDomain", &self.recipient_domain);
        writer.attribute("TimeStamp", &self.time_stamp);
        writer.attribute("MessageID", &self.message_id);
        writer.attribute("ConversationID", &self.conversation_id);
    }
}
