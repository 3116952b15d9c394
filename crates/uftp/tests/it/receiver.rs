//! The endpoint, over real sockets.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use tieline_edge::PeerIdentity;
use tieline_types::ManualClock;
use tieline_uftp::server::{
    AddressBook, AddressBookError, FixedAddressBook, Inbox, InboxError, KnownParticipant, MemoryInbox,
    Receipt, Receiver, ReceiverConfig,
};
use tieline_uftp::{
    Decision, Limits, MESSAGE_PATH, Participant, Payload, Received, RejectionReason, Role, SignedMessage,
    Tolerance, Version, parse,
};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tower::ServiceExt as _;

use crate::fixtures::{key, names, read};

fn us() -> Vec<Participant> {
    vec![Participant { role: Role::Agr, domain: "agr.example.com".parse().unwrap() }]
}

fn book() -> FixedAddressBook {
    let dso = KnownParticipant::new(vec![key(Role::Dso).verifying_key()]);
    let cro = KnownParticipant::new(vec![key(Role::Cro).verifying_key()]);
    FixedAddressBook::new().with(Role::Dso, "dso.example.com".parse().unwrap(), dso).with(
        Role::Cro,
        "cro.example.com".parse().unwrap(),
        cro,
    )
}

async fn serve<I: Inbox, A: AddressBook>(inbox: I, book: A, config: ReceiverConfig) -> String {
    let clock = Arc::new(ManualClock::new("2026-03-28T12:00:00Z".parse().unwrap()));
    let receiver = Receiver::new(inbox, book, clock, config);
    let app = Router::new().route_service(MESSAGE_PATH, receiver);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move { axum::serve(listener, app).await });
    address
}

async fn start() -> (Arc<MemoryInbox>, String) {
    let inbox = Arc::new(MemoryInbox::new(100, Duration::from_millis(1500)));
    let address = serve(Arc::clone(&inbox), book(), ReceiverConfig::new(us())).await;
    (inbox, address)
}

/// Sends bytes as they are and returns the answer: status, head and body.
async fn exchange(address: &str, request: &[u8]) -> (u16, String, String) {
    let mut socket = TcpStream::connect(address).await.unwrap();
    socket.write_all(request).await.unwrap();
    let mut answer = Vec::new();
    socket.read_to_end(&mut answer).await.unwrap();
    let answer = String::from_utf8(answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, head.to_ascii_lowercase(), body.to_owned())
}

async fn post_as(address: &str, content_type: &str, body: &[u8]) -> (u16, String, String) {
    let mut request = format!(
        "POST {MESSAGE_PATH} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: {content_type}\r\n\
         Content-Length: {}\r\n\r\n",
        body.len()
    )
    .into_bytes();
    request.extend_from_slice(body);
    exchange(address, &request).await
}

async fn post(address: &str, body: &[u8]) -> (u16, String, String) {
    post_as(address, "text/xml; charset=utf-8", body).await
}

fn flex_request() -> Vec<u8> {
    read("library-python", "FlexRequest.signed.xml")
}

#[tokio::test]
async fn a_good_message_is_kept_with_its_bytes_and_answered_with_nothing() {
    let (inbox, address) = start().await;
    let (status, head, body) = post(&address, &flex_request()).await;
    assert_eq!((status, body.as_str()), (200, ""), "{head}");
    let [received] = inbox.take().try_into().unwrap();
    assert_eq!(received.envelope, flex_request());
    assert_eq!(received.payload_bytes, read("library-python", "FlexRequest.xml"));
    assert_eq!(received.sender.to_string(), "DSO dso.example.com");
    assert_eq!(received.received_at, "2026-03-28T12:00:00Z".parse().unwrap());
    assert_eq!(received.concerns, []);
}

#[tokio::test]
async fn what_stands_before_the_body_is_checked_first() {
    let (inbox, address) = start().await;
    let (status, head, _) = exchange(
        &address,
        format!("GET {MESSAGE_PATH} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").as_bytes(),
    )
    .await;
    assert_eq!(status, 405);
    assert!(head.contains("allow: post"), "{head}");

    let chunked = format!(
        "POST {MESSAGE_PATH} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: text/xml\r\n\
         Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n"
    );
    assert_eq!(exchange(&address, chunked.as_bytes()).await.0, 411);

    for wrong in ["application/json", "text/xml; charset=utf-16"] {
        assert_eq!(post_as(&address, wrong, &flex_request()).await.0, 400, "{wrong}");
    }
    assert_eq!(post_as(&address, "application/xml", &flex_request()).await.0, 200);

    let large = format!(
        "POST {MESSAGE_PATH} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: text/xml\r\n\
         Content-Length: 99999999999\r\n\r\n"
    );
    assert_eq!(exchange(&address, large.as_bytes()).await.0, 413);
    assert_eq!(inbox.take().len(), 1);
}

#[tokio::test]
async fn application_xml_can_be_refused() {
    let mut config = ReceiverConfig::new(us());
    config.application_xml = false;
    let address = serve(MemoryInbox::new(1, Duration::ZERO), book(), config).await;
    assert_eq!(post_as(&address, "application/xml", &flex_request()).await.0, 400);
}

#[tokio::test]
async fn each_bad_message_gets_its_status() {
    let (inbox, address) = start().await;
    let expected: serde_json::Value = serde_json::from_slice(&read("negative", "expected.json")).unwrap();
    let mut concerns = Vec::new();
    for name in names("negative") {
        let spec =
            expected.as_array().unwrap().iter().find(|entry| entry["name"] == *name).unwrap()["spec"].clone();
        let wanted =
            spec.as_str().unwrap().strip_prefix("HTTP ").map_or(200, |code| code[..3].parse().unwrap());
        let (status, _, body) = post(&address, &read("negative", &format!("{name}.signed.xml"))).await;
        assert_eq!(status, wanted, "{name}: {body}");
        assert_eq!(body.is_empty(), status == 200, "{name}: {body}");
        // One at a time: many of them share a MessageID.
        concerns.extend(inbox.take().into_iter().flat_map(|received| received.concerns));
    }
    assert!(concerns.contains(&RejectionReason::UnsupportedVersion(Version {
        major: 9,
        minor: 9,
        patch: 9
    })));
    assert!(concerns.contains(&RejectionReason::InvalidSender));
    assert_eq!(concerns.len(), 2, "{concerns:?}");
}

#[tokio::test]
async fn the_refusal_says_where() {
    let (_, address) = start().await;
    let (_, head, body) = post(&address, &read("negative", "xsd-isp-start-1.5.signed.xml")).await;
    assert!(head.contains("content-type: text/plain"), "{head}");
    assert!(body.starts_with("invalid message: ISP@Start: \"1.5\""), "{body}");
    for (garbage, told) in [
        (&b"not xml"[..], "invalid SignedMessage: text not allowed here"),
        (b"<FlexRequest/>", "invalid SignedMessage: FlexRequest: another message than expected"),
        (b"<SignedMessage SenderDomain='a.nl' SenderRole='BRP' Body=''/>", "SenderRole"),
        (b"<SignedMessage SenderDomain='localhost' SenderRole='DSO' Body=''/>", "SenderDomain"),
        (b"<SignedMessage SenderDomain='dso.example.com' SenderRole='DSO' Body='%'/>", "not Base64"),
        (b"<!DOCTYPE x [<!ENTITY e 'x'>]><SignedMessage/>", "document type"),
    ] {
        let (status, _, body) = post(&address, garbage).await;
        assert_eq!(status, 400);
        assert!(body.contains(told), "{body}");
    }
}

#[tokio::test]
async fn a_key_holds_for_its_role_and_domain_only() {
    let two = KnownParticipant::new(vec![key(Role::Agr).verifying_key(), key(Role::Dso).verifying_key()]);
    let book = book().with(Role::Dso, "dso.example.com".parse().unwrap(), two);
    let address = serve(MemoryInbox::new(9, Duration::ZERO), book, ReceiverConfig::new(us())).await;
    let payload = read("library-python", "FlexRequest.xml");
    let sealed = |domain: &str, role, with| {
        SignedMessage::seal(domain.parse().unwrap(), role, &payload, &key(with)).to_xml()
    };
    // Both of the DSO's keys are good, as at a change of keys.
    assert_eq!(post(&address, &sealed("dso.example.com", Role::Dso, Role::Agr)).await.0, 200);
    assert_eq!(post(&address, &sealed("dso.example.com", Role::Dso, Role::Cro)).await.0, 401);
    assert_eq!(post(&address, &sealed("dso.example.com", Role::Cro, Role::Dso)).await.0, 419);
    assert_eq!(post(&address, &sealed("cro.example.com", Role::Dso, Role::Dso)).await.0, 419);
}

#[tokio::test]
async fn a_message_for_others_or_of_another_role_is_kept_with_concerns() {
    let (inbox, address) = start().await;
    let text = String::from_utf8(read("library-python", "FlexRequest.xml")).unwrap();
    let for_others =
        text.replace("RecipientDomain=\"agr.example.com\"", "RecipientDomain=\"other.example.com\"");
    let sealed = SignedMessage::seal(
        "dso.example.com".parse().unwrap(),
        Role::Dso,
        for_others.as_bytes(),
        &key(Role::Dso),
    );
    assert_eq!(post(&address, &sealed.to_xml()).await.0, 200);
    let by_cro = text.replace("SenderDomain=\"dso.example.com\"", "SenderDomain=\"cro.example.com\"");
    let sealed = SignedMessage::seal(
        "cro.example.com".parse().unwrap(),
        Role::Cro,
        by_cro.as_bytes(),
        &key(Role::Cro),
    );
    assert_eq!(post(&address, &sealed.to_xml()).await.0, 200);
    // The same MessageID from another sender is another message.
    let concerns: Vec<_> = inbox.take().into_iter().map(|received| received.concerns).collect();
    assert_eq!(concerns, [vec![RejectionReason::UnknownRecipient], vec![RejectionReason::InvalidSender]]);
}

#[tokio::test]
async fn the_answer_goes_to_the_one_who_signed() {
    let (inbox, address) = start().await;
    assert_eq!(post(&address, &read("negative", "func-sender-mismatch.signed.xml")).await.0, 200);
    let [received] = inbox.take().try_into().unwrap();
    assert_eq!(received.payload.sender().as_str(), "fake.example.com");
    let id = "e5cf16ff-fe17-4a57-8c3c-d068f59030e5".parse().unwrap();
    let header = received.reply_header(&us()[0], id, received.received_at.into());
    let rejection = Decision::from(received.rejection().unwrap());
    let answer = received.payload.respond(&rejection, header).unwrap();
    assert_eq!(
        (answer.sender().as_str(), answer.recipient().as_str()),
        ("agr.example.com", "dso.example.com")
    );
    let Payload::FlexRequestResponse(answer) = answer else { panic!("{answer:?}") };
    assert_eq!(answer.response.rejection_reason.unwrap(), "Invalid Sender");
}

#[tokio::test]
async fn a_version_that_is_not_spoken_is_answered_in_the_newest_that_is() {
    let (inbox, address) = start().await;
    let text = String::from_utf8(read("library-python", "FlexRequest.xml")).unwrap();
    // The unreleased one is not spoken with this sender.
    for version in ["9.9.9", "4.0.0"] {
        let text = text.replace("Version=\"3.1.0\"", &format!("Version=\"{version}\""));
        let dso = "dso.example.com".parse().unwrap();
        let sealed = SignedMessage::seal(dso, Role::Dso, text.as_bytes(), &key(Role::Dso));
        assert_eq!(post(&address, &sealed.to_xml()).await.0, 200);
        let [received] = inbox.take().try_into().unwrap();
        let id = "e5cf16ff-fe17-4a57-8c3c-d068f59030e5".parse().unwrap();
        let header = received.reply_header(&us()[0], id, received.received_at.into());
        let rejection = Decision::from(received.rejection().unwrap());
        let answer = received.payload.respond(&rejection, header).unwrap();
        assert_eq!(answer.header().version, Version::V3_1_0, "{version}");
        assert_eq!(parse(&answer.to_xml(), &Tolerance::STRICT), Ok(answer.clone()));
        let (_, response) = answer.response().unwrap();
        let reason = response.rejection_reason.as_ref().unwrap();
        assert_eq!(*reason, *format!("Unsupported Version {version}"));
    }
}

#[tokio::test]
async fn tolerance_is_that_of_the_sender() {
    let (_, address) = start().await;
    let metering = read("library-python", "Metering-ean18.xml");
    let sealed =
        SignedMessage::seal("dso.example.com".parse().unwrap(), Role::Dso, &metering, &key(Role::Dso))
            .to_xml();
    assert_eq!(post(&address, &sealed).await.0, 400);

    let known = KnownParticipant::new(vec![key(Role::Dso).verifying_key()]).tolerating(Tolerance::LENIENT);
    let book = FixedAddressBook::new().with(Role::Dso, "dso.example.com".parse().unwrap(), known);
    let address = serve(MemoryInbox::new(1, Duration::ZERO), book, ReceiverConfig::new(us())).await;
    assert_eq!(post(&address, &sealed).await.0, 200);
}

#[tokio::test]
async fn a_repetition_is_taken_and_a_full_inbox_asks_to_come_back() {
    let inbox = MemoryInbox::new(1, Duration::from_millis(1500));
    let address = serve(inbox, book(), ReceiverConfig::new(us())).await;
    assert_eq!(post(&address, &flex_request()).await.0, 200);
    assert_eq!(post(&address, &flex_request()).await.0, 200);
    let other = read("negative", "func-sender-mismatch.signed.xml");
    assert_eq!(post(&address, &other).await.0, 200, "the same MessageID needs no room");
    let (status, head, _) = post(&address, &read("negative", "func-dst-spring-isp-93.signed.xml")).await;
    assert_eq!(status, 503);
    assert!(head.contains("retry-after: 2"), "{head}");
}

struct Broken;

impl Inbox for Broken {
    async fn accept(&self, received: Received) -> Result<Receipt, InboxError> {
        if received.payload.header().version == Version::V3_1_0 {
            Err(InboxError::Storage("disk full at /var/secret".into()))
        } else {
            Err(InboxError::Throttled { retry_after: Duration::from_secs(7) })
        }
    }
}

#[tokio::test]
async fn our_own_trouble_is_not_the_senders() {
    let address = serve(Broken, book(), ReceiverConfig::new(us())).await;
    let (status, _, body) = post(&address, &flex_request()).await;
    assert_eq!((status, body.as_str()), (500, "the message could not be stored"));
    let (status, head, _) = post(&address, &read("library-python", "FlexRequest-v3.0.0.signed.xml")).await;
    assert_eq!(status, 429);
    assert!(head.contains("retry-after: 7"), "{head}");
}

struct Unreachable;

impl AddressBook for Unreachable {
    async fn look_up(
        &self,
        _: Role,
        _: &tieline_types::Domain,
    ) -> Result<Option<Arc<KnownParticipant>>, AddressBookError> {
        Err(AddressBookError("no answer from 192.0.2.53".into()))
    }
}

#[tokio::test]
async fn a_failed_look_up_is_temporary() {
    let address = serve(MemoryInbox::new(1, Duration::ZERO), Unreachable, ReceiverConfig::new(us())).await;
    let (status, _, body) = post(&address, &flex_request()).await;
    assert_eq!(status, 419);
    assert!(!body.contains("192.0.2.53"), "{body}");
}

#[tokio::test]
async fn a_body_that_does_not_come_is_not_waited_for() {
    let mut config = ReceiverConfig::new(us());
    config.body_timeout = Duration::from_millis(50);
    let address = serve(MemoryInbox::new(1, Duration::ZERO), book(), config).await;
    let slow = format!(
        "POST {MESSAGE_PATH} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: text/xml\r\n\
         Content-Length: 100\r\n\r\n<Signed"
    );
    assert_eq!(exchange(&address, slow.as_bytes()).await.0, 408);
}

/// What has arrived of bodies takes room until they are answered, and gives it back however they end.
#[tokio::test]
async fn bodies_beyond_the_room_for_all_of_them_are_asked_to_come_back() {
    let mut config = ReceiverConfig::new(us());
    let message = flex_request();
    config.limits.envelope_bytes = message.len();
    config.bodies_bytes = message.len() + 100;
    config.retry_after = Duration::from_secs(7);
    let inbox = Arc::new(MemoryInbox::new(100, Duration::from_secs(1)));
    let address = serve(Arc::clone(&inbox), book(), config).await;
    let head = |length: usize| {
        format!(
            "POST {MESSAGE_PATH} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: text/xml\r\n\
             Content-Length: {length}\r\n\r\n"
        )
    };
    // An announcement alone takes no room, nor does a little of it too much.
    let mut slow = TcpStream::connect(&address).await.unwrap();
    slow.write_all(head(message.len()).as_bytes()).await.unwrap();
    slow.write_all(&message[..100]).await.unwrap();
    assert_eq!(post(&address, &message).await.0, 200);

    slow.write_all(&message[100..500]).await.unwrap();
    let refused = async {
        loop {
            let answer = post(&address, &message).await;
            if answer.0 != 200 {
                return answer;
            }
        }
    };
    let (status, head, _) = tokio::time::timeout(Duration::from_secs(10), refused).await.unwrap();
    assert_eq!(status, 503);
    assert!(head.contains("retry-after: 7"), "{head}");

    // The slow one is taken all the same, and leaves its room to the next.
    slow.write_all(&message[500..]).await.unwrap();
    let mut answer = String::new();
    slow.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert_eq!(post(&address, &message).await.0, 200);
}

#[tokio::test]
async fn limits_are_those_of_the_configuration() {
    let mut config = ReceiverConfig::new(us());
    config.limits = Limits { envelope_bytes: 1000, ..Limits::default() };
    let address = serve(MemoryInbox::new(1, Duration::ZERO), book(), config).await;
    assert_eq!(post(&address, &flex_request()).await.0, 413);
}

/// What is logged while `body` is posted, from 192.0.2.1.
async fn logged(body: Vec<u8>) -> String {
    let lines = Arc::new(Mutex::new(Vec::new()));
    let sink = Lines(Arc::clone(&lines));
    let subscriber = tracing_subscriber::fmt().with_ansi(false).with_writer(move || sink.clone()).finish();
    let clock = Arc::new(ManualClock::new("2026-03-28T12:00:00Z".parse().unwrap()));
    let receiver =
        Receiver::new(MemoryInbox::new(1, Duration::ZERO), book(), clock, ReceiverConfig::new(us()));
    let request = http::Request::post(MESSAGE_PATH)
        .header("content-type", "text/xml")
        .header("content-length", body.len())
        .extension(PeerIdentity::new("192.0.2.1:4000".parse().unwrap()))
        .body(axum::body::Body::from(body))
        .unwrap();
    {
        let _guard = tracing::subscriber::set_default(subscriber);
        receiver.oneshot(request).await.unwrap_or_else(|never| match never {});
    }
    String::from_utf8(lines.lock().unwrap().clone()).unwrap()
}

#[derive(Clone)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn a_refusal_is_logged_with_peer_sender_and_cause() {
    let line = logged(read("negative", "xsd-timezone-mars.signed.xml")).await;
    for part in [
        "WARN",
        "192.0.2.1:4000",
        "DSO",
        "dso.example.com",
        "status=400",
        "FlexRequest@TimeZone",
        "Mars/Olympus",
    ] {
        assert!(line.contains(part), "{part}: {line}");
    }
    let line = logged(read("negative", "unknown-sender-domain.signed.xml")).await;
    assert!(line.contains("status=419") && line.contains("unknown sender"), "{line}");
    // Nothing of a message is believed, or logged, before its signature is.
    let line = logged(read("negative", "wrong-key.signed.xml")).await;
    assert!(line.contains("status=401") && !line.contains("FlexRequest"), "{line}");
}
