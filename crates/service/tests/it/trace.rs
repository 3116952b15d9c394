use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;
use tieline_service::echo::{Echo, Refusal, Said, Say, Version, incoming};
use tieline_service::{Call, Router, State, Timeout, Trace};
use tieline_types::ManualClock;
use tracing::Level;

use crate::answer;
use crate::log::Log;

async fn on_say(Call(say): Call<Say>) -> Result<Said, Refusal> {
    tracing::info!("in the handler");
    if say.text == "no" { Err(Refusal::new("No", "it was no")) } else { Ok(Said(say.text)) }
}

#[tokio::test]
async fn an_accepted_message_is_logged() {
    let log = Log::capture();
    let service = Router::<Echo>::new().on(on_say).layer(Trace::new()).into_service();
    answer(&service, "Say", "hello").await;
    let line = log.line_with("outcome=\"accepted\"");
    let parts = ["DEBUG", "protocol=\"echo\"", "peer=narcissus", "version=2.0", "action=Say", "message_id=7"];
    for part in parts {
        assert!(line.contains(part), "{part} is not in {line}");
    }
    assert!(!line.contains("duration") && !line.contains("cause"), "{line}");
}

#[tokio::test]
async fn a_refusal_is_logged_with_its_code_and_cause() {
    let log = Log::capture();
    let service = Router::<Echo>::new().on(on_say).layer(Trace::new().refused_at(Level::WARN)).into_service();
    answer(&service, "Say", "no").await;
    answer(&service, "Hum", "").await;
    let line = log.line_with("code=No");
    assert!(
        line.contains("WARN") && line.contains("outcome=\"refused\"") && line.contains("cause=it was no"),
        "{line}"
    );
    let line = log.line_with("code=UnknownAction");
    assert!(line.contains("action=Hum"), "{line}");
}

#[tokio::test]
async fn what_the_handler_logs_is_in_the_span_of_its_message() {
    let log = Log::capture();
    let service = Router::<Echo>::new().on(on_say).layer(Trace::new()).into_service();
    answer(&service, "Say", "hello").await;
    let line = log.line_with("in the handler");
    assert!(line.contains("message{") && line.contains("peer=narcissus"), "{line}");
}

#[tokio::test]
async fn the_duration_is_that_of_the_clock() {
    async fn slow(_: Call<Say>, State(clock): State<ManualClock>) -> Said {
        clock.advance(SignedDuration::from_millis(1500));
        Said("at last".to_owned())
    }
    let log = Log::capture();
    let clock = ManualClock::new("2026-03-29T00:00:00Z".parse().unwrap());
    let trace = Trace::new().accepted_at(Level::INFO).timed_by(Arc::new(clock.clone()));
    let service = Router::<Echo, _>::new().on(slow).layer(trace).with_state(clock);
    answer(&service, "Say", "hello").await;
    let line = log.line_with("outcome=\"accepted\"");
    assert!(line.contains("INFO") && line.contains("duration=1s 500ms"), "{line}");
}

#[tokio::test]
async fn a_message_that_the_transport_gives_up_is_logged() {
    async fn never(_: Call<Say>) -> Said {
        std::future::pending().await
    }
    let log = Log::capture();
    let service = Router::<Echo>::new().on(never).layer(Trace::new()).into_service();
    let handling = service.serve(incoming(Version::One, "Say", "hello"));
    assert!(futures_util::FutureExt::now_or_never(handling).is_none());
    let line = log.line_with("outcome=\"abandoned\"");
    assert!(line.contains("message_id=7"), "{line}");
}

#[tokio::test(start_paused = true)]
async fn a_timeout_inside_is_seen() {
    async fn never(_: Call<Say>) -> Said {
        std::future::pending().await
    }
    let log = Log::capture();
    let service = Router::<Echo>::new()
        .on(never)
        .layer(Timeout::new(Duration::from_secs(1)))
        .layer(Trace::new())
        .into_service();
    answer(&service, "Say", "hello").await;
    log.line_with("code=TimedOut");
    log.line_with("the handler ran out of time");
}
