//! Time stands still for those who are missing, and for those who are busy.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tieline_edge::virtual_clock::VirtualClock;
use tieline_sim::{ParticipantState, Status, TimeServer};
use tieline_types::Clock as _;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use crate::{MIDNIGHT, loopback};

/// Long enough for time to go on if nothing held it, short enough to wait for.
const WHILE: Duration = Duration::from_millis(60);

/// Long enough for a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

fn minute(number: i64) -> Timestamp {
    MIDNIGHT + SignedDuration::from_mins(number)
}

async fn server(names: &[&str]) -> Arc<TimeServer> {
    Arc::new(TimeServer::bind(loopback(), MIDNIGHT, names.iter().copied()).await.unwrap())
}

fn running(server: &Arc<TimeServer>, until: Timestamp) -> JoinHandle<()> {
    let server = Arc::clone(server);
    tokio::spawn(async move { server.run_until(until).await })
}

async fn ended(running: JoinHandle<()>) {
    timeout(PATIENCE, running).await.expect("time went on").unwrap();
}

async fn eventually(server: &TimeServer, what: impl Fn(&Status) -> bool) {
    let asking = async {
        while !what(&server.status()) {
            sleep(Duration::from_millis(2)).await;
        }
    };
    timeout(PATIENCE, asking).await.unwrap_or_else(|_| panic!("in vain: {:?}", server.status()));
}

#[tokio::test]
async fn time_waits_for_who_has_not_come() {
    let server = server(&["agr", "dso"]).await;
    let (_agr, busy) = VirtualClock::connect(server.address(), "agr").await.unwrap();
    drop(busy);
    let running = running(&server, minute(1));
    eventually(&server, |status| status.awaited().eq(["dso"])).await;
    sleep(WHILE).await;
    assert_eq!(server.now(), MIDNIGHT);
    assert_eq!(server.status().participants["dso"], ParticipantState::Missing);

    let (_dso, busy) = VirtualClock::connect(server.address(), "dso").await.unwrap();
    drop(busy);
    ended(running).await;
    assert_eq!(server.now(), minute(1));
}

#[tokio::test]
async fn time_waits_for_who_is_busy() {
    let server = server(&["agr"]).await;
    let (agr, busy) = VirtualClock::connect(server.address(), "agr").await.unwrap();
    let running = running(&server, minute(1));
    sleep(WHILE).await;
    assert_eq!((agr.now(), server.now()), (MIDNIGHT, MIDNIGHT));
    assert_eq!(server.status().participants["agr"], ParticipantState::Busy);
    drop(busy);
    ended(running).await;
    assert_eq!(agr.now(), minute(1));
}

#[tokio::test]
async fn time_waits_for_who_was_killed_and_goes_on_with_its_successor() {
    let server = server(&["agr", "dso"]).await;
    let (agr, busy) = VirtualClock::connect(server.address(), "agr").await.unwrap();
    let arrival = agr.wait_until(minute(5));
    drop(busy);
    let (dso, busy) = VirtualClock::connect(server.address(), "dso").await.unwrap();
    drop(busy);
    server.run_until(minute(3)).await;

    drop(dso);
    eventually(&server, |status| status.participants["dso"] == ParticipantState::Missing).await;
    let running = running(&server, minute(10));
    sleep(WHILE).await;
    assert_eq!(agr.now(), minute(3));

    let (dso, busy) = VirtualClock::connect(server.address(), "dso").await.unwrap();
    assert_eq!(dso.now(), minute(3));
    // It starts; nobody hurries it.
    sleep(WHILE).await;
    assert_eq!(agr.now(), minute(3));
    drop(busy);
    let busy = timeout(PATIENCE, arrival).await.unwrap();
    assert_eq!((agr.now(), server.now()), (minute(5), minute(5)));
    drop(busy);
    ended(running).await;
    assert_eq!(dso.now(), minute(10));
}

#[tokio::test]
async fn a_successor_replaces_who_was_not_missed_yet() {
    let server = server(&["agr"]).await;
    let (first, busy) = VirtualClock::connect(server.address(), "agr").await.unwrap();
    drop(busy);
    server.run_until(minute(1)).await;
    let (second, busy) = VirtualClock::connect(server.address(), "agr").await.unwrap();
    assert_eq!(second.now(), minute(1));
    let running = running(&server, minute(2));
    sleep(WHILE).await;
    assert_eq!(server.now(), minute(1), "the successor is busy");
    drop((busy, first));
    ended(running).await;
    assert_eq!(second.now(), minute(2));
}

#[tokio::test]
async fn time_does_not_wait_for_who_was_dismissed() {
    let server = server(&["agr", "dso"]).await;
    let (_agr, busy) = VirtualClock::connect(server.address(), "agr").await.unwrap();
    drop(busy);
    let running = running(&server, minute(1));
    eventually(&server, |status| status.awaited().eq(["dso"])).await;
    server.dismiss("dso");
    ended(running).await;
}

/// A way to the server that can be cut.
async fn way_to(server: &TimeServer) -> (std::net::SocketAddr, watch::Sender<u32>) {
    let listener = TcpListener::bind(loopback()).await.unwrap();
    let (address, to) = (listener.local_addr().unwrap(), server.address());
    let cut = watch::Sender::new(0);
    let cuts = cut.clone();
    tokio::spawn(async move {
        while let Ok((mut near, _)) = listener.accept().await {
            let mut cuts = cuts.subscribe();
            tokio::spawn(async move {
                let mut far = TcpStream::connect(to).await.unwrap();
                tokio::select! {
                    _ = tokio::io::copy_bidirectional(&mut near, &mut far) => {}
                    _ = cuts.changed() => {}
                }
            });
        }
    });
    (address, cut)
}

#[tokio::test]
async fn a_connection_that_breaks_is_made_again_and_nothing_is_lost() {
    let server = server(&["agr"]).await;
    let (address, cut) = way_to(&server).await;
    let (agr, mut busy) = VirtualClock::connect(address, "agr").await.unwrap();
    let running = running(&server, minute(20));
    for number in 1..=20 {
        let wait = agr.wait_until(minute(number));
        drop(busy);
        cut.send_modify(|cuts| *cuts += 1);
        busy = timeout(PATIENCE, wait).await.unwrap();
        assert_eq!((agr.now(), server.now()), (minute(number), minute(number)));
    }
    drop(busy);
    ended(running).await;
}

#[tokio::test]
async fn a_server_that_was_started_anew_can_not_turn_time_back() {
    let first = server(&["agr"]).await;
    let (agr, busy) = VirtualClock::connect(first.address(), "agr").await.unwrap();
    drop(busy);
    first.run_until(minute(5)).await;
    let address = first.address();
    drop(first);
    let second = timeout(PATIENCE, async {
        loop {
            match TimeServer::bind(address, MIDNIGHT, ["agr"]).await {
                Ok(server) => return Arc::new(server),
                Err(_) => sleep(Duration::from_millis(5)).await,
            }
        }
    });
    let second = second.await.unwrap();
    let running = running(&second, minute(10));
    sleep(WHILE).await;
    assert_eq!((agr.now(), second.now()), (minute(5), MIDNIGHT));
    running.abort();
}
