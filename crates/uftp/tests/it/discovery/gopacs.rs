use std::sync::Arc;
use std::sync::Mutex;

use http::StatusCode;
use jiff::SignedDuration;
use tieline_types::Domain;
use tieline_uftp::discovery::{Destinations as _, DiscoveryError, GopacsAddressBook, GopacsConfig};
use tieline_uftp::oauth::OAuthError;
use tieline_uftp::server::AddressBook as _;
use tieline_uftp::{Endpoint, Role};

use super::oauth::Authorization;
use super::servers::{Server, http};
use super::zone::key;

struct Gopacs {
    server: Server,
    answer: Arc<Mutex<(StatusCode, String)>>,
    authorization: Authorization,
    book: GopacsAddressBook,
}

fn entry(domain: &str, seed: u8) -> String {
    let key = key(seed).verifying_key().to_base64();
    format!(r#"{{"domain":"{domain}","publicKey":"{key}","endpoint":null,"since":{{"year":2026}}}}"#)
}

impl Gopacs {
    async fn start() -> Self {
        let answer = Arc::new(Mutex::new((StatusCode::OK, entry("dso.example.com", 1))));
        let answering = Arc::clone(&answer);
        let server = Server::start(move |_| answering.lock().unwrap().clone()).await;
        let authorization = Authorization::start().await;
        let base: Endpoint = format!("{}/uftp-participants/v3/", server.base).parse().unwrap();
        let config = GopacsConfig::new(
            base,
            "https://broker.example.com/shapeshifter/api/v3/message".parse().unwrap(),
        );
        let clock = Arc::new(authorization.clock.clone());
        let book = GopacsAddressBook::new(http(), authorization.tokens.clone(), config, clock);
        Self { server, answer, authorization, book }
    }

    fn answers(&self, status: StatusCode, body: impl Into<String>) {
        *self.answer.lock().unwrap() = (status, body.into());
    }

    fn pass(&self, seconds: i64) {
        self.authorization.clock.advance(SignedDuration::from_secs(seconds));
    }

    async fn fails(&self, status: StatusCode, body: impl Into<String>) -> DiscoveryError {
        self.answers(status, body);
        self.pass(3600);
        self.book.participant(&dso()).await.unwrap_err()
    }
}

fn dso() -> Domain {
    "dso.example.com".parse().unwrap()
}

#[tokio::test]
async fn a_participant_is_its_key_and_the_broker_of_all() {
    let gopacs = Gopacs::start().await;
    let known = gopacs.book.look_up(Role::Dso, &dso()).await.unwrap().unwrap();
    assert_eq!(known.keys, [key(1).verifying_key()]);
    let [asked] = gopacs.server.asked().try_into().unwrap();
    assert_eq!(
        (asked.method.as_str(), asked.path.as_str()),
        ("GET", "/uftp-participants/v3/participants/dso.example.com")
    );
    assert_eq!((asked.header("authorization"), asked.header("accept")), ("Bearer t1", "application/json"));

    let destination = gopacs.book.destination(Role::Dso, &dso()).await.unwrap().unwrap();
    assert_eq!(destination.endpoint.uri().host(), Some("broker.example.com"));
    assert!(destination.tokens.is_some());
    assert_eq!(gopacs.server.asked().len(), 0, "it is kept");
    gopacs.pass(3600);
    gopacs.book.look_up(Role::Dso, &dso()).await.unwrap();
    assert_eq!(gopacs.server.asked().len(), 1, "for an hour");
}

#[tokio::test]
async fn only_the_roles_that_it_is_for_are_looked_up() {
    let gopacs = Gopacs::start().await;
    for role in [Role::Agr, Role::Cro] {
        assert_eq!(gopacs.book.look_up(role, &dso()).await.unwrap(), None);
        assert_eq!(gopacs.book.look_up_again(role, &dso()).await.unwrap(), None);
        assert!(gopacs.book.destination(role, &dso()).await.unwrap().is_none());
    }
    assert_eq!(gopacs.server.asked().len(), 0);
}

#[tokio::test]
async fn not_found_is_nobody_and_all_else_is_later() {
    let gopacs = Gopacs::start().await;
    gopacs.answers(StatusCode::NOT_FOUND, r#"{"status":404}"#);
    for _ in 0..3 {
        assert_eq!(gopacs.book.participant(&dso()).await.unwrap(), None);
        assert!(gopacs.book.destination(Role::Dso, &dso()).await.unwrap().is_none());
    }
    assert_eq!(gopacs.server.asked().len(), 1);
    gopacs.pass(60);
    gopacs.answers(StatusCode::OK, entry("dso.example.com", 1));
    assert!(gopacs.book.participant(&dso()).await.unwrap().is_some());

    for status in [
        StatusCode::BAD_REQUEST,
        StatusCode::FORBIDDEN,
        StatusCode::INTERNAL_SERVER_ERROR,
        StatusCode::SEE_OTHER,
    ] {
        let failure = gopacs.fails(status, "").await;
        assert!(failure.is_retryable() && matches!(failure, DiscoveryError::Status(said) if said == status));
    }
    let other = gopacs.fails(StatusCode::OK, entry("other.example.com", 1)).await;
    assert!(
        matches!(other, DiscoveryError::OtherParticipant { answered, .. } if answered == "other.example.com")
    );
    for body in ["", "[]", "{}", r#"{"domain":"dso.example.com"}"#, r#"{"domain":5,"publicKey":"x"}"#] {
        assert!(matches!(gopacs.fails(StatusCode::OK, body).await, DiscoveryError::Unusable(_)), "{body}");
    }
    let key = r#"{"domain":"dso.example.com","publicKey":"AAAA"}"#;
    assert!(matches!(gopacs.fails(StatusCode::OK, key).await, DiscoveryError::Key { .. }));
    let long = format!("{}{}", entry("dso.example.com", 1), " ".repeat(64 * 1024));
    let failure = gopacs.fails(StatusCode::OK, long).await;
    assert!(failure.to_string().contains("longer than 65536 bytes"), "{failure}");
}

#[tokio::test]
async fn a_token_that_is_refused_is_replaced() {
    let gopacs = Gopacs::start().await;
    gopacs.answers(StatusCode::UNAUTHORIZED, "");
    let failure = gopacs.book.participant(&dso()).await.unwrap_err();
    assert!(matches!(failure, DiscoveryError::Status(StatusCode::UNAUTHORIZED)));
    let tokens: Vec<String> =
        gopacs.server.asked().iter().map(|asked| asked.header("authorization").to_owned()).collect();
    assert_eq!(tokens, ["Bearer t1", "Bearer t2"]);
}

#[tokio::test]
async fn a_new_key_is_found_by_looking_again() {
    let gopacs = Gopacs::start().await;
    gopacs.book.look_up(Role::Dso, &dso()).await.unwrap();
    gopacs.answers(StatusCode::OK, entry("dso.example.com", 2));
    gopacs.pass(60);
    let newer = gopacs.book.look_up_again(Role::Dso, &dso()).await.unwrap().unwrap();
    assert_eq!(newer.keys, [key(2).verifying_key()]);
}

#[tokio::test]
async fn a_contracts_participants_are_one_or_more_or_nobody() {
    let gopacs = Gopacs::start().await;
    let found = gopacs.book.contract_participants("C/1 ?", Role::Agr).await.unwrap();
    assert_eq!((found.len(), found[0].public_key), (1, key(1).verifying_key()));
    let [asked] = gopacs.server.asked().try_into().unwrap();
    assert_eq!(asked.path, "/uftp-participants/v3/participants/contracts/C%2F1%20%3F/roles/AGR");
    gopacs.answers(StatusCode::OK, format!("[{},{}]", entry("a.example.com", 1), entry("b.example.com", 2)));
    assert_eq!(gopacs.book.contract_participants("7", Role::Dso).await.unwrap().len(), 2);
    gopacs.answers(StatusCode::OK, format!("[{}]", entry("NOT.A.DOMAIN", 1)));
    assert!(matches!(
        gopacs.book.contract_participants("7", Role::Dso).await,
        Err(DiscoveryError::Unusable(_))
    ));
    gopacs.answers(StatusCode::NOT_FOUND, "");
    assert_eq!(gopacs.book.contract_participants("7", Role::Dso).await.unwrap(), []);
}

#[tokio::test]
async fn without_an_address_book_or_without_tokens_it_is_later() {
    let gopacs = Gopacs::start().await;
    let nowhere = GopacsConfig::new(
        "http://127.0.0.1:9/".parse().unwrap(),
        "https://broker.example.com/".parse().unwrap(),
    );
    let clock = Arc::new(gopacs.authorization.clock.clone());
    let book = GopacsAddressBook::new(http(), gopacs.authorization.tokens.clone(), nowhere, clock);
    let failure = book.participant(&dso()).await.unwrap_err();
    assert!(matches!(&failure, DiscoveryError::OAuth(OAuthError::NoAnswer(_))), "{failure}");
    assert!(failure.is_retryable());
}
