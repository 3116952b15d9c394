//! The messages between any two roles (`UFTP-common.xsd`).

mod test_message;
mod test_message_response;

pub use test_message::TestMessage;
pub use test_message_response::TestMessageResponse;
