//! Two ends of a session over a bad network, on virtual time.
//!
//! The network loses messages, delays them, swaps neighbours, repeats answers, and breaks the connection now and then. Both ends call
//! each other all the time. Whatever happens, each call has one outcome, and an answer is the one to its own call.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::future::join_all;
use ocpp_kit::engine::Role;
use tieline_edge::websocket::{Config, Message, Side, WebSocket};
use tieline_service::{Incoming, Reply};
use tokio::io::{DuplexStream, duplex};
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use super::{CallFailure, Calls, Connection, Limits, Peer, Session};
use crate::protocol::Answer;
use crate::{Identity, Ocpp, RandomMessageIds, RawValue, Tolerance, Version, v201};

const CALLS: u64 = 100_000;
/// Callers on each end.
const CALLERS: u64 = 4;

/// A small generator of numbers that look random (splitmix64).
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// True so many times in 10,000.
    fn of(&mut self, times: u64) -> bool {
        self.next() % 10_000 < times
    }
}

/// What happened to the messages, for the last line of the test.
#[derive(Default)]
struct Fates {
    lost: AtomicU64,
    delayed: AtomicU64,
    swapped: AtomicU64,
    repeated: AtomicU64,
    breaks: AtomicU64,
}

/// How often each number was handled.
type Handled = Arc<Mutex<BTreeMap<u64, u32>>>;

/// Answers a DataTransfer with what it holds.
fn echo(
    handled: Handled,
) -> impl tower::Service<Incoming<Ocpp>, Response = Reply<Ocpp>, Error = Infallible, Future: Send>
+ Clone
+ Send
+ 'static {
    tower::service_fn(move |incoming: Incoming<Ocpp>| {
        let handled = Arc::clone(&handled);
        async move {
            let request: v201::DataTransferRequest = incoming.message.decode().unwrap();
            let number = request.data.as_ref().and_then(serde_json::Value::as_u64).unwrap();
            *handled.lock().unwrap().entry(number).or_default() += 1;
            if number.is_multiple_of(7) {
                sleep(Duration::from_millis(number % 50)).await;
            }
            let payload = format!(r#"{{"status":"Accepted","data":{number}}}"#);
            Ok(Reply::new(Answer::Result(RawValue::from_string(payload).unwrap())))
        }
    })
}

fn session(generation: u64) -> Peer {
    let limits = Limits {
        boot_gate: false,
        call_timeout: Duration::from_secs(2),
        queue_timeout: Duration::from_mins(10),
        close_timeout: Duration::from_millis(100),
        ..Limits::default()
    };
    let limits = Arc::new(limits);
    Peer(Arc::new(Session {
        identity: Identity::parse("CS001", Version::V2_0_1).unwrap(),
        version: Version::V2_0_1,
        generation,
        remote: None,
        tolerance: Arc::new(Tolerance::strict()),
        calls: Calls::new(limits.max_queued),
        limits,
        extensions: http::Extensions::new(),
    }))
}

/// One direction: passes messages on until it breaks.
async fn pass(
    mut from: futures_util::stream::SplitStream<Frames>,
    mut to: futures_util::stream::SplitSink<Frames, Message>,
    mut chance: Chance,
    fates: Arc<Fates>,
) {
    use futures_util::{SinkExt as _, StreamExt as _};
    let mut kept: Option<Message> = None;
    let count = |fate: &AtomicU64| fate.fetch_add(1, Ordering::Relaxed);
    loop {
        let patience = if kept.is_some() { Duration::from_millis(50) } else { Duration::from_hours(24) };
        let message = match timeout(patience, from.next()).await {
            Ok(Some(message)) => message,
            Ok(None) => return,
            Err(_) => {
                let Some(message) = kept.take() else { continue };
                if to.send(message).await.is_err() {
                    return;
                }
                continue;
            }
        };
        if chance.of(2) {
            count(&fates.breaks);
            return;
        }
        if chance.of(50) {
            count(&fates.lost);
            continue;
        }
        if chance.of(300) {
            count(&fates.delayed);
            sleep(Duration::from_millis(chance.next() % 400)).await;
        }
        if kept.is_none() && chance.of(200) {
            count(&fates.swapped);
            kept = Some(message);
            continue;
        }
        let is_answer = matches!(&message, Message::Text(text) if text.as_str().starts_with("[3"));
        if is_answer && chance.of(100) {
            count(&fates.repeated);
            if to.send(message.clone()).await.is_err() {
                return;
            }
        }
        for message in [Some(message), kept.take()].into_iter().flatten() {
            if to.send(message).await.is_err() {
                return;
            }
        }
    }
}

/// A connection as a stream and a sink of messages.
struct Frames(WebSocket<DuplexStream>);

impl futures_util::Stream for Frames {
    type Item = Message;

    fn poll_next(
        mut self: std::pin::Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Message>> {
        self.0.poll_next(cx).map(|next| next.and_then(Result::ok))
    }
}

impl futures_util::Sink<Message> for Frames {
    type Error = tieline_edge::websocket::Error;

    fn poll_ready(
        mut self: std::pin::Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Result<(), Self::Error>> {
        self.0.poll_ready(cx)
    }

    fn start_send(mut self: std::pin::Pin<&mut Self>, message: Message) -> Result<(), Self::Error> {
        self.0.start_send(message)
    }

    fn poll_flush(
        mut self: std::pin::Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Result<(), Self::Error>> {
        self.0.poll_flush(cx)
    }

    fn poll_close(
        self: std::pin::Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Result<(), Self::Error>> {
        self.poll_flush(cx)
    }
}

/// Connects the two ends again and again, until it is dropped.
async fn connect(ends: [watch::Sender<Option<Peer>>; 2], handled: [Handled; 2], fates: Arc<Fates>) {
    let config = Config::default().with_deflate(None);
    let ids = Arc::new(RandomMessageIds);
    for generation in 1.. {
        let (station, left) = duplex(4096);
        let (right, csms) = duplex(4096);
        let [near, far] = [session(generation), session(generation)];
        let station = Connection::new(
            WebSocket::over(station, Side::Client, &config),
            Role::ChargingStation,
            near.clone(),
            echo(Arc::clone(&handled[0])),
            ids.clone(),
        );
        let csms = Connection::new(
            WebSocket::over(csms, Side::Server, &config),
            Role::Csms,
            far.clone(),
            echo(Arc::clone(&handled[1])),
            ids.clone(),
        );
        let running = [tokio::spawn(station.run(|_| {})), tokio::spawn(csms.run(|_| {}))];
        ends[0].send_replace(Some(near));
        ends[1].send_replace(Some(far));
        let (into_left, from_left) =
            futures_util::StreamExt::split(Frames(WebSocket::over(left, Side::Server, &config)));
        let (into_right, from_right) =
            futures_util::StreamExt::split(Frames(WebSocket::over(right, Side::Client, &config)));
        tokio::select! {
            () = pass(from_left, into_right, Chance(2 * generation), Arc::clone(&fates)) => {}
            () = pass(from_right, into_left, Chance(2 * generation + 1), Arc::clone(&fates)) => {}
        }
        for end in &ends {
            end.send_replace(None);
        }
        join_all(running).await;
    }
}

/// Outcomes of calls.
#[derive(Debug, Default, PartialEq, Eq)]
struct Outcomes {
    answered: u64,
    timed_out: u64,
    disconnected: u64,
}

/// Calls the other end with these numbers, one after the other.
async fn call(
    mut end: watch::Receiver<Option<Peer>>,
    handled: Handled,
    numbers: impl Iterator<Item = u64>,
) -> Outcomes {
    let mut outcomes = Outcomes::default();
    for number in numbers {
        let peer = end.wait_for(Option::is_some).await.unwrap().clone().unwrap();
        let mut request = v201::DataTransferRequest::new("org.tieline");
        request.data = Some(number.into());
        match peer.call(request).await {
            Ok(response) => {
                assert_eq!(response.data, Some(number.into()), "the answer to another call");
                assert_eq!(handled.lock().unwrap().get(&number), Some(&1));
                outcomes.answered += 1;
            }
            Err(CallFailure::TimedOut) => outcomes.timed_out += 1,
            Err(CallFailure::Disconnected) => {
                outcomes.disconnected += 1;
                // The next session comes once this one is known to be gone.
                sleep(Duration::from_millis(1)).await;
            }
            Err(other) => panic!("{number}: {other}"),
        }
    }
    outcomes
}

#[tokio::test(start_paused = true)]
async fn no_answer_is_lost_doubled_or_given_to_another_call() {
    let (to_csms, of_station) = watch::channel(None);
    let (to_station, of_csms) = watch::channel(None);
    let handled = [Handled::default(), Handled::default()];
    let fates = Arc::new(Fates::default());
    let network = tokio::spawn(connect([to_csms, to_station], handled.clone(), Arc::clone(&fates)));
    let each = CALLS / (2 * CALLERS);
    let callers = (0..2 * CALLERS).map(|caller| {
        let (end, handled) = if caller < CALLERS {
            (of_station.clone(), Arc::clone(&handled[1]))
        } else {
            (of_csms.clone(), Arc::clone(&handled[0]))
        };
        tokio::spawn(call(end, handled, caller * each..(caller + 1) * each))
    });
    let outcomes =
        join_all(callers).await.into_iter().map(Result::unwrap).fold(Outcomes::default(), |sum, outcomes| {
            Outcomes {
                answered: sum.answered + outcomes.answered,
                timed_out: sum.timed_out + outcomes.timed_out,
                disconnected: sum.disconnected + outcomes.disconnected,
            }
        });
    network.abort();
    let of = |fate: &AtomicU64| fate.load(Ordering::Relaxed);
    println!(
        "{CALLS} calls: {outcomes:?}; messages lost {}, delayed {}, swapped {}, answers repeated {}, connections {}",
        of(&fates.lost),
        of(&fates.delayed),
        of(&fates.swapped),
        of(&fates.repeated),
        of(&fates.breaks) + 1
    );
    assert_eq!(outcomes.answered + outcomes.timed_out + outcomes.disconnected, CALLS);
    let twice = handled.iter().any(|handled| handled.lock().unwrap().values().any(|times| *times > 1));
    assert!(!twice, "a call was handled twice");
    // The network was bad, and most calls came through.
    for (fate, least) in [
        (&fates.lost, 500),
        (&fates.delayed, 3000),
        (&fates.swapped, 1000),
        (&fates.repeated, 500),
        (&fates.breaks, 10),
    ] {
        assert!(of(fate) >= least);
    }
    assert!(outcomes.answered > CALLS * 9 / 10 && outcomes.timed_out > 0 && outcomes.disconnected > 0);
}
