//! What is wrong with a valid message from a known sender: who sent it to whom.

use std::fmt;

use tieline_types::Domain;

use crate::{Payload, RejectionReason, Revision, Role, Tolerance};

/// A participant: a role in a domain.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Participant {
    /// The role.
    pub role: Role,
    /// The domain.
    pub domain: Domain,
}

impl fmt::Display for Participant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.role, self.domain)
    }
}

/// Why `payload`, in an envelope that `sender` has signed, is to be rejected by the participants `own`, before
/// anybody looks at what it asks; `tolerance` is what is forgiven the sender. Empty if nothing is wrong.
///
/// The transport has said 200 to such a message; the rejection is a message of its own. An unknown `Version` is
/// among the reasons, since a valid message may state one.
pub fn concerns(
    payload: &Payload,
    sender: &Participant,
    own: &[Participant],
    tolerance: &Tolerance,
) -> Vec<RejectionReason> {
    let mut reasons = Vec::new();
    let version = payload.header().version;
    let spoken = |revision: &Revision| !revision.unreleased || tolerance.unreleased_revision;
    if !Revision::of(version).is_some_and(spoken) {
        reasons.push(RejectionReason::UnsupportedVersion(version));
    }
    if *payload.sender() != sender.domain {
        reasons.push(RejectionReason::InvalidSender);
    }
    let mut recipients = own.iter().filter(|own| own.domain == *payload.recipient()).peekable();
    if recipients.peek().is_none() {
        reasons.push(RejectionReason::UnknownRecipient);
    } else if !recipients.any(|own| payload.message_type().may_go(sender.role, own.role)) {
        let of_its_role = [Role::Agr, Role::Cro, Role::Dso]
            .into_iter()
            .any(|recipient| payload.message_type().may_go(sender.role, recipient));
        // A message that its sender may send, but not to us; or one that its role does not send at all.
        let reason =
            if of_its_role { RejectionReason::InvalidMessage } else { RejectionReason::InvalidSender };
        if !reasons.contains(&reason) {
            reasons.push(reason);
        }
    }
    reasons
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::TestMessage;
    use crate::{Header, Version};

    fn participant(role: Role, domain: &str) -> Participant {
        Participant { role, domain: domain.parse().unwrap() }
    }

    fn test_message(version: &str, sender: &str, recipient: &str) -> Payload {
        let header = Header {
            version: version.parse::<Version>().unwrap(),
            sender_domain: sender.parse().unwrap(),
            recipient_domain: recipient.parse().unwrap(),
            time_stamp: "2026-06-03T14:30:00+00:00".parse().unwrap(),
            message_id: "e8f6e2b3-0418-49ba-8e5b-56d1da8abf9a".parse().unwrap(),
            conversation_id: "b24e9760-2919-43ee-8c16-833c977f976f".parse().unwrap(),
        };
        TestMessage { header }.into()
    }

    #[test]
    fn names_everything_that_is_wrong() {
        use RejectionReason as R;
        let (dso, own) = (participant(Role::Dso, "dso.nl"), [participant(Role::Agr, "agr.nl")]);
        let wrong = |payload: Payload| concerns(&payload, &dso, &own, &Tolerance::STRICT);

        assert_eq!(wrong(test_message("3.0.0", "dso.nl", "agr.nl")), []);
        assert_eq!(wrong(test_message("3.0.0", "fake.nl", "agr.nl")), [R::InvalidSender]);
        assert_eq!(wrong(test_message("3.0.0", "dso.nl", "other.nl")), [R::UnknownRecipient]);
        let version = Version { major: 9, minor: 9, patch: 9 };
        assert_eq!(
            wrong(test_message("9.9.9", "fake.nl", "other.nl")),
            [R::UnsupportedVersion(version), R::InvalidSender, R::UnknownRecipient]
        );
    }

    #[test]
    fn the_unreleased_revision_is_spoken_with_those_whose_settings_say_so() {
        let (dso, own) = (participant(Role::Dso, "dso.nl"), [participant(Role::Agr, "agr.nl")]);
        let message = test_message("4.0.0", "dso.nl", "agr.nl");
        let unsupported = RejectionReason::UnsupportedVersion(Version::V4_0_0);
        assert_eq!(concerns(&message, &dso, &own, &Tolerance::STRICT), [unsupported]);
        let tolerance = Tolerance { unreleased_revision: true, ..Tolerance::STRICT };
        assert_eq!(concerns(&message, &dso, &own, &tolerance), []);
    }

    #[test]
    fn a_role_sends_its_own_messages_to_their_recipients() {
        let message = test_message("3.1.0", "a.nl", "b.nl");
        let own = [participant(Role::Agr, "b.nl")];
        // Between equals there are no messages.
        assert_eq!(
            concerns(&message, &participant(Role::Agr, "a.nl"), &own, &Tolerance::STRICT),
            [RejectionReason::InvalidMessage]
        );
    }
}
