use std::fmt::Display;

/// Names the record of a message that was exchanged with `counterparty`.
///
/// A message's identifier is its sender's own: another party may use the same one, and its message is another message.
pub(crate) fn message_key(counterparty: impl Display, message_id: impl Display) -> String {
    format!("{counterparty} {message_id}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_identifier_of_two_parties_names_two_records() {
        assert_ne!(message_key("dso.example.com", 7), message_key("other.example.com", 7));
    }
}
