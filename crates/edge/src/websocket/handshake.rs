//! The server's side of the opening handshake (RFC 6455 §4.2).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::{
    CONNECTION, HeaderMap, HeaderName, HeaderValue, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_EXTENSIONS,
    SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL, SEC_WEBSOCKET_VERSION, UPGRADE,
};
use http::{Method, Request, Response, StatusCode, Version};
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;

use super::deflate::{self, Agreed};
use super::{Config, Error, Side, WebSocket};

/// A client's wish to open a WebSocket, checked but not yet granted.
#[derive(Debug)]
pub struct Handshake {
    accept: HeaderValue,
    protocols: Vec<String>,
    offered: Option<Agreed>,
    upgrade: OnUpgrade,
}

impl Handshake {
    /// Reads the handshake of a request and takes over the right to upgrade its connection.
    pub fn read<B>(request: &mut Request<B>) -> Result<Self, Refusal> {
        if request.method() != Method::GET {
            return Err(Refusal::Method);
        }
        let headers = request.headers();
        if request.version() != Version::HTTP_11
            || !lists(headers, &CONNECTION, "upgrade")
            || !lists(headers, &UPGRADE, "websocket")
        {
            return Err(Refusal::NotAnUpgrade);
        }
        if headers.get(SEC_WEBSOCKET_VERSION).is_none_or(|version| version != "13") {
            return Err(Refusal::Version);
        }
        let key = headers.get(SEC_WEBSOCKET_KEY).ok_or(Refusal::Key)?;
        if STANDARD.decode(key.as_bytes()).map_or(true, |key| key.len() != 16) {
            return Err(Refusal::Key);
        }
        let accept = accept_of(key.as_bytes());
        let protocols = list(headers, &SEC_WEBSOCKET_PROTOCOL).map(str::to_owned).collect();
        let offered = deflate::choose(headers);
        let upgrade = request.extensions_mut().remove::<OnUpgrade>().ok_or(Refusal::NotAnUpgrade)?;
        Ok(Self { accept, protocols, offered, upgrade })
    }

    /// The sub-protocols that the client offers, in its order of preference.
    pub fn protocols(&self) -> impl Iterator<Item = &str> {
        self.protocols.iter().map(String::as_str)
    }

    /// Grants the wish: the response to send, with the chosen sub-protocol if any, and the connection that exists
    /// once it has been sent.
    pub fn accept(self, protocol: Option<&'static str>, config: &Config) -> (Response<()>, Upgrade) {
        let agreed = self.offered.filter(|_| config.deflate.is_some());
        let mut response = Response::new(());
        *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
        let headers = response.headers_mut();
        headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
        headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
        headers.insert(SEC_WEBSOCKET_ACCEPT, self.accept);
        if let Some(protocol) = protocol {
            headers.insert(SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(protocol));
        }
        if let Some(agreed) = agreed {
            headers.insert(SEC_WEBSOCKET_EXTENSIONS, HeaderValue::from_static(agreed.as_header()));
        }
        (response, Upgrade { pending: self.upgrade, agreed, config: config.clone() })
    }
}

/// A granted handshake whose connection comes into being when its response has been sent.
#[derive(Debug)]
pub struct Upgrade {
    pending: OnUpgrade,
    agreed: Option<Agreed>,
    config: Config,
}

impl Upgrade {
    /// Waits until the response has been sent and returns the open connection.
    pub async fn finish(self) -> Result<WebSocket, Error> {
        let upgraded = self.pending.await.map_err(|error| Error::Io(std::io::Error::other(error)))?;
        Ok(WebSocket::open(TokioIo::new(upgraded), Side::Server, self.agreed, &self.config))
    }
}

/// Why a request does not open a WebSocket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// Not GET.
    #[error("the method is not GET")]
    Method,
    /// No upgrade from HTTP/1.1 to WebSocket is asked for.
    #[error("the request does not ask to upgrade HTTP/1.1 to WebSocket")]
    NotAnUpgrade,
    /// Another version than 13.
    #[error("Sec-WebSocket-Version is not 13")]
    Version,
    /// No key, or one that is not the Base64 of 16 octets.
    #[error("Sec-WebSocket-Key is not the Base64 of 16 octets")]
    Key,
}

impl Refusal {
    /// The response that says so: 405, 426 with what is supported, or 400.
    pub fn response(self) -> Response<()> {
        let (status, header) = match self {
            Self::Method => (StatusCode::METHOD_NOT_ALLOWED, Some((http::header::ALLOW, "GET"))),
            Self::NotAnUpgrade => (StatusCode::UPGRADE_REQUIRED, Some((UPGRADE, "websocket"))),
            Self::Version => (StatusCode::UPGRADE_REQUIRED, Some((SEC_WEBSOCKET_VERSION, "13"))),
            Self::Key => (StatusCode::BAD_REQUEST, None),
        };
        let mut response = Response::new(());
        *response.status_mut() = status;
        if let Some((name, value)) = header {
            response.headers_mut().insert(name, HeaderValue::from_static(value));
        }
        if status == StatusCode::UPGRADE_REQUIRED {
            response.headers_mut().insert(CONNECTION, HeaderValue::from_static("Upgrade"));
        }
        response
    }
}

/// The value that proves that the server understood the key (RFC 6455 §4.2.2).
pub(super) fn accept_of(key: &[u8]) -> HeaderValue {
    let mut context = aws_lc_rs::digest::Context::new(&aws_lc_rs::digest::SHA1_FOR_LEGACY_USE_ONLY);
    context.update(key);
    context.update(b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11");
    HeaderValue::try_from(STANDARD.encode(context.finish())).expect("Base64 is a header value")
}

/// The comma separated elements of all headers of this name.
fn list<'h>(headers: &'h HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'h str> {
    headers
        .get_all(name)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .filter(|element| !element.is_empty())
}

pub(super) fn lists(headers: &HeaderMap, name: &HeaderName, wanted: &str) -> bool {
    list(headers, name).any(|element| element.eq_ignore_ascii_case(wanted))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request() -> Request<()> {
        Request::builder()
            .uri("/ocpp/CS001")
            .header(CONNECTION, "keep-alive, Upgrade")
            .header(UPGRADE, "WebSocket")
            .header(SEC_WEBSOCKET_VERSION, "13")
            .header(SEC_WEBSOCKET_KEY, "dGhlIHNhbXBsZSBub25jZQ==")
            .body(())
            .unwrap()
    }

    #[test]
    fn the_accept_value_is_that_of_the_standard() {
        // RFC 6455 §1.3.
        assert_eq!(accept_of(b"dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    }

    #[test]
    fn what_is_no_handshake_is_refused_with_the_right_status() {
        type Change = fn(&mut Request<()>);
        let cases: [(Change, Refusal, u16); 7] = [
            (|r| *r.method_mut() = Method::POST, Refusal::Method, 405),
            (|r| *r.version_mut() = Version::HTTP_10, Refusal::NotAnUpgrade, 426),
            (|r| drop(r.headers_mut().remove(UPGRADE)), Refusal::NotAnUpgrade, 426),
            (|r| drop(r.headers_mut().remove(CONNECTION)), Refusal::NotAnUpgrade, 426),
            (|r| drop(r.headers_mut().insert(SEC_WEBSOCKET_VERSION, 8.into())), Refusal::Version, 426),
            (|r| drop(r.headers_mut().remove(SEC_WEBSOCKET_KEY)), Refusal::Key, 400),
            (
                |r| drop(r.headers_mut().insert(SEC_WEBSOCKET_KEY, HeaderValue::from_static("c2hvcnQ="))),
                Refusal::Key,
                400,
            ),
        ];
        for (change, refusal, status) in cases {
            let mut request = request();
            change(&mut request);
            assert_eq!(Handshake::read(&mut request).unwrap_err(), refusal);
            assert_eq!(refusal.response().status(), status);
        }
    }

    #[test]
    fn a_request_whose_connection_cannot_be_upgraded_is_refused() {
        assert_eq!(Handshake::read(&mut request()).unwrap_err(), Refusal::NotAnUpgrade);
    }
}
