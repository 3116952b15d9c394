use tieline_service::echo::{Echo, NotUnderstood, Said, Say, Version, incoming};
use tieline_service::{BoxError, Call, Fault, Incoming, Reply, Router};
use tower::ServiceExt as _;

use crate::log::Log;
use crate::{answer, refused, text};

async fn on_say(Call(say): Call<Say>) -> Said {
    Said(say.text)
}

#[tokio::test]
async fn a_panic_is_answered_and_logged() {
    async fn panics(Call(say): Call<Say>) -> Said {
        tokio::task::yield_now().await;
        panic!("no {}", say.text)
    }
    let log = Log::capture();
    let service = Router::<Echo>::new().on(panics).into_service();
    assert_eq!(answer(&service, "Say", "pasarán").await, refused("Internal", ""));
    let line = log.line_with("the handler panicked: no pasarán");
    for part in ["ERROR", "protocol=\"echo\"", "peer=narcissus", "action=Say", "message_id=7"] {
        assert!(line.contains(part), "{part} is not in {line}");
    }
}

#[tokio::test]
async fn a_handler_that_panics_before_its_future_is_answered() {
    fn panics(_: Call<Say>) -> std::future::Ready<Said> {
        panic!("at once")
    }
    let service = Router::<Echo>::new().on(panics).into_service();
    assert_eq!(answer(&service, "Say", "hello").await, refused("Internal", ""));
}

#[tokio::test]
async fn a_layer_that_panics_is_answered() {
    let panics =
        tower::util::MapRequestLayer::new(|_: Incoming<Echo>| -> Incoming<Echo> { panic!("in the layer") });
    let service = Router::<Echo>::new().on(on_say).layer(panics).into_service();
    assert_eq!(answer(&service, "Say", "hello").await, refused("Internal", ""));
    assert_eq!(answer(&service, "Hum", "hello").await, refused("Internal", ""));
}

#[tokio::test]
async fn a_service_may_return_a_fault() {
    let failing =
        tower::service_fn(|_: Incoming<Echo>| async { Err::<Reply<Echo>, _>(Fault::<Echo>::TimedOut) });
    let boxed = failing.map_err(BoxError::from);
    let service = Router::<Echo>::new().route("Plain", failing).route("Boxed", boxed).into_service();
    assert_eq!(answer(&service, "Plain", "").await, refused("TimedOut", ""));
    assert_eq!(answer(&service, "Boxed", "").await, refused("TimedOut", ""));
}

#[tokio::test]
async fn a_fault_names_its_culprit() {
    let undecodable = Fault::<Echo>::Undecodable(NotUnderstood("mumbling"));
    assert!(undecodable.is_by_peer() && !undecodable.is_retryable());
    assert_eq!(undecodable.cause_ref::<NotUnderstood>(), Some(&NotUnderstood("mumbling")));
    let failed = Fault::<Echo>::Failed(Box::new(NotUnderstood("mumbling")));
    assert!(!failed.is_by_peer() && failed.is_retryable());
    assert_eq!(failed.cause_ref::<NotUnderstood>(), Some(&NotUnderstood("mumbling")));
    assert_eq!(failed.cause_ref::<std::io::Error>().map(ToString::to_string), None);
    let missing = Fault::<Echo>::missing::<u32>();
    assert!(!missing.is_by_peer() && !missing.is_retryable());
    assert_eq!(missing.to_string(), "the request carries no u32");
}

#[tokio::test]
async fn an_unknown_action_is_logged_on_one_line() {
    let log = Log::capture();
    let service = Router::<Echo>::new().on(on_say).into_service();
    assert_eq!(answer(&service, "Fake\nline", "").await, refused("UnknownAction", "Fake\nline"));
    let line = log.line_with("no handler serves this action");
    assert!(line.contains("WARN") && line.contains("action=Fake\\nline"), "{line}");
}

#[tokio::test]
async fn a_reply_future_is_a_future_of_a_service() {
    let service = Router::<Echo>::new().on(on_say).into_service();
    let Ok(reply) = service.serve(incoming(Version::One, "Say", "hello")).await;
    assert_eq!(reply.answer, text("hello"));
}
