use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tieline_service::echo::{Answer, Echo, Refusal, Said, Say, Shout, Version, incoming};
use tieline_service::{
    After, BoxError, Call, Extension, Head, Incoming, Reply, Router, Timeout, handler, timeout,
};
use tokio::sync::Semaphore;
use tower::limit::{ConcurrencyLimitLayer, GlobalConcurrencyLimitLayer};
use tower::util::{MapRequestLayer, MapResponseLayer};

use crate::{answer, refused, reply, text};

async fn on_say(Call(say): Call<Say>) -> Said {
    Said(say.text)
}

async fn never(_: Call<Say>) -> Said {
    std::future::pending().await
}

async fn never_by_name() -> Answer {
    std::future::pending().await
}

/// Adds a letter to the answer.
fn mark(letter: char) -> MapResponseLayer<impl FnOnce(Reply<Echo>) -> Reply<Echo> + Clone> {
    MapResponseLayer::new(move |mut reply: Reply<Echo>| {
        match &mut reply.answer {
            Answer::Text(text) => text.push(letter),
            Answer::Refused(refusal) => refusal.cause.push(letter),
        }
        reply
    })
}

#[tokio::test]
async fn the_last_layer_is_outermost() {
    let service = Router::<Echo>::new().on(on_say).layer(mark('a')).layer(mark('b')).into_service();
    assert_eq!(answer(&service, "Say", "-").await, text("-ab"));
}

#[tokio::test]
async fn a_layer_wraps_the_answer_to_an_unknown_action() {
    let service = Router::<Echo>::new().on(on_say).layer(mark('a')).layer(mark('b')).into_service();
    assert_eq!(answer(&service, "Hum", "").await, refused("UnknownAction", "Humab"));
}

#[tokio::test]
async fn a_route_added_later_is_outside_of_the_layer() {
    async fn hum() -> Answer {
        Answer::Text("hum".to_owned())
    }
    let service =
        Router::<Echo>::new().on(on_say).layer(mark('a')).route("Hum", hum).layer(mark('b')).into_service();
    assert_eq!(answer(&service, "Say", "-").await, text("-ab"));
    assert_eq!(answer(&service, "Hum", "").await, text("humb"));
    assert_eq!(answer(&service, "Sing", "").await, refused("UnknownAction", "Singab"));
}

#[tokio::test]
async fn a_fallback_added_later_is_outside_of_the_layer() {
    async fn hum() -> Answer {
        Answer::Text("hum".to_owned())
    }
    let service = Router::<Echo>::new().on(on_say).layer(mark('a')).fallback(hum).into_service();
    assert_eq!(answer(&service, "Say", "-").await, text("-a"));
    assert_eq!(answer(&service, "Sing", "").await, text("hum"));
}

#[tokio::test]
async fn merged_routers_keep_their_layers() {
    async fn on_shout(Call(shout): Call<Shout>) -> Said {
        Said(shout.text)
    }
    let other = Router::new().on(on_shout).layer(mark('b'));
    let service = Router::<Echo>::new().on(on_say).layer(mark('a')).merge(other).into_service();
    assert_eq!(reply(&service, Version::One, "Say", "-").await.answer, text("-a"));
    assert_eq!(reply(&service, Version::One, "Shout", "-").await.answer, text("-b"));
    assert_eq!(answer(&service, "Hum", "").await, refused("UnknownAction", "Huma"));
}

#[tokio::test]
async fn a_route_can_have_layers_of_its_own() {
    let layered = handler(on_say).layer(mark('a')).layer(mark('b'));
    let service = Router::<Echo>::new().on(layered).route("Murmur", on_say).into_service();
    assert_eq!(answer(&service, "Say", "-").await, text("-ab"));
    assert_eq!(answer(&service, "Murmur", "-").await, text("-"));
}

#[tokio::test(start_paused = true)]
async fn a_timeout_bounds_the_router_or_one_route() {
    let limit = Duration::from_secs(2);
    let service = Router::<Echo>::new().on(never).layer(Timeout::new(limit)).into_service();
    let begin = tokio::time::Instant::now();
    assert_eq!(answer(&service, "Say", "hello").await, refused("TimedOut", ""));
    assert_eq!(begin.elapsed(), limit);

    let service = Router::<Echo>::new()
        .on(timeout(limit, handler(never)))
        .route("Hum", timeout(limit, never_by_name))
        .into_service();
    assert_eq!(answer(&service, "Say", "hello").await, refused("TimedOut", ""));
    assert_eq!(answer(&service, "Hum", "hello").await, refused("TimedOut", ""));
}

#[tokio::test(start_paused = true)]
async fn a_timeout_bounds_the_wait_for_a_layer_inside() {
    let service = Router::<Echo>::new()
        .on(never)
        .layer(ConcurrencyLimitLayer::new(1))
        .layer(Timeout::new(Duration::from_secs(2)))
        .into_service();
    let (first, second) = tokio::join!(answer(&service, "Say", "one"), answer(&service, "Say", "two"));
    assert_eq!((first, second), (refused("TimedOut", ""), refused("TimedOut", "")));
}

#[tokio::test(start_paused = true)]
async fn a_timeout_does_not_bound_what_comes_after() {
    async fn later(Call(say): Call<Say>) -> (Said, After) {
        (Said(say.text), After::new(tokio::time::sleep(Duration::from_hours(1))))
    }
    let service = Router::<Echo>::new().on(later).layer(Timeout::new(Duration::from_secs(2))).into_service();
    let mut reply = reply(&service, Version::One, "Say", "hello").await;
    let begin = tokio::time::Instant::now();
    reply.take_after().run(&incoming(Version::One, "Say", "hello").head).await;
    assert_eq!(begin.elapsed(), Duration::from_hours(1));
}

#[tokio::test(start_paused = true)]
async fn the_timeout_of_tower_becomes_a_fault() {
    let layer = || tower::timeout::TimeoutLayer::new(Duration::from_secs(1));
    let service = Router::<Echo>::new().on(never).layer(layer()).into_service();
    assert_eq!(answer(&service, "Say", "hello").await, refused("Busy", ""));
    let service = Router::<Echo>::new().on(handler(never).layer(layer())).into_service();
    assert_eq!(answer(&service, "Say", "hello").await, refused("Busy", ""));
    let service = Router::<Echo>::new().fallback(never_by_name).layer(layer()).into_service();
    assert_eq!(answer(&service, "Hum", "hello").await, refused("Busy", ""));
}

/// How many handlers run at once, at most, when eight messages come at once. The handler of `Say` and the one of `Hum`
/// count together.
async fn most_at_once(build: impl FnOnce(Counted) -> Router<Echo>) -> usize {
    let counted = Counted::default();
    let service = build(counted.clone()).into_service();
    let messages = (0..8).map(|number| {
        let service = service.clone();
        async move { answer(&service, if number % 2 == 0 { "Say" } else { "Hum" }, "hello").await }
    });
    for answer in futures_util::future::join_all(messages).await {
        assert_eq!(answer, text("done"));
    }
    counted.most.load(Ordering::SeqCst)
}

#[derive(Clone, Default)]
struct Counted {
    now: Arc<AtomicUsize>,
    most: Arc<AtomicUsize>,
}

impl Counted {
    async fn work(self) -> String {
        let now = self.now.fetch_add(1, Ordering::SeqCst) + 1;
        self.most.fetch_max(now, Ordering::SeqCst);
        tokio::time::sleep(Duration::from_secs(1)).await;
        self.now.fetch_sub(1, Ordering::SeqCst);
        "done".to_owned()
    }
}

#[tokio::test(start_paused = true)]
async fn a_concurrency_limit_counts_all_routes_of_the_router() {
    let routes = |counted: Counted| {
        let other = counted.clone();
        Router::<Echo>::new()
            .on(move |_: Call<Say>| async move { Said(counted.work().await) })
            .fallback(move || async move { Answer::Text(other.work().await) })
    };
    assert_eq!(most_at_once(routes).await, 8);
    assert_eq!(most_at_once(|counted| routes(counted).layer(ConcurrencyLimitLayer::new(3))).await, 3);
    assert_eq!(most_at_once(|counted| routes(counted).layer(GlobalConcurrencyLimitLayer::new(2))).await, 2);
}

#[tokio::test(start_paused = true)]
async fn a_concurrency_limit_counts_one_route() {
    let routes = |counted: Counted| {
        let on_say = move |_: Call<Say>| async move { Said(counted.work().await) };
        let hum = || async { Answer::Text("done".to_owned()) };
        Router::<Echo>::new().on(handler(on_say).layer(ConcurrencyLimitLayer::new(1))).route("Hum", hum)
    };
    assert_eq!(most_at_once(routes).await, 1);
}

#[tokio::test]
async fn load_is_shed() {
    let open = Arc::new(Semaphore::new(0));
    let gate = Arc::clone(&open);
    let on_say = move |Call(say): Call<Say>| async move {
        gate.acquire().await.unwrap().forget();
        Said(say.text)
    };
    let layer = tower::ServiceBuilder::new().load_shed().concurrency_limit(1).into_inner();
    let service = Router::<Echo>::new().on(on_say).layer(layer).into_service();
    let first = tokio::spawn(service.serve(incoming(Version::One, "Say", "first")).reply());
    tokio::task::yield_now().await;
    assert_eq!(answer(&service, "Say", "second").await, refused("Busy", ""));
    assert_eq!(answer(&service, "Hum", "third").await, refused("Busy", ""));
    open.add_permits(2);
    assert_eq!(first.await.unwrap().answer, text("first"));
    assert_eq!(answer(&service, "Say", "fourth").await, text("fourth"));
}

#[tokio::test]
async fn a_buffer_works_on_the_router_and_on_a_route() {
    let service = Router::<Echo>::new()
        .on(on_say)
        .layer(tower::buffer::BufferLayer::<Incoming<Echo>>::new(4))
        .into_service();
    assert_eq!(answer(&service, "Say", "hello").await, text("hello"));
    assert_eq!(answer(&service, "Hum", "").await, refused("UnknownAction", "Hum"));
    let buffered = handler(on_say).layer(tower::buffer::BufferLayer::<Incoming<Echo>>::new(4));
    let service = Router::<Echo>::new().on(buffered).into_service();
    assert_eq!(answer(&service, "Say", "hello").await, text("hello"));
}

#[tokio::test]
async fn a_request_can_be_changed_on_its_way() {
    async fn hum(message: tieline_service::Raw<Echo>) -> Answer {
        Answer::Text(message.0)
    }
    let louder = || {
        MapRequestLayer::new(|mut incoming: Incoming<Echo>| {
            incoming.message.make_ascii_uppercase();
            incoming
        })
    };
    let service = Router::<Echo>::new().on(on_say).fallback(hum).layer(louder()).into_service();
    assert_eq!(answer(&service, "Say", "hello").await, text("HELLO"));
    assert_eq!(answer(&service, "Hum", "hello").await, text("HELLO"));
    let service = Router::<Echo>::new().on(handler(on_say).layer(louder())).into_service();
    assert_eq!(answer(&service, "Say", "hello").await, text("HELLO"));
}

#[tokio::test]
async fn a_filter_refuses() {
    fn polite(incoming: Incoming<Echo>) -> Result<Incoming<Echo>, BoxError> {
        if incoming.message.contains("please") { Ok(incoming) } else { Err("not polite".into()) }
    }
    let layer = || tower::filter::FilterLayer::new(polite);
    let service = Router::<Echo>::new().on(on_say).layer(layer()).into_service();
    assert_eq!(answer(&service, "Say", "please").await, text("please"));
    assert_eq!(answer(&service, "Say", "now").await, refused("Busy", ""));
    assert_eq!(answer(&service, "Hum", "now").await, refused("Busy", ""));
    assert_eq!(answer(&service, "Hum", "please").await, refused("UnknownAction", "Hum"));
    let service = Router::<Echo>::new().on(handler(on_say).layer(layer())).into_service();
    assert_eq!(answer(&service, "Say", "now").await, refused("Busy", ""));
}

#[tokio::test]
async fn a_layer_can_retry() {
    #[derive(Clone)]
    struct Twice(usize);
    impl tower::retry::Policy<Incoming<Echo>, Reply<Echo>, std::convert::Infallible> for Twice {
        type Future = std::future::Ready<()>;
        fn retry(
            &mut self,
            _: &mut Incoming<Echo>,
            result: &mut Result<Reply<Echo>, std::convert::Infallible>,
        ) -> Option<Self::Future> {
            self.0 += 1;
            let refused = result.as_ref().is_ok_and(|reply| matches!(reply.answer, Answer::Refused(_)));
            (refused && self.0 < 2).then(|| std::future::ready(()))
        }
        fn clone_request(&mut self, incoming: &Incoming<Echo>) -> Option<Incoming<Echo>> {
            Some(incoming.clone())
        }
    }
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&calls);
    let second_time = move |Call(say): Call<Say>| async move {
        if counted.fetch_add(1, Ordering::SeqCst) == 0 {
            Err(Refusal::new("Once", ""))
        } else {
            Ok(Said(say.text))
        }
    };
    let retry = tower::retry::RetryLayer::new(Twice(0));
    let service = Router::<Echo>::new().on(second_time).layer(retry).into_service();
    assert_eq!(answer(&service, "Say", "hello").await, text("hello"));
    assert_eq!(calls.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn work_for_afterwards_passes_every_layer() {
    async fn later(Call(say): Call<Say>, head: Head<Echo>) -> (Said, After) {
        assert!(head.extensions.get::<u8>().is_some());
        (Said(say.text), After::new(async {}))
    }
    let layers = tower::ServiceBuilder::new()
        .load_shed()
        .concurrency_limit(1)
        .buffer::<Incoming<Echo>>(1)
        .timeout(Duration::from_secs(1))
        .into_inner();
    let service =
        Router::<Echo>::new().on(later).layer(Extension(1_u8)).layer(layers).layer(mark('a')).into_service();
    let reply = reply(&service, Version::One, "Say", "hello").await;
    assert_eq!((reply.answer, reply.after.len()), (text("helloa"), 1));
}
