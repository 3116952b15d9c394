use std::sync::{Arc, Mutex};

use tieline_service::echo::{Answer, Echo, Guest, Refusal, Said, Say, Shout, Version, incoming};
use tieline_service::{After, Call, Extension, Router, Sent, State};

use crate::log::Log;
use crate::{reply, text};

/// What happened, in order.
#[derive(Clone, Default)]
struct Diary(Arc<Mutex<Vec<String>>>);

impl Diary {
    fn write(&self, entry: impl Into<String>) {
        self.0.lock().unwrap().push(entry.into());
    }

    fn read(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }
}

async fn on_say(Call(say): Call<Say>, State(diary): State<Diary>) -> Result<Said, Refusal> {
    diary.write("handled");
    if say.text == "no" { Err(Refusal::new("No", "")) } else { Ok(Said(say.text)) }
}

async fn after_say(sent: Sent<Echo, Say>, guest: Guest, State(diary): State<Diary>, Call(say): Call<Say>) {
    diary.write(format!("after {} of {guest}: {:?}", say.text, sent.answer));
}

#[tokio::test]
async fn work_runs_in_order_when_the_transport_says_so() {
    let diary = Diary::default();
    let (first, second) = (diary.clone(), diary.clone());
    let after = After::new(async move { first.write("first") }).and(async move { second.write("second") });
    assert_eq!((after.len(), diary.read().len()), (2, 0));
    after.run(&incoming(Version::One, "Say", "").head).await;
    assert_eq!(diary.read(), ["first", "second"]);
}

#[tokio::test]
async fn work_that_panics_is_logged_and_keeps_nothing_else_from_running() {
    let log = Log::capture();
    let diary = Diary::default();
    let last = diary.clone();
    let after = After::new(async { panic!("too late") }).and(async move { last.write("last") });
    after.run(&incoming(Version::One, "Say", "").head).await;
    assert_eq!(diary.read(), ["last"]);
    let line = log.line_with("too late");
    assert!(line.contains("peer=narcissus") && line.contains("action=Say"), "{line}");
}

#[tokio::test]
async fn work_for_an_answer_that_never_left_is_undone() {
    let diary = Diary::default();
    let make = || {
        let (sent, dropped) = (diary.clone(), diary.clone());
        After::sent_or_dropped(async move { sent.write("sent") }, move || dropped.write("dropped"))
    };
    drop(make());
    assert_eq!(diary.read(), ["dropped"]);
    make().run(&incoming(Version::One, "Say", "").head).await;
    assert_eq!(diary.read(), ["dropped", "sent"]);
}

#[tokio::test]
async fn an_after_handler_runs_after_an_accepting_answer() {
    let diary = Diary::default();
    let service = Router::<Echo, _>::new().on(on_say).after(after_say).with_state(diary.clone());
    let head = incoming(Version::Two, "Say", "").head;

    let mut accepted = reply(&service, Version::Two, "Say", "hello").await;
    assert_eq!(accepted.answer, text("hello"));
    assert_eq!(diary.read(), ["handled"]);
    accepted.take_after().run(&head).await;
    assert_eq!(diary.read(), ["handled", "after hello of narcissus: Text(\"hello\")"]);

    let refused = reply(&service, Version::One, "Say", "no").await;
    assert!(refused.after.is_empty());
}

#[tokio::test]
async fn an_after_handler_may_run_after_any_answer() {
    let diary = Diary::default();
    let service = Router::<Echo, _>::new().after_any(after_say).on(on_say).with_state(diary.clone());
    let refused = reply(&service, Version::One, "Say", "no").await;
    assert_eq!(refused.after.len(), 1);
    let undecodable = reply(&service, Version::One, "Say", "").await;
    assert!(undecodable.after.is_empty(), "its `Call<Say>` cannot be extracted");
}

#[tokio::test]
async fn an_after_handler_sees_the_answer_as_it_leaves_its_router() {
    let diary = Diary::default();
    let censor = tower::util::MapResponseLayer::new(|mut reply: tieline_service::Reply<Echo>| {
        reply.answer = Answer::Text("***".to_owned());
        reply
    });
    let service = Router::<Echo, _>::new()
        .on(on_say)
        .after(after_say)
        .layer(censor)
        .after(after_say)
        .with_state(diary.clone());
    let mut reply = reply(&service, Version::Two, "Say", "hello").await;
    reply.take_after().run(&incoming(Version::Two, "Say", "").head).await;
    let expected =
        ["handled", "after hello of narcissus: Text(\"hello\")", "after hello of narcissus: Text(\"***\")"];
    assert_eq!(diary.read(), expected);
}

#[tokio::test]
async fn an_after_handler_sees_the_extensions_of_the_request() {
    async fn after(_: Sent<Echo, Say>, Extension(number): Extension<u32>, State(diary): State<Diary>) {
        diary.write(number.to_string());
    }
    let diary = Diary::default();
    let router = || Router::<Echo, _>::new().on(on_say).after(after);
    let head = incoming(Version::Two, "Say", "").head;

    let service = router().layer(Extension(5_u32)).with_state(diary.clone());
    reply(&service, Version::Two, "Say", "hello").await.take_after().run(&head).await;
    assert_eq!(diary.read(), ["handled", "5"]);

    let log = Log::capture();
    let service = router().with_state(diary.clone());
    let without = reply(&service, Version::Two, "Say", "hello").await;
    assert!(without.after.is_empty());
    log.line_with("an after-handler will not run");
}

#[tokio::test]
async fn other_actions_are_left_alone() {
    async fn on_shout(Call(shout): Call<Shout>) -> Said {
        Said(shout.text)
    }
    let service =
        Router::<Echo, _>::new().on(on_say).on(on_shout).after(after_say).with_state(Diary::default());
    assert!(reply(&service, Version::One, "Shout", "hello").await.after.is_empty());
    assert!(reply(&service, Version::One, "Hum", "hello").await.after.is_empty());
}

#[test]
#[should_panic(expected = "is to run after the action `Say` (1.0), which nothing serves")]
fn an_after_handler_without_a_route_is_an_error_at_start() {
    let _ = Router::<Echo, _>::new().after(after_say).with_state(Diary::default());
}
