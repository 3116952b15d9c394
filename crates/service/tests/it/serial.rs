//! One after the other, by key.

use std::sync::{Arc, Mutex};

use tieline_service::echo::{Echo, Said, Say, Version, incoming};
use tieline_service::{Call, Incoming, Router, Serial, State};
use tokio::sync::Notify;
use tower::ServiceExt as _;

/// What happened, and what lets those go on that wait: whoever says `wait`.
#[derive(Clone, Default)]
struct Happened {
    said: Arc<Mutex<Vec<String>>>,
    go_on: Arc<Notify>,
}

impl Happened {
    fn so_far(&self) -> Vec<String> {
        self.said.lock().unwrap().clone()
    }
}

async fn on_say(Call(say): Call<Say>, State(happened): State<Happened>) -> Said {
    happened.said.lock().unwrap().push(format!("{} begins", say.text));
    if say.text.ends_with("wait") {
        happened.go_on.notified().await;
    }
    happened.said.lock().unwrap().push(format!("{} ends", say.text));
    Said(say.text)
}

/// By the first letter, unless it is a dot.
fn key(incoming: &Incoming<Echo>) -> Option<char> {
    incoming.message.chars().next().filter(|first| *first != '.')
}

/// Says these, all at once, as a transport starts them: in this order.
fn say(happened: &Happened, texts: &[&str]) -> Vec<tokio::task::JoinHandle<()>> {
    let service = Router::new().on(on_say).layer(Serial::by(key)).with_state(happened.clone());
    let say = |text: &&str| {
        let replying = service.clone().oneshot(incoming(Version::Two, "Say", text));
        tokio::spawn(async move {
            let _ = replying.await;
        })
    };
    texts.iter().map(say).collect()
}

async fn settle() {
    for _ in 0..50 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn one_key_is_in_order_and_another_does_not_wait() {
    let happened = Happened::default();
    let saying = say(&happened, &["a1 wait", "a2", "b1", ".1 wait", ".2", "a3"]);
    settle().await;
    let begun = ["a1 wait begins", "b1 begins", "b1 ends", ".1 wait begins", ".2 begins", ".2 ends"];
    assert_eq!(happened.so_far(), begun);
    happened.go_on.notify_waiters();
    for one in saying {
        one.await.unwrap();
    }
    let rest = ["a1 wait ends", "a2 begins", "a2 ends", "a3 begins", "a3 ends"];
    let of_a: Vec<_> = happened.so_far()[6..].iter().filter(|said| said.starts_with('a')).cloned().collect();
    assert_eq!(of_a, rest);
}

#[tokio::test]
async fn who_gives_up_lets_nobody_pass() {
    let happened = Happened::default();
    let saying = say(&happened, &["a1 wait", "a2", "a3"]);
    settle().await;
    saying[1].abort();
    settle().await;
    assert_eq!(happened.so_far(), ["a1 wait begins"]);
    happened.go_on.notify_waiters();
    settle().await;
    assert_eq!(happened.so_far(), ["a1 wait begins", "a1 wait ends", "a3 begins", "a3 ends"]);
}

#[tokio::test]
async fn who_is_given_up_makes_room() {
    let happened = Happened::default();
    let saying = say(&happened, &["a1 wait", "a2"]);
    settle().await;
    saying[0].abort();
    settle().await;
    assert_eq!(happened.so_far(), ["a1 wait begins", "a2 begins", "a2 ends"]);
}
