//! The client's side of the opening handshake (RFC 6455 §4.1).

use std::io;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{
    CONNECTION, HOST, HeaderMap, HeaderValue, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_EXTENSIONS,
    SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL, SEC_WEBSOCKET_VERSION, UPGRADE,
};
use http::{Request, StatusCode, Uri};
use http_body_util::Empty;
use hyper_util::rt::TokioIo;
use rustls_pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::handshake::{accept_of, lists};
use super::{Config, Side, WebSocket, deflate};

/// How to reach servers.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Connector {
    /// Limits and sizes of the connections.
    pub config: Config,
    /// Trust and client certificate for `wss`. Without it a `wss` address is refused.
    pub tls: Option<Arc<rustls::ClientConfig>>,
    /// How long all of resolving, connecting, TLS and the handshake may take. Default: 30 seconds.
    pub timeout: Duration,
}

impl Default for Connector {
    fn default() -> Self {
        Self { config: Config::default(), tls: None, timeout: Duration::from_secs(30) }
    }
}

impl Connector {
    /// A connector for `wss` addresses as well.
    pub fn with_tls(mut self, tls: Arc<rustls::ClientConfig>) -> Self {
        self.tls = Some(tls);
        self
    }
}

/// An open connection and what the server chose.
#[derive(Debug)]
pub struct Connected {
    /// The connection.
    pub socket: WebSocket,
    /// The sub-protocol in the server's answer. It is one of those offered.
    pub protocol: Option<String>,
}

/// Why no connection came about.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// The address is not `ws://host…` or `wss://host…`, or is `wss` without TLS settings.
    #[error("the address cannot be used: {0}")]
    Address(&'static str),
    /// The server cannot be reached, or the connection broke.
    #[error("the server cannot be reached")]
    Unreachable(#[source] io::Error),
    /// TLS failed, most often because the certificate is not trusted.
    #[error("the TLS handshake failed")]
    Tls(#[source] io::Error),
    /// The server speaks no HTTP.
    #[error("the server does not speak HTTP")]
    Http(#[source] hyper::Error),
    /// It took too long.
    #[error("no connection within {0:?}")]
    TimedOut(Duration),
    /// The server answered with another status than 101.
    #[error("the server refused with status {0}")]
    Refused(StatusCode),
    /// The server's answer breaks the handshake.
    #[error("the server broke the handshake: {0}")]
    Handshake(&'static str),
}

impl ConnectError {
    /// Whether to try again later without a change: not if the address is unusable or the handshake is broken.
    /// After a refusal it depends on the protocol above; a server error may pass.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Address(_) | Self::Handshake(_) | Self::Http(_) => false,
            Self::Unreachable(_) | Self::Tls(_) | Self::TimedOut(_) => true,
            Self::Refused(status) => status.is_server_error() || *status == StatusCode::TOO_MANY_REQUESTS,
        }
    }
}

/// Opens a connection to a `ws` or `wss` address, offering the sub-protocols in order of preference. `headers` are
/// sent along, such as `Authorization`.
pub async fn connect(
    connector: &Connector,
    address: &Uri,
    protocols: &[&str],
    headers: HeaderMap,
) -> Result<Connected, ConnectError> {
    let connecting = Box::pin(open(connector, address, protocols, headers));
    tokio::time::timeout(connector.timeout, connecting)
        .await
        .unwrap_or(Err(ConnectError::TimedOut(connector.timeout)))
}

async fn open(
    connector: &Connector,
    address: &Uri,
    protocols: &[&str],
    headers: HeaderMap,
) -> Result<Connected, ConnectError> {
    let host = address.host().ok_or(ConnectError::Address("it names no host"))?;
    let name = host.trim_start_matches('[').trim_end_matches(']');
    let secure = match address.scheme_str() {
        Some("ws") => false,
        Some("wss") => true,
        _ => return Err(ConnectError::Address("it begins with neither ws:// nor wss://")),
    };
    let port = address.port_u16().unwrap_or(if secure { 443 } else { 80 });
    let request = Opening::new(address, protocols, headers, &connector.config)?;
    if !secure {
        return request.over(tcp(name, port).await?, protocols, &connector.config).await;
    }
    let tls = connector.tls.clone().ok_or(ConnectError::Address("it needs TLS, which is not configured"))?;
    let server = ServerName::try_from(name.to_owned())
        .map_err(|_| ConnectError::Address("the host is neither a name nor an address"))?;
    let stream = tcp(name, port).await?;
    let stream = TlsConnector::from(tls).connect(server, stream).await.map_err(ConnectError::Tls)?;
    request.over(stream, protocols, &connector.config).await
}

async fn tcp(host: &str, port: u16) -> Result<TcpStream, ConnectError> {
    let stream = TcpStream::connect((host, port)).await.map_err(ConnectError::Unreachable)?;
    stream.set_nodelay(true).map_err(ConnectError::Unreachable)?;
    Ok(stream)
}

/// The client's request, with the key that its answer must prove to know.
struct Opening {
    request: Request<Empty<Bytes>>,
    key: HeaderValue,
}

impl Opening {
    fn new(
        address: &Uri,
        protocols: &[&str],
        headers: HeaderMap,
        config: &Config,
    ) -> Result<Self, ConnectError> {
        let mut nonce = [0; 16];
        aws_lc_rs::rand::fill(&mut nonce)
            .map_err(|_| ConnectError::Unreachable(io::Error::other("no random numbers")))?;
        let key = HeaderValue::try_from(STANDARD.encode(nonce)).expect("Base64 is a header value");
        let authority = address.authority().map_or("", http::uri::Authority::as_str);
        let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);

        let mut request = Request::new(Empty::new());
        *request.uri_mut() =
            address.path_and_query().map_or_else(|| Uri::from_static("/"), |path| Uri::from(path.clone()));
        *request.headers_mut() = headers;
        let headers = request.headers_mut();
        let host =
            HeaderValue::try_from(host).map_err(|_| ConnectError::Address("the host is no header value"))?;
        headers.insert(HOST, host);
        headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
        headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
        headers.insert(SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
        headers.insert(SEC_WEBSOCKET_KEY, key.clone());
        if !protocols.is_empty() {
            let offer = HeaderValue::try_from(protocols.join(", "))
                .map_err(|_| ConnectError::Address("a sub-protocol is no header value"))?;
            headers.insert(SEC_WEBSOCKET_PROTOCOL, offer);
        }
        if config.deflate.is_some() {
            headers.insert(SEC_WEBSOCKET_EXTENSIONS, HeaderValue::from_static(deflate::OFFER));
        }
        Ok(Self { request, key })
    }

    async fn over<S>(self, io: S, protocols: &[&str], config: &Config) -> Result<Connected, ConnectError>
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let Self { request, key } = self;
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(io)).await.map_err(ConnectError::Http)?;
        let exchange = async {
            let response = sender.send_request(request).await.map_err(of_hyper)?;
            if response.status() != StatusCode::SWITCHING_PROTOCOLS {
                return Err(ConnectError::Refused(response.status()));
            }
            let (protocol, agreed) = check(response.headers(), &key, protocols, config)?;
            let upgraded = hyper::upgrade::on(response).await.map_err(of_hyper)?;
            Ok((upgraded, protocol, agreed))
        };
        // The connection only works while it is polled. It ends by itself when the socket has been handed over.
        let connection = async {
            let _ = connection.with_upgrades().await;
            std::future::pending::<()>().await;
        };
        let (upgraded, protocol, agreed) = tokio::select! {
            result = exchange => result?,
            () = connection => unreachable!("never completes"),
        };
        let socket = WebSocket::open(TokioIo::new(upgraded), Side::Client, agreed, config);
        Ok(Connected { socket, protocol })
    }
}

fn of_hyper(error: hyper::Error) -> ConnectError {
    if error.is_parse() {
        ConnectError::Http(error)
    } else {
        ConnectError::Unreachable(io::Error::other(error))
    }
}

/// Checks the server's answer and reads its choices.
fn check(
    headers: &HeaderMap,
    key: &HeaderValue,
    protocols: &[&str],
    config: &Config,
) -> Result<(Option<String>, Option<deflate::Agreed>), ConnectError> {
    if !lists(headers, &UPGRADE, "websocket") || !lists(headers, &CONNECTION, "upgrade") {
        return Err(ConnectError::Handshake("it does not upgrade to WebSocket"));
    }
    if headers.get(SEC_WEBSOCKET_ACCEPT) != Some(&accept_of(key.as_bytes())) {
        return Err(ConnectError::Handshake("Sec-WebSocket-Accept does not fit the key"));
    }
    let protocol = match headers.get(SEC_WEBSOCKET_PROTOCOL) {
        None => None,
        Some(chosen) => {
            let offered = protocols.iter().find(|offered| chosen.as_bytes() == offered.as_bytes());
            let offered =
                offered.ok_or(ConnectError::Handshake("it chose a sub-protocol that was not offered"))?;
            Some((*offered).to_owned())
        }
    };
    let agreed = deflate::read_answer(headers).map_err(ConnectError::Handshake)?;
    if agreed.is_some() && config.deflate.is_none() {
        return Err(ConnectError::Handshake("it compresses, which was not offered"));
    }
    Ok((protocol, agreed))
}
