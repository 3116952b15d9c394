//! `TestMessageResponse`: any role to any other.

use crate::Header;
use crate::message::{Response, Root, Wire};
use crate::xml::{ParseError, XmlWriter};

/// The answer to a TestMessage. It says nothing but its header: the ConversationID tells which message it answers.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct TestMessageResponse {
    /// The attributes of every message.
    pub header: Header,
    /// `Result` and `RejectionReason`, which no 3.x schema has. Read only from a peer to which
    /// [`result_on_test_message_response`](crate::Tolerance::result_on_test_message_response) applies; for a peer
    /// that takes any other form as an error, it can be written. `None` is the valid form.
    pub response: Option<Response>,
}

impl Wire for TestMessageResponse {
    fn read(header: Header, root: &mut Root<'_, '_>) -> Result<Self, ParseError> {
        let mut response = None;
        if root.reader.tolerance().result_on_test_message_response
            && let Some(result) = root.optional("Result")?
        {
            response = Some(Response { result, rejection_reason: root.optional("RejectionReason")? });
        }
        root.finish()?;
        Ok(Self { header, response })
    }

    fn write(&self, writer: &mut XmlWriter) {
        writer.open("TestMessageResponse");
        self.header.write(writer);
        if let Some(response) = &self.response {
            response.write(writer);
        }
        writer.close_empty();
    }
}
