//! `TestMessageResponse`: any role to any other.

use crate::Header;
use crate::message::{Response, Root, Wire};
use crate::value::MessageId;
use crate::xml::{ParseError, XmlWriter};

/// The answer to a TestMessage. In 3.x it says nothing but its header: the ConversationID tells which message it answers.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct TestMessageResponse {
    /// The attributes of every message.
    pub header: Header,
    /// `Result` and `RejectionReason`, which no 3.x schema has. Read in 3.x only from a peer to which
    /// [`result_on_test_message_response`](crate::Tolerance::result_on_test_message_response) applies; for a peer
    /// that takes any other form as an error, it can be written. `None` is the valid form of 3.x; the unreleased revision
    /// demands it, and has `Accepted` written for `None`.
    pub response: Option<Response>,
    /// `ReferenceMessageID`: the `MessageID` of the TestMessage, in the unreleased revision; left out in 3.x.
    pub reference_message_id: Option<MessageId>,
}

impl Wire for TestMessageResponse {
    fn read(header: Header, root: &mut Root<'_, '_>) -> Result<Self, ParseError> {
        if root.revision.test_message_is_answered_in_full {
            let response = Some(Response::read(root)?);
            let reference_message_id = Some(root.reference("ReferenceMessageID")?);
            root.finish()?;
            return Ok(Self { header, response, reference_message_id });
        }
        let mut response = None;
        if root.reader.tolerance().result_on_test_message_response
            && let Some(result) = root.optional("Result")?
        {
            response = Some(Response { result, rejection_reason: root.optional("RejectionReason")? });
        }
        root.finish()?;
        Ok(Self { header, response, reference_message_id: None })
    }

    fn write(&self, writer: &mut XmlWriter) {
        writer.open("TestMessageResponse");
        self.header.write(writer);
        if self.header.revision().test_message_is_answered_in_full {
            self.response.as_ref().unwrap_or(&Response::ACCEPTED).write(writer);
            writer.optional("ReferenceMessageID", self.reference_message_id.as_ref());
        } else if let Some(response) = &self.response {
            response.write(writer);
        }
        writer.close_empty();
    }
}
