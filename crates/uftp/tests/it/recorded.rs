//! Messages recorded from library-python: our bytes are its bytes.

use tieline_uftp::{Limits, MessageType, ParseErrorKind, Role, SignedMessage, parse, seal};

use crate::fixtures::{key, library_python, names, read};

const FOLDER: &str = "library-python";

fn is_known(name: &str) -> bool {
    let root = name.split_once('-').map_or(name, |(root, _)| if root == "D" { name } else { root });
    root.parse::<MessageType>().is_ok()
}

#[test]
fn every_envelope_opens_with_its_key_and_no_other() {
    let names = names(FOLDER);
    assert_eq!(names.len(), 41);
    for name in names {
        let document = read(FOLDER, &format!("{name}.signed.xml"));
        let envelope = SignedMessage::parse(&document, &Limits::default()).unwrap();
        assert_eq!(envelope.to_xml(), document, "{name}");
        for role in [Role::Agr, Role::Cro, Role::Dso] {
            let opened = envelope.open(&[key(role).verifying_key()]);
            if role == envelope.sender_role {
                assert_eq!(opened.unwrap(), read(FOLDER, &format!("{name}.xml")), "{name}");
            } else {
                assert!(opened.is_err(), "{name}");
            }
        }
    }
}

#[test]
fn payloads_are_written_and_sealed_to_the_same_bytes() {
    let known: Vec<String> = names(FOLDER).into_iter().filter(|name| is_known(name)).collect();
    assert_eq!(known.len(), 27);
    for name in known {
        let document = read(FOLDER, &format!("{name}.xml"));
        let payload = parse(&document, &library_python()).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(String::from_utf8(payload.to_xml()), String::from_utf8(document), "{name}");

        let sealed = read(FOLDER, &format!("{name}.signed.xml"));
        let role = SignedMessage::parse(&sealed, &Limits::default()).unwrap().sender_role;
        assert_eq!(seal(&payload, role, &key(role)), sealed, "{name}");
    }
}

#[test]
fn other_messages_are_called_unknown() {
    let others: Vec<String> = names(FOLDER).into_iter().filter(|name| !is_known(name)).collect();
    assert_eq!(others.len(), 14);
    for name in others {
        let error = parse(&read(FOLDER, &format!("{name}.xml")), &library_python()).unwrap_err();
        assert_eq!(*error.kind(), ParseErrorKind::UnknownMessage, "{name}: {error}");
    }
}

#[test]
fn the_rejection_reads_back_with_all_its_characters() {
    use tieline_uftp::RejectionReason;
    use tieline_uftp::message::FlexRequestResponse;

    let document = read(FOLDER, "FlexRequestResponse-rejected.xml");
    let response: FlexRequestResponse = parse(&document, &library_python()).unwrap().try_into().unwrap();
    let text = response.response.rejection_reason.as_ref().unwrap();
    assert_eq!(*text, "ISPs out of bounds; Period out of bounds <&\"'é€");
    assert_eq!(response.response.reasons()[0], RejectionReason::IspsOutOfBounds);
}
