//! Messages recorded from library-python: our bytes are its bytes.

use tieline_uftp::{Limits, MessageType, Role, SignedMessage, Tolerance, Version, parse, seal};

use crate::fixtures::{key, library_python, names, read};

const FOLDER: &str = "library-python";

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
    let mut types = std::collections::BTreeSet::new();
    for name in names(FOLDER) {
        let document = read(FOLDER, &format!("{name}.xml"));
        let payload = parse(&document, &library_python()).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(String::from_utf8(payload.to_xml()), String::from_utf8(document), "{name}");

        let sealed = read(FOLDER, &format!("{name}.signed.xml"));
        let role = SignedMessage::parse(&sealed, &Limits::default()).unwrap().sender_role;
        assert_eq!(seal(&payload, role, &key(role)), sealed, "{name}");
        types.insert(payload.message_type());
    }
    assert_eq!(types.len(), MessageType::ALL.len(), "every message was recorded");
}

#[test]
fn the_unreleased_revision_is_read_and_written() {
    let names = names("main");
    assert_eq!(names.len(), 19);
    for name in names {
        let document = read("main", &format!("{name}.xml"));
        let payload = parse(&document, &Tolerance::STRICT).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(parse(&payload.to_xml(), &Tolerance::STRICT), Ok(payload.clone()), "{name}");
        // In that one, the recorded attributes stand in another order.
        if payload.message_type() != MessageType::TestMessageResponse {
            assert_eq!(String::from_utf8(payload.to_xml()), String::from_utf8(document), "{name}");
        }
        assert_eq!(payload.header().version, Version::V4_0_0);
        if payload.message_type().is_response() {
            assert!(payload.response().is_some(), "{name}");
        }
    }
}

#[test]
fn each_revision_refuses_the_names_of_the_other() {
    for (name, folder, attribute) in [
        ("FlexOfferResponse", FOLDER, "FlexOfferMessageID"),
        ("main-FlexOfferResponse", "main", "ReferenceMessageID"),
    ] {
        let document = String::from_utf8(read(folder, &format!("{name}.xml"))).unwrap();
        let other = if folder == "main" { "FlexOfferMessageID" } else { "ReferenceMessageID" };
        let error = parse(document.replace(attribute, other).as_bytes(), &library_python()).unwrap_err();
        assert_eq!(error.attribute_name(), Some(attribute), "{name}");
    }
}

#[test]
fn every_answer_names_what_it_answers() {
    for name in names(FOLDER) {
        let payload = parse(&read(FOLDER, &format!("{name}.xml")), &library_python()).unwrap();
        let answers = payload.message_type().is_response()
            && payload.message_type() != MessageType::TestMessageResponse;
        assert_eq!(payload.response().is_some(), answers, "{name}");
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
