use tieline_service::echo::{Answer, Echo, Repeat, Repeated, Said, Say, Shout, Version, incoming};
use tieline_service::{Call, Head, Incoming, RouteError, Router, Routes, State};
use tower::ServiceExt as _;

use crate::{answer, refused, reply, text};

async fn on_say(Call(say): Call<Say>) -> Said {
    Said(say.text)
}

async fn on_shout(Call(shout): Call<Shout>) -> Said {
    Said(shout.text.to_uppercase())
}

async fn on_repeat(Call(repeat): Call<Repeat>) -> Repeated {
    Repeated(vec![repeat.text; repeat.times])
}

async fn on_anything(head: Head<Echo>) -> Answer {
    Answer::Text(format!("{} in {}", head.action(), head.version()))
}

#[tokio::test]
async fn a_message_reaches_the_handler_of_its_action_and_version() {
    let service = Router::<Echo>::new().on(on_say).on(on_shout).on(on_repeat).into_service();
    assert_eq!(reply(&service, Version::One, "Say", "hello").await.answer, text("hello"));
    assert_eq!(reply(&service, Version::Two, "Say", "hello").await.answer, text("hello"));
    assert_eq!(reply(&service, Version::One, "Shout", "hello").await.answer, text("HELLO"));
    assert_eq!(
        reply(&service, Version::Two, "Shout", "hello").await.answer,
        refused("UnknownAction", "Shout")
    );
    assert_eq!(reply(&service, Version::Two, "Repeat", "2 hello").await.answer, text("hello hello"));
    assert_eq!(answer(&service, "say", "hello").await, refused("UnknownAction", "say"));
}

#[tokio::test]
async fn a_router_without_routes_knows_no_action() {
    let service = Router::<Echo>::new().into_service();
    assert_eq!(answer(&service, "Say", "hello").await, refused("UnknownAction", "Say"));
}

#[tokio::test]
async fn a_route_by_name_serves_every_version() {
    let service = Router::<Echo>::new().on(on_say).route("Whistle", on_anything).into_service();
    assert_eq!(reply(&service, Version::One, "Whistle", "").await.answer, text("Whistle in 1.0"));
    assert_eq!(reply(&service, Version::Two, "Whistle", "").await.answer, text("Whistle in 2.0"));
}

#[tokio::test]
async fn a_route_by_name_can_serve_one_version() {
    let service =
        Router::<Echo>::new().on(on_shout).route_in(&[Version::Two], "Shout", on_anything).into_service();
    assert_eq!(reply(&service, Version::One, "Shout", "hello").await.answer, text("HELLO"));
    assert_eq!(reply(&service, Version::Two, "Shout", "hello").await.answer, text("Shout in 2.0"));
}

#[tokio::test]
async fn a_typed_handler_can_serve_another_name() {
    let service = Router::<Echo>::new().route("Murmur", on_say).into_service();
    assert_eq!(answer(&service, "Murmur", "hello").await, text("hello"));
}

#[tokio::test]
async fn a_service_can_be_a_route() {
    let inner = Router::<Echo>::new().route("Whistle", on_anything).into_service();
    let service = Router::<Echo>::new().route("Whistle", inner).into_service();
    assert_eq!(answer(&service, "Whistle", "").await, text("Whistle in 2.0"));
}

#[tokio::test]
async fn the_fallback_serves_what_nothing_else_does() {
    let service = Router::<Echo>::new().on(on_say).fallback(on_anything).into_service();
    assert_eq!(answer(&service, "Say", "hello").await, text("hello"));
    assert_eq!(answer(&service, "Hum", "").await, text("Hum in 2.0"));
}

#[tokio::test]
async fn merged_routers_serve_the_actions_of_both() {
    let other = Router::new().on(on_shout).fallback(on_anything);
    let service = Router::<Echo>::new().on(on_say).merge(other).into_service();
    assert_eq!(reply(&service, Version::One, "Say", "hello").await.answer, text("hello"));
    assert_eq!(reply(&service, Version::One, "Shout", "hello").await.answer, text("HELLO"));
    assert_eq!(reply(&service, Version::One, "Hum", "").await.answer, text("Hum in 1.0"));
}

#[test]
fn a_duplicate_names_both_handlers() {
    async fn another(Call(say): Call<Say>) -> Said {
        Said(say.text)
    }
    let error = Router::<Echo>::new().on(on_say).try_on(another).unwrap_err();
    let message = error.to_string();
    assert!(message.contains("routing::on_say"), "{message}");
    assert!(message.contains("another"), "{message}");
    assert!(message.contains("`Say` (1.0, 2.0)"), "{message}");
}

#[test]
#[should_panic(expected = "served by `it::routing::on_say` already")]
fn a_duplicate_is_an_error_at_start() {
    let _ = Router::<Echo>::new().on(on_say).on(on_say);
}

#[test]
fn a_name_for_every_version_is_a_duplicate_of_one_version() {
    let error = Router::<Echo>::new().on(on_shout).try_route("Shout", on_anything).unwrap_err();
    assert!(matches!(error, RouteError::Duplicate { .. }), "{error}");
    let error = Router::<Echo>::new().route("Shout", on_anything).try_on(on_shout).unwrap_err();
    assert!(matches!(error, RouteError::Duplicate { .. }), "{error}");
}

#[test]
fn a_duplicate_is_found_behind_a_layer_and_in_a_merge() {
    let layered = || Router::<Echo>::new().on(on_say).layer(tower::layer::util::Identity::new());
    assert!(layered().try_on(on_say).is_err());
    assert!(layered().try_merge(Router::new().on(on_say)).is_err());
    assert_eq!(
        Router::<Echo>::new()
            .fallback(on_anything)
            .try_merge(Router::new().fallback(on_anything))
            .unwrap_err(),
        RouteError::TwoFallbacks
    );
}

#[test]
fn a_route_in_no_version_is_an_error() {
    let error = Router::<Echo>::new().try_route_in(&[], "Hum", on_anything).unwrap_err();
    assert!(matches!(error, RouteError::NoVersion { .. }), "{error}");
}

#[test]
fn the_routes_can_be_listed() {
    let router = Router::<Echo>::new().on(on_shout).on(on_say).route("Whistle", on_anything);
    let lines: Vec<_> = router.routes().map(|route| route.to_string()).collect();
    let expected = [
        "Say (1.0, 2.0): it::routing::on_say",
        "Shout (1.0): it::routing::on_shout",
        "Whistle (every version): it::routing::on_anything",
    ];
    assert_eq!(lines, expected);
    let service = router.into_service();
    assert_eq!(service.routes().count(), 3);
    assert!(service.serves(Version::One, "Shout"));
    assert!(!service.serves(Version::Two, "Shout"));
}

#[tokio::test]
async fn handlers_share_the_state() {
    #[derive(Clone)]
    struct Name(&'static str);
    async fn greet(_: Call<Say>, State(name): State<Name>) -> Said {
        Said(format!("hello, {}", name.0))
    }
    let service = Router::<Echo, _>::new().on(greet).with_state(Name("echo"));
    assert_eq!(answer(&service, "Say", "hello").await, text("hello, echo"));
}

#[tokio::test]
async fn a_closure_is_a_handler() {
    let suffix = "!".to_owned();
    let exclaim = move |Call(say): Call<Say>| async move { Said(say.text + &suffix) };
    let service = Router::<Echo>::new().on(exclaim).into_service();
    assert_eq!(answer(&service, "Say", "hello").await, text("hello!"));
    assert_eq!(answer(&service, "Say", "again").await, text("again!"));
}

#[tokio::test]
async fn eight_arguments_are_not_too_many() {
    type H = Head<Echo>;
    #[expect(clippy::too_many_arguments, reason = "eight is the most that a handler takes")]
    async fn eight(Call(say): Call<Say>, _: H, _: H, _: H, _: H, _: H, _: H, head: H) -> Said {
        Said(format!("{} {}", head.message_id(), say.text))
    }
    async fn none() -> Answer {
        Answer::Text(String::new())
    }
    let service = Router::<Echo>::new().on(eight).route("Nothing", none).into_service();
    assert_eq!(answer(&service, "Say", "hello").await, text("7 hello"));
    assert_eq!(answer(&service, "Nothing", "hello").await, text(""));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_is_shared_between_tasks() {
    fn assert_shared<T: Clone + Send + Sync + 'static>(_: &T) {}
    let service: Routes<Echo> = Router::new().on(on_say).into_service();
    assert_shared(&service);
    let tasks: Vec<_> = (0..64)
        .map(|number| {
            let service = service.clone();
            tokio::spawn(async move { answer(&service, "Say", &number.to_string()).await })
        })
        .collect();
    for (number, task) in tasks.into_iter().enumerate() {
        assert_eq!(task.await.unwrap(), text(&number.to_string()));
    }
}

#[tokio::test]
async fn a_message_can_be_renamed_on_its_way() {
    let service = Router::<Echo>::new().on(on_say).into_service();
    let renamed = service.map_request(|old: Incoming<Echo>| {
        let head = Head::new(old.head.version(), "Say", "8", old.head.peer().clone());
        Incoming::new(head, old.message)
    });
    let Ok(reply) = renamed.oneshot(incoming(Version::One, "Tell", "hello")).await;
    assert_eq!(reply.answer, text("hello"));
}
