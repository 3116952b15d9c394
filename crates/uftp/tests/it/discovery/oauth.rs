use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use http::StatusCode;
use jiff::SignedDuration;
use tieline_types::ManualClock;
use tieline_uftp::oauth::{ClientCredentials, OAuthError, Secret, TokenSource};
use tieline_uftp::{Client, Delivery};

use super::servers::{Asked, Server, http};

/// An authorization server whose tokens are numbered and live for 300 seconds, while it works.
pub(crate) struct Authorization {
    pub(crate) server: Server,
    works: Arc<AtomicBool>,
    pub(crate) clock: ManualClock,
    pub(crate) tokens: TokenSource,
}

impl Authorization {
    pub(crate) async fn start() -> Self {
        Self::with(|_| {}).await
    }

    async fn with(change: impl FnOnce(&mut ClientCredentials)) -> Self {
        let (works, count) = (Arc::new(AtomicBool::new(true)), AtomicU32::new(0));
        let working = Arc::clone(&works);
        let server = Server::start(move |_: &Asked| {
            if !working.load(Ordering::SeqCst) {
                return (StatusCode::UNAUTHORIZED, r#"{"error":"invalid_client"}"#.to_owned());
            }
            let number = count.fetch_add(1, Ordering::SeqCst) + 1;
            let token = format!(r#"{{"access_token":"t{number}","token_type":"Bearer","expires_in":300}}"#);
            (StatusCode::OK, token)
        })
        .await;
        let endpoint = format!("{}/token", server.base).parse().unwrap();
        let mut credentials = ClientCredentials::new(endpoint, "tieline & co", Secret::new("s3cret+/="));
        change(&mut credentials);
        let clock = ManualClock::new("2026-03-28T12:00:00Z".parse().unwrap());
        let tokens = TokenSource::new(http(), credentials, Arc::new(clock.clone()));
        Self { server, works, clock, tokens }
    }

    async fn header(&self) -> Result<String, OAuthError> {
        let header = self.tokens.authorization().await?;
        Ok(header.to_str().unwrap().to_owned())
    }

    fn works(&self, works: bool) {
        self.works.store(works, Ordering::SeqCst);
    }

    fn pass(&self, seconds: i64) {
        self.clock.advance(SignedDuration::from_secs(seconds));
    }
}

#[tokio::test]
async fn a_token_is_asked_for_by_a_form_and_renewed_before_its_end() {
    let authorization = Authorization::with(|credentials| {
        credentials.scope = Some("uftp".to_owned());
        credentials.audience = Some("https://broker.example.com".to_owned());
    })
    .await;
    assert_eq!(authorization.header().await.unwrap(), "Bearer t1");
    let [asked] = authorization.server.asked().try_into().unwrap();
    assert_eq!((asked.method.as_str(), asked.path.as_str()), ("POST", "/token"));
    assert_eq!(asked.header("content-type"), "application/x-www-form-urlencoded");
    let form = "grant_type=client_credentials&client_id=tieline+%26+co&client_secret=s3cret%2B%2F%3D&scope=uftp\
                &audience=https%3A%2F%2Fbroker.example.com";
    assert_eq!(asked.body, form);

    authorization.pass(239);
    assert_eq!(authorization.header().await.unwrap(), "Bearer t1");
    authorization.pass(1);
    assert_eq!(authorization.header().await.unwrap(), "Bearer t2");
    assert_eq!(authorization.server.asked().len(), 1);
}

#[tokio::test]
async fn many_at_once_are_one_request() {
    let authorization = Arc::new(Authorization::start().await);
    let asking: Vec<_> = (0..20)
        .map(|_| {
            let authorization = Arc::clone(&authorization);
            tokio::spawn(async move { authorization.header().await.unwrap() })
        })
        .collect();
    for one in asking {
        assert_eq!(one.await.unwrap(), "Bearer t1");
    }
    assert_eq!(authorization.server.asked().len(), 1);
}

#[tokio::test]
async fn an_old_token_serves_to_its_end_and_failures_are_not_repeated_at_once() {
    let authorization = Authorization::start().await;
    authorization.header().await.unwrap();
    authorization.works(false);
    authorization.pass(250);
    authorization.server.asked();
    for _ in 0..5 {
        assert_eq!(authorization.header().await.unwrap(), "Bearer t1");
    }
    assert_eq!(authorization.server.asked().len(), 1);
    authorization.pass(50);
    for _ in 0..5 {
        let refused = authorization.header().await.unwrap_err();
        assert!(matches!(&refused, OAuthError::Refused { said: Some(said), .. } if said == "invalid_client"));
    }
    assert_eq!(authorization.server.asked().len(), 1);
    authorization.works(true);
    authorization.pass(5);
    assert_eq!(authorization.header().await.unwrap(), "Bearer t2");
}

#[tokio::test]
async fn a_token_that_is_refused_is_replaced_and_the_request_repeated_once() {
    let authorization = Authorization::start().await;
    // Takes any but the first token.
    let broker = Server::start(|asked| match asked.header("authorization") {
        "Bearer t1" => (StatusCode::UNAUTHORIZED, String::new()),
        _ => (StatusCode::OK, String::new()),
    })
    .await;
    let (client, endpoint) = (Client::new(http()), broker.base.parse().unwrap());
    let post = async || client.post_authorized(&endpoint, "<SignedMessage/>", &authorization.tokens).await;
    assert_eq!(post().await, Delivery::Delivered);
    let asked = broker.asked();
    assert_eq!(
        asked.iter().map(|asked| asked.header("authorization")).collect::<Vec<_>>(),
        ["Bearer t1", "Bearer t2"]
    );
    assert!(asked.iter().all(
        |asked| asked.body == "<SignedMessage/>" && asked.header("content-type").starts_with("text/xml")
    ));
    assert_eq!(post().await, Delivery::Delivered);
    assert_eq!((broker.asked().len(), authorization.server.asked().len()), (1, 2));
}

#[tokio::test]
async fn who_refuses_every_token_is_asked_twice_and_no_more() {
    let authorization = Authorization::start().await;
    let broker = Server::start(|_| (StatusCode::UNAUTHORIZED, "no".to_owned())).await;
    let request = http().get(&broker.base);
    assert_eq!(authorization.tokens.send(request).await.unwrap().status(), StatusCode::UNAUTHORIZED);
    assert_eq!((broker.asked().len(), authorization.server.asked().len()), (2, 2));
}

#[tokio::test]
async fn without_a_token_nothing_is_posted_and_it_may_be_later() {
    let authorization = Authorization::start().await;
    authorization.works(false);
    let broker = Server::start(|_| (StatusCode::OK, String::new())).await;
    let (client, endpoint) = (Client::new(http()), broker.base.parse().unwrap());
    let delivery = client.post_authorized(&endpoint, "x", &authorization.tokens).await;
    let Delivery::Temporary { cause, .. } = delivery else { panic!("{delivery:?}") };
    assert!(cause.contains("invalid_client"), "{cause}");
    assert_eq!(broker.asked().len(), 0);
}

#[tokio::test]
async fn no_secret_is_shown() {
    let authorization = Authorization::start().await;
    authorization.header().await.unwrap();
    let shown = format!("{:?} {:?}", authorization.tokens, authorization.tokens.authorization().await);
    assert!(shown.contains("tieline & co") && !shown.contains("s3cret") && !shown.contains("t1"), "{shown}");
}

#[tokio::test]
async fn a_short_life_and_an_endless_answer_are_borne() {
    let authorization =
        Authorization::with(|credentials| credentials.renew_before = Duration::from_hours(1)).await;
    authorization.header().await.unwrap();
    authorization.pass(149);
    assert_eq!(authorization.header().await.unwrap(), "Bearer t1", "half its life is used");
    authorization.pass(1);
    assert_eq!(authorization.header().await.unwrap(), "Bearer t2");

    let authorization = Authorization::with(|credentials| credentials.answer_bytes = 10).await;
    let refused = authorization.header().await.unwrap_err();
    assert!(refused.to_string().contains("longer than 10 bytes"), "{refused}");
}
