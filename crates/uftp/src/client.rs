//! Posting messages over HTTP.

use bytes::Bytes;
use http::header::CONTENT_TYPE;

use crate::http_answer::cause_of;
use crate::oauth::TokenSource;
use crate::{Delivery, Endpoint};

const TEXT_XML: &str = "text/xml; charset=utf-8";

/// How much of what a peer says about a refusal is kept, in bytes.
const MOST_OF_CAUSE: usize = 2048;

/// Posts sealed messages. A clone shares the connections.
///
/// Connections, time-outs, trust and redirects (307 and 308 only) are those of the HTTP client that it is made
/// with, which [`tieline_edge::HttpClient`] sets up. One call is one attempt; what becomes of a message that could
/// not be delivered is for its outbox to say.
#[derive(Debug, Clone)]
pub struct Client {
    http: reqwest::Client,
}

impl Client {
    /// A client on these connections.
    pub fn new(http: reqwest::Client) -> Self {
        Self { http }
    }

    /// Posts `sealed`, an envelope as [`seal`](crate::seal) made it, to `endpoint`.
    pub async fn post(&self, endpoint: &Endpoint, sealed: impl Into<Bytes>) -> Delivery {
        match self.request(endpoint, sealed.into()).send().await {
            Ok(answer) => delivery(endpoint, answer).await,
            Err(error) => not_sent(cause_of(&error)),
        }
    }

    /// [`Client::post`] to who wants a bearer token with it. Without a token nothing is posted, and that is temporary.
    pub async fn post_authorized(
        &self,
        endpoint: &Endpoint,
        sealed: impl Into<Bytes>,
        tokens: &TokenSource,
    ) -> Delivery {
        match tokens.send(self.request(endpoint, sealed.into())).await {
            Ok(answer) => delivery(endpoint, answer).await,
            Err(error) => not_sent(error.to_string()),
        }
    }

    fn request(&self, endpoint: &Endpoint, sealed: Bytes) -> reqwest::RequestBuilder {
        let request = self.http.post(endpoint.to_string()).header(CONTENT_TYPE, TEXT_XML);
        request.body(reqwest::Body::from(sealed))
    }
}

/// What the answer means.
async fn delivery(endpoint: &Endpoint, mut answer: reqwest::Response) -> Delivery {
    let status = answer.status();
    let text = if status.is_success() { String::new() } else { read_cause(&mut answer).await };
    let delivery = Delivery::of_answer(status, answer.headers(), &text);
    tracing::debug!(%endpoint, status = status.as_u16(), ?delivery, "message posted");
    delivery
}

/// The beginning of what the peer says. What does not come is not waited for beyond the client's time-out, and
/// does not change what the status says.
async fn read_cause(answer: &mut reqwest::Response) -> String {
    let mut text = Vec::new();
    while text.len() < MOST_OF_CAUSE {
        match answer.chunk().await {
            Ok(Some(chunk)) => text.extend_from_slice(&chunk[..chunk.len().min(MOST_OF_CAUSE - text.len())]),
            Ok(None) | Err(_) => break,
        }
    }
    String::from_utf8_lossy(&text).into_owned()
}

/// No answer: whatever the cause, the peer has not said no.
fn not_sent(cause: String) -> Delivery {
    tracing::debug!(%cause, "message not posted");
    Delivery::Temporary { cause, retry_after: None }
}
