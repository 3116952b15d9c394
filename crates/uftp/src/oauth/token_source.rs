use std::fmt;
use std::sync::Arc;

use http::header::{ACCEPT, AUTHORIZATION};
use http::{HeaderValue, StatusCode};
use jiff::Timestamp;
use tieline_types::Clock;
use tokio::sync::Mutex;

use super::token::Token;
use super::{ClientCredentials, OAuthError};
use crate::http_answer::{cause_of, read_body};

/// Gives out the bearer token of one client, and gets a new one when it must. A clone shares the token.
///
/// The token is replaced before its end; if that fails, the old one serves as long as it is valid. Only one request for a
/// token is under way at a time. `Debug` shows neither secret nor token.
#[derive(Clone)]
pub struct TokenSource {
    shared: Arc<Shared>,
}

struct Shared {
    http: reqwest::Client,
    credentials: ClientCredentials,
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    kept: Option<Kept>,
    /// The last failure, and until when it is not tried again.
    failed: Option<(Timestamp, OAuthError)>,
}

struct Kept {
    header: HeaderValue,
    renew_at: Timestamp,
    ends_at: Timestamp,
}

impl TokenSource {
    /// A source on these connections. Nothing is asked before the first token is needed.
    pub fn new(http: reqwest::Client, credentials: ClientCredentials, clock: Arc<dyn Clock>) -> Self {
        Self { shared: Arc::new(Shared { http, credentials, clock, state: Mutex::default() }) }
    }

    /// The value of the header `Authorization`, with a token that is valid now. It is marked as sensitive.
    pub async fn authorization(&self) -> Result<HeaderValue, OAuthError> {
        let mut state = self.shared.state.lock().await;
        let now = self.shared.clock.now();
        let valid = match &state.kept {
            Some(kept) if now < kept.renew_at => return Ok(kept.header.clone()),
            Some(kept) if now < kept.ends_at => Some(kept.header.clone()),
            _ => None,
        };
        let failure = match &state.failed {
            Some((until, failure)) if now < *until => failure.clone(),
            _ => match self.shared.ask().await {
                Ok(token) => {
                    let header = token.header.clone();
                    *state = State { kept: Some(self.shared.keep(token)), failed: None };
                    return Ok(header);
                }
                Err(failure) => {
                    tracing::warn!(token_endpoint = %self.shared.credentials.token_endpoint, cause = %failure, "no access token");
                    let pause = self.shared.credentials.pause_after_failure;
                    let until = self.shared.clock.now().checked_add(pause).unwrap_or(Timestamp::MAX);
                    state.failed = Some((until, failure.clone()));
                    failure
                }
            },
        };
        valid.ok_or(failure)
    }

    /// Says that a token was not taken: if it is the one that is kept, it is dropped.
    pub async fn refused(&self, authorization: &HeaderValue) {
        let mut state = self.shared.state.lock().await;
        if state.kept.as_ref().is_some_and(|kept| kept.header == *authorization) {
            state.kept = None;
        }
    }

    /// Sends a request with the token. If it is answered 401, the token is dropped and the request sent once more with a
    /// new one, unless its body is a stream, which can't be repeated.
    pub async fn send(&self, request: reqwest::RequestBuilder) -> Result<reqwest::Response, OAuthError> {
        let again = request.try_clone();
        let authorization = self.authorization().await?;
        let answer = send(request, authorization.clone()).await?;
        let Some(again) = again.filter(|_| answer.status() == StatusCode::UNAUTHORIZED) else {
            return Ok(answer);
        };
        self.refused(&authorization).await;
        let fresh = self.authorization().await?;
        send(again, fresh).await
    }
}

async fn send(
    request: reqwest::RequestBuilder,
    authorization: HeaderValue,
) -> Result<reqwest::Response, OAuthError> {
    let sent = request.header(AUTHORIZATION, authorization).send().await;
    sent.map_err(|error| OAuthError::NoAnswer(cause_of(&error)))
}

impl Shared {
    async fn ask(&self) -> Result<Token, OAuthError> {
        let credentials = &self.credentials;
        let request = self
            .http
            .post(credentials.token_endpoint.to_string())
            .header(ACCEPT, "application/json")
            .form(&credentials.form());
        let mut answer = request.send().await.map_err(|error| OAuthError::NoAnswer(cause_of(&error)))?;
        let body = read_body(&mut answer, credentials.answer_bytes).await.map_err(OAuthError::NoAnswer)?;
        Token::read(answer.status(), &body)
    }

    fn keep(&self, token: Token) -> Kept {
        let now = self.clock.now();
        let life = token.life.unwrap_or(self.credentials.default_life);
        let margin = self.credentials.renew_before.min(life / 2);
        let after = |pause| now.checked_add(pause).unwrap_or(Timestamp::MAX);
        Kept { header: token.header, renew_at: after(life.saturating_sub(margin)), ends_at: after(life) }
    }
}

impl fmt::Debug for TokenSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenSource").field("credentials", &self.shared.credentials).finish_non_exhaustive()
    }
}
