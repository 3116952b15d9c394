use std::fmt;
use std::time::Duration;

use http::StatusCode;
use reqwest::redirect::{Action, Attempt, Policy};

use crate::EdgeError;
use crate::tls::ClientTls;

const USER_AGENT: &str = concat!("tieline/", env!("CARGO_PKG_VERSION"));

/// The settings of an HTTP client. [`build`](Self::build) makes the client; it is the one way to make one.
///
/// Redirects are followed for 307 and 308 only, which keep method and body. Any other redirect is
/// returned as the answer it is, since following a 301, 302 or 303 would turn a POST into a GET.
/// None leads from `https` to `http`. The environment (`HTTP_PROXY` and the like) is not read.
///
/// ```
/// use std::time::Duration;
/// use tieline_edge::HttpClient;
/// use tieline_edge::tls::ClientTls;
///
/// let seconds = Duration::from_secs;
/// let client = HttpClient::new(ClientTls::platform()).with_timeouts(seconds(5), seconds(10), seconds(30)).build()?;
/// # Ok::<(), tieline_edge::EdgeError>(())
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct HttpClient {
    /// Whom to trust and who we are.
    pub tls: ClientTls,
    /// How long to wait for a connection, TLS included. Default: 10 seconds.
    pub connect_timeout: Duration,
    /// How long the server may be silent while an answer is awaited or read. Default: 30 seconds.
    pub read_timeout: Duration,
    /// How long a request may take from its start to the last byte of the answer. Default: 60 seconds.
    pub timeout: Duration,
    /// How many redirects are followed; one more is an error. Default: 2.
    pub max_redirects: usize,
    /// How long an idle connection is kept for the next request. Default: 20 seconds, less than servers keep theirs.
    pub idle_timeout: Duration,
    /// How many idle connections are kept per host. Default: 8.
    pub max_idle_per_host: usize,
    /// The proxy for all requests. Default: none.
    pub proxy: Option<Proxy>,
    /// Whether only `https` may be asked for. Default: true.
    pub https_only: bool,
}

impl HttpClient {
    /// A client with these TLS settings and the defaults for all else.
    pub fn new(tls: ClientTls) -> Self {
        Self {
            tls,
            connect_timeout: Duration::from_secs(10),
            read_timeout: Duration::from_secs(30),
            timeout: Duration::from_mins(1),
            max_redirects: 2,
            idle_timeout: Duration::from_secs(20),
            max_idle_per_host: 8,
            proxy: None,
            https_only: true,
        }
    }

    /// The same with other time-outs.
    pub fn with_timeouts(mut self, connect: Duration, read: Duration, total: Duration) -> Self {
        (self.connect_timeout, self.read_timeout, self.timeout) = (connect, read, total);
        self
    }

    /// The same through a proxy.
    pub fn with_proxy(mut self, proxy: Proxy) -> Self {
        self.proxy = Some(proxy);
        self
    }

    /// The same, and `http` may be asked for as well.
    pub fn allowing_plain_text(mut self) -> Self {
        self.https_only = false;
        self
    }

    /// Reads the certificate files and makes the client. A clone of it shares its connections.
    pub fn build(&self) -> Result<reqwest::Client, EdgeError> {
        let max_redirects = self.max_redirects;
        #[expect(clippy::disallowed_methods, reason = "this is the one place that makes a client")]
        let builder = reqwest::Client::builder()
            .user_agent(USER_AGENT)
            .tls_backend_preconfigured(self.tls.load()?)
            .connect_timeout(self.connect_timeout)
            .read_timeout(self.read_timeout)
            .timeout(self.timeout)
            .pool_idle_timeout(self.idle_timeout)
            .pool_max_idle_per_host(self.max_idle_per_host)
            .redirect(Policy::custom(move |attempt| redirect(attempt, max_redirects)))
            .referer(false)
            .http1_only()
            .tcp_nodelay(true)
            .https_only(self.https_only)
            .no_proxy();
        let builder = match &self.proxy {
            Some(proxy) => builder.proxy(reqwest::Proxy::all(&proxy.0).map_err(EdgeError::HttpClient)?),
            None => builder,
        };
        builder.build().map_err(EdgeError::HttpClient)
    }
}

fn redirect(attempt: Attempt<'_>, max: usize) -> Action {
    let keeps_body =
        matches!(attempt.status(), StatusCode::TEMPORARY_REDIRECT | StatusCode::PERMANENT_REDIRECT);
    let was_https = attempt.previous().last().is_some_and(|url| url.scheme() == "https");
    if !keeps_body {
        attempt.stop()
    } else if was_https && attempt.url().scheme() != "https" {
        attempt.error("a redirect leads from https to http")
    } else if attempt.previous().len() > max {
        attempt.error("too many redirects")
    } else {
        attempt.follow()
    }
}

/// The address of a proxy: `http://host:port`, with `user:password@` if it asks. `Debug` shows no credentials.
#[derive(Clone, PartialEq, Eq)]
pub struct Proxy(String);

impl Proxy {
    /// The proxy at this address. Whether it can be used shows in [`HttpClient::build`].
    pub fn new(address: impl Into<String>) -> Self {
        Self(address.into())
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = self.0.rsplit_once('@').map_or(self.0.as_str(), |(_, place)| place);
        write!(f, "Proxy({place})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxys_password_is_not_shown() {
        let shown = format!("{:?}", Proxy::new("http://me:secret@proxy.example.com:3128"));
        assert_eq!(shown, "Proxy(proxy.example.com:3128)");
    }
}
