//! Participants that the configuration does not name.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use http::StatusCode;
use jiff::SignedDuration;
use tieline_interop::{NameServer, Signing, Zone};
use tieline_types::ManualClock;
use tieline_uftp::message::TestMessage;
use tieline_uftp::{Delivery, Payload, Role, SigningKey};
use tokio::net::TcpListener;

use crate::daemon::{Daemon, eventually, loopback, own, write_secret};
use crate::market::{Party, opened};
use crate::operator::{DSO, ISPS, need};
use crate::scene::{AGR, MORNING, at, fleet};

const SECRET: &str = "hush-hush";

/// Authorization server, address book and broker in one.
#[derive(Clone)]
struct Gopacs {
    address: SocketAddr,
    state: Arc<Mutex<Books>>,
}

#[derive(Default)]
struct Books {
    participants: Vec<(String, String)>,
    closed: bool,
    forms: Vec<String>,
    /// What came to the broker.
    posted: Vec<Bytes>,
}

impl Gopacs {
    async fn open() -> Self {
        let listener = TcpListener::bind((loopback(), 0)).await.unwrap();
        let gopacs = Self { address: listener.local_addr().unwrap(), state: Arc::default() };
        let app = axum::Router::new().fallback(answer).with_state(gopacs.clone());
        tokio::spawn(async move { axum::serve(listener, app).await });
        gopacs
    }

    fn list(&self, party: &Party) {
        let key = party.key.verifying_key().to_base64();
        self.state.lock().unwrap().participants.push((party.domain.clone(), key));
    }

    fn close(&self, closed: bool) {
        self.state.lock().unwrap().closed = closed;
    }

    async fn posted(&self, what: &str) -> Payload {
        eventually(what, async || {
            self.state.lock().unwrap().posted.first().cloned().map(|body| opened(&body))
        })
        .await
    }

    fn tables(&self, role: &str, secret: &Path) -> String {
        let (address, secret) = (self.address, secret.display());
        format!(
            "
[uftp.discovery.gopacs]
address_book = \"http://{address}/v3\"
broker = \"http://{address}/broker\"
token_endpoint = \"http://{address}/token\"
client_id = \"tieline\"
client_secret_file = \"{secret}\"
roles = [\"{role}\"]
"
        )
    }
}

fn secret_in(directory: &tempfile::TempDir) -> PathBuf {
    let file = directory.path().join("gopacs.secret");
    write_secret(&file, SECRET);
    file
}

async fn answer(
    State(gopacs): State<Gopacs>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> (StatusCode, String) {
    let mut books = gopacs.state.lock().unwrap();
    if uri.path() == "/token" {
        books.forms.push(String::from_utf8(body.to_vec()).unwrap());
        return (StatusCode::OK, r#"{"access_token":"t","token_type":"Bearer","expires_in":300}"#.to_owned());
    }
    if headers.get("authorization").is_none_or(|token| token != "Bearer t") {
        return (StatusCode::UNAUTHORIZED, String::new());
    }
    if books.closed {
        return (StatusCode::SERVICE_UNAVAILABLE, String::new());
    }
    if uri.path() == "/broker" {
        books.posted.push(body);
        return (StatusCode::OK, String::new());
    }
    let asked = uri.path().strip_prefix("/v3/participants/").unwrap();
    match books.participants.iter().find(|(domain, _)| domain == asked) {
        Some((domain, key)) => (StatusCode::OK, format!(r#"{{"domain":"{domain}","publicKey":"{key}"}}"#)),
        None => (StatusCode::NOT_FOUND, String::new()),
    }
}

/// An aggregator's node that knows nobody by name.
async fn aggregator(clock: &ManualClock, discovery: &str, files: &[(&str, &str)]) -> Daemon {
    let ip = loopback();
    let mut config = own("AGR", AGR, SocketAddr::new(ip, 8081), &[], "");
    config += discovery;
    config += &fleet(SocketAddr::new(ip, 9000), "30m");
    Daemon::start_beside(config, &SigningKey::from_seed(&[1; 32]), clock, 99, files).await
}

async fn status(party: &Party, node: &Daemon) -> u16 {
    let message = TestMessage { header: party.header(AGR) };
    match party.post(node.uftp(), message).await {
        Delivery::Delivered => 200,
        Delivery::Permanent { status, .. } => status.as_u16(),
        Delivery::Temporary { cause, .. } => cause[..3].parse().unwrap(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_sender_in_the_address_book_is_heard_and_answered_through_the_broker() {
    let clock = ManualClock::new(at(MORNING));
    let gopacs = Gopacs::open().await;
    let dso = Party::new(Role::Dso, DSO, &clock).await;
    let stranger = Party::new(Role::Dso, "stranger.example.com", &clock).await;
    gopacs.list(&dso);
    let directory = tempfile::tempdir().unwrap();
    let agr = aggregator(&clock, &gopacs.tables("DSO", &secret_in(&directory)), &[]).await;

    assert_eq!(status(&stranger, &agr).await, 419);
    let mut forger = Party::new(Role::Dso, DSO, &clock).await;
    forger.key = SigningKey::from_seed(&[9; 32]);
    assert_eq!(status(&forger, &agr).await, 401);
    assert_eq!(status(&dso, &agr).await, 200);
    let answer = gopacs.posted("an answer at the broker").await;
    assert!(matches!(answer, Payload::TestMessageResponse(_)), "{answer:?}");
    assert_eq!(answer.header().recipient_domain.as_str(), DSO);
    let form = format!("grant_type=client_credentials&client_id=tieline&client_secret={SECRET}");
    assert_eq!(gopacs.state.lock().unwrap().forms, [form]);
}

#[tokio::test]
async fn a_recipient_that_is_not_in_the_address_book_yet_is_looked_up_at_each_attempt() {
    let clock = ManualClock::new(at(MORNING));
    let gopacs = Gopacs::open().await;
    gopacs.close(true);
    let agr = Party::new(Role::Agr, AGR, &clock).await;
    let directory = tempfile::tempdir().unwrap();
    let secret = secret_in(&directory);
    let mut config = own("DSO", DSO, SocketAddr::new(loopback(), 8080), &[], "version = \"3.1.0\"");
    config += "[uftp.discovery]\nversion = \"3.0.0\"\n";
    config += &gopacs.tables("AGR", &secret);
    config += &need("\"agr.example.com\"", ISPS);
    let dso = Daemon::start(config, &SigningKey::from_seed(&[2; 32]), &clock, 77).await;

    // The address book is closed, then it has nobody: that is no reason to give up.
    dso.settle().await;
    gopacs.close(false);
    clock.advance(SignedDuration::from_secs(10));
    dso.settle().await;
    assert!(gopacs.state.lock().unwrap().posted.is_empty());
    gopacs.list(&agr);
    clock.advance(SignedDuration::from_mins(2));
    let request = gopacs.posted("the request at the broker").await;
    assert!(matches!(request, Payload::FlexRequest(_)), "{request:?}");
    assert_eq!(request.header().version.to_string(), "3.0.0");
}

#[tokio::test]
async fn a_sender_is_known_by_its_signed_records_and_not_by_others() {
    let clock = ManualClock::new(at(MORNING));
    let records =
        |party: &Party| format!("_DSO._usef.{} 300 IN TXT \"{}\"\n", party.domain, party.key.verifying_key());
    let signed = Party::new(Role::Dso, "dso.signed.test", &clock).await;
    let unsigned = Party::new(Role::Dso, "dso.unsigned.test", &clock).await;
    let absolute = |party: &Party| records(party).replacen(&party.domain, &format!("{}.", party.domain), 1);
    let zones = [
        Zone::signed("signed.test", &absolute(&signed)),
        Zone::signed("unsigned.test", &absolute(&unsigned)).with(Signing::Unsigned),
    ];
    let Some(server) = NameServer::start(&zones).unwrap() else {
        println!("skipped: no BIND (Debian: bind9, bind9-utils)");
        return;
    };
    let dns = |more: &str| format!("\n[uftp.discovery.dns]\nservers = [\"{}\"]\n{more}\n", server.address());
    let anchor = std::fs::read_to_string(server.trust_anchor()).unwrap();
    let agr = aggregator(&clock, &dns("trust_anchor_file = \"root.key\""), &[("root.key", &anchor)]).await;
    assert_eq!(status(&signed, &agr).await, 200);
    assert_eq!(status(&unsigned, &agr).await, 419);
    // By its own root nothing of this one is proved; without proofs all is believed.
    let agr = aggregator(&clock, &dns(""), &[]).await;
    assert_eq!(status(&signed, &agr).await, 419);
    let agr = aggregator(&clock, &dns("dnssec = false"), &[]).await;
    assert_eq!(status(&unsigned, &agr).await, 200);
}
