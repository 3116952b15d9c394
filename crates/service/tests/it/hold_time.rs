use std::sync::Arc;

use tieline_service::echo::{Answer, Echo, Said, Say, Version, incoming};
use tieline_service::{After, Call, HoldTime, Router, State};
use tieline_types::ManualClock;

use crate::{answer, reply, text};

fn clock() -> ManualClock {
    ManualClock::new("2026-03-29T00:00:00Z".parse().unwrap())
}

#[tokio::test]
async fn time_stands_still_while_a_message_is_handled() {
    async fn on_say(Call(say): Call<Say>, State(clock): State<ManualClock>) -> Said {
        assert!(!clock.is_idle());
        tokio::task::yield_now().await;
        assert!(!clock.is_idle());
        Said(say.text)
    }
    let clock = clock();
    let layer = HoldTime::new(Arc::new(clock.clone()));
    let service = Router::<Echo, ManualClock>::new().on(on_say).layer(layer).with_state(clock.clone());
    assert_eq!(answer(&service, "Say", "hello").await, text("hello"));
    assert!(clock.is_idle());
    assert!(matches!(answer(&service, "Hum", "hello").await, Answer::Refused(_)));
    assert!(clock.is_idle());
}

#[tokio::test]
async fn a_handler_that_is_dropped_holds_nothing() {
    async fn never(_: Call<Say>) -> Said {
        std::future::pending().await
    }
    let clock = clock();
    let layer = HoldTime::new(Arc::new(clock.clone()));
    let service = Router::<Echo>::new().on(never).layer(layer).into_service();
    let mut handling = Box::pin(answer(&service, "Say", "hello"));
    assert!(futures_util::poll!(&mut handling).is_pending());
    assert!(!clock.is_idle());
    drop(handling);
    assert!(clock.is_idle());
}

#[tokio::test]
async fn time_stands_still_until_the_work_after_the_answer_is_done() {
    async fn later(Call(say): Call<Say>, State(clock): State<ManualClock>) -> (Said, After) {
        let held = move || {
            let clock = clock.clone();
            async move { assert!(!clock.is_idle()) }
        };
        (Said(say.text), After::new(held()).and(async { panic!("work can fail") }).and(held()))
    }
    let clock = clock();
    let layer = HoldTime::new(Arc::new(clock.clone()));
    let service = Router::<Echo, ManualClock>::new().on(later).layer(layer).with_state(clock.clone());
    let mut sent = reply(&service, Version::One, "Say", "hello").await;
    assert_eq!(sent.after.len(), 3);
    assert!(!clock.is_idle(), "the work has not begun");
    sent.take_after().run(&incoming(Version::One, "Say", "hello").head).await;
    assert!(clock.is_idle());

    let lost = reply(&service, Version::One, "Say", "hello").await;
    assert!(!clock.is_idle());
    drop(lost);
    assert!(clock.is_idle(), "its answer could not be sent");
}
