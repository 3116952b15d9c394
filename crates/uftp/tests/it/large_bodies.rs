//! What bodies cost whose senders have not shown who they are.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use tieline_types::{Domain, ManualClock};
use tieline_uftp::server::{
    AddressBook, AddressBookError, KnownParticipant, MemoryInbox, Receiver, ReceiverConfig,
};
use tieline_uftp::{Limits, MESSAGE_PATH, Participant, Role};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

const MIB: usize = 1024 * 1024;
const LARGE: usize = 40 * MIB;
/// What sockets, tasks and the allocator may take beside the bodies.
const BESIDE: usize = 6 * MIB;
const POSTS: usize = 64;

/// Knows nobody, and counts who asks.
#[derive(Clone, Default)]
struct Asked(Arc<AtomicUsize>);

impl AddressBook for Asked {
    async fn look_up(&self, _: Role, _: &Domain) -> Result<Option<Arc<KnownParticipant>>, AddressBookError> {
        self.0.fetch_add(1, Ordering::Relaxed);
        Ok(None)
    }
}

async fn serve(limits: Limits, asked: &Asked) -> (String, usize) {
    let mut config = ReceiverConfig::new(vec![Participant {
        role: Role::Agr,
        domain: "agr.example.com".parse().unwrap(),
    }]);
    config.limits = limits;
    let bodies = config.bodies_bytes;
    let clock = Arc::new(ManualClock::new("2026-03-28T12:00:00Z".parse().unwrap()));
    let receiver = Receiver::new(MemoryInbox::new(100, Duration::ZERO), asked.clone(), clock, config);
    let app = Router::new().route_service(MESSAGE_PATH, receiver);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move { axum::serve(listener, app).await });
    (address, bodies)
}

/// Posts so many bytes of one letter after a beginning, and returns the status. It holds none of them itself.
async fn post(address: String, beginning: &'static str, bytes: usize) -> u16 {
    static LETTERS: [u8; 64 * 1024] = [b'A'; 64 * 1024];
    let head = format!(
        "POST {MESSAGE_PATH} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: text/xml\r\n\
         Content-Length: {bytes}\r\n\r\n{beginning}"
    );
    let socket = TcpStream::connect(address).await.unwrap();
    let (mut answers, mut requests) = socket.into_split();
    let sending = tokio::spawn(async move {
        requests.write_all(head.as_bytes()).await?;
        let mut left = bytes - beginning.len();
        while left > 0 {
            let now = left.min(LETTERS.len());
            requests.write_all(&LETTERS[..now]).await?;
            left -= now;
        }
        Ok::<_, std::io::Error>(requests)
    });
    let mut answer = [0; 64];
    let read = answers.read(&mut answer).await.unwrap();
    sending.abort();
    let answer = std::str::from_utf8(&answer[..read]).unwrap();
    answer.split(' ').nth(1).unwrap_or_else(|| panic!("no status in {answer:?}")).parse().unwrap()
}

/// Memory of this process in RAM, in bytes: now, and the most since it was last forgotten.
fn memory() -> (usize, usize) {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let of = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        line.trim().trim_end_matches(" kB").parse::<usize>().unwrap() * 1024
    };
    (of("VmRSS:"), of("VmHWM:"))
}

/// What is posted at the same time; the most memory that it took, and the statuses.
async fn cost(address: &str, beginning: &'static str, bytes: usize, times: usize) -> (usize, Vec<u16>) {
    fs::write("/proc/self/clear_refs", "5").unwrap();
    let (before, _) = memory();
    let posts: JoinSet<u16> = (0..times).map(|_| post(address.to_owned(), beginning, bytes)).collect();
    let statuses = posts.join_all().await;
    (memory().1.saturating_sub(before), statuses)
}

#[tokio::test]
async fn beyond_the_limit_nothing_is_held_and_nobody_looked_up() {
    let asked = Asked::default();
    let (address, _) = serve(Limits::default(), &asked).await;
    let beginning = r#"<SignedMessage SenderDomain="dso.example.com" SenderRole="DSO" Body=""#;
    let (cost, statuses) = cost(&address, beginning, LARGE, 8).await;
    assert_eq!(statuses, [413; 8]);
    assert!(cost < BESIDE, "{cost} bytes");
    assert_eq!(asked.0.load(Ordering::Relaxed), 0);
}

/// As large as is allowed, and cut off before it says who it is of.
#[tokio::test]
async fn one_within_the_limit_takes_its_bytes_and_no_more() {
    let asked = Asked::default();
    let (address, _) = serve(Limits { envelope_bytes: LARGE, ..Limits::default() }, &asked).await;
    let (cost, statuses) = cost(&address, "<SignedMessage Body=\"", LARGE, 1).await;
    assert_eq!(statuses, [400]);
    assert!(cost < LARGE + BESIDE, "{cost} bytes");
    assert_eq!(asked.0.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn many_take_no_more_than_there_is_room_for() {
    let asked = Asked::default();
    let limits = Limits::default();
    let (address, room) = serve(limits, &asked).await;
    let (cost, statuses) = cost(&address, "<SignedMessage Body=\"", limits.envelope_bytes, POSTS).await;
    assert!(statuses.iter().all(|status| [400, 503].contains(status)), "{statuses:?}");
    // A body that grows is moved now and then, and each connection has a buffer.
    assert!(POSTS * limits.envelope_bytes > 3 * room && cost < 2 * room, "{cost} bytes");
    assert_eq!(asked.0.load(Ordering::Relaxed), 0);
}
