use tieline_uftp::Fate;
use tieline_uftp::message::{FlexRequest, TestMessage};

use super::{R, Scene, conversation, recorded, text};

#[test]
fn an_identifier_is_used_once() {
    let request: FlexRequest = recorded("FlexRequest");
    let mut other = request.clone();
    other.contract_id = Some(text("C-2"));
    let with = |fate| {
        let mut scene = Scene::new();
        scene.before(request.clone(), fate);
        scene
    };
    assert_eq!(with(Fate::Accepted).received(other.clone()), [R::DuplicateIdentifier]);
    assert_eq!(with(Fate::Rejected).sent(other), [R::DuplicateIdentifier]);
    assert_eq!(with(Fate::Accepted).received(request.clone()), [R::AlreadySubmitted]);
    assert_eq!(
        with(Fate::Open).received(request.clone()),
        [],
        "the one that is being decided is in the history"
    );
    assert_eq!(with(Fate::Accepted).sent(request.clone()), [], "to send it again is no mistake");
}

#[test]
fn a_test_message_is_always_right() {
    let mut test: TestMessage = recorded("TestMessage-AGR-DSO");
    assert_eq!(Scene::new().received(test.clone()), []);
    test.header.conversation_id = conversation(1);
    assert_eq!(Scene::new().sent(test), []);
}
