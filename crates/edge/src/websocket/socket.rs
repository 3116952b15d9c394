//! An open connection.

use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_util::{Sink, SinkExt};
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use yawc::{Frame, OpCode};

use super::deflate::Agreed;
use super::{CloseCode, CloseFrame, Config, Error, Message, Text};

/// Which end of the connection this is: a client masks what it sends, a server does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The end that opened the connection.
    Client,
    /// The end that accepted it.
    Server,
}

/// An open WebSocket connection over `S`.
///
/// Pings are answered by polling for the next message. Dropping it drops the socket without a closing handshake.
pub struct WebSocket<S = TokioIo<Upgraded>> {
    inner: yawc::WebSocket<S>,
    limit: usize,
    compressed: bool,
}

impl<S: AsyncRead + AsyncWrite + Unpin> WebSocket<S> {
    /// A connection over a byte stream on which both ends already agree to speak WebSocket without compression, such
    /// as a pipe in a test.
    pub fn over(io: S, side: Side, config: &Config) -> Self {
        Self::open(io, side, None, config)
    }

    pub(super) fn open(io: S, side: Side, agreed: Option<Agreed>, config: &Config) -> Self {
        // An agreement without settings cannot happen: it is only made when the configuration has them.
        let agreed = agreed.filter(|_| config.deflate.is_some());
        let role = match side {
            Side::Client => yawc::Role::Client,
            Side::Server => yawc::Role::Server,
        };
        let inner = yawc::WebSocket::from_stream_with_extensions(
            io,
            role,
            agreed.map(Agreed::as_header),
            options(config),
        )
        .expect("extensions are only passed together with the settings for them");
        Self { inner, limit: config.max_message_size, compressed: agreed.is_some() }
    }

    /// Whether permessage-deflate was agreed.
    pub fn is_compressed(&self) -> bool {
        self.compressed
    }

    /// The next message; `None` once the connection is closed. Cancel safe. After an error it only remains to
    /// [`close`](Self::close) and drop the connection.
    pub async fn next(&mut self) -> Option<Result<Message, Error>> {
        poll_fn(|cx| self.poll_next(cx)).await
    }

    /// [`next`](Self::next), for hand-written futures.
    pub fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Message, Error>>> {
        let message = match ready!(self.inner.poll_next_frame(cx)) {
            Ok(frame) => read(frame),
            Err(error) => Err(Error::from_library(error, self.limit)),
        };
        Poll::Ready(match message {
            Err(Error::Closed) => None,
            other => Some(other),
        })
    }

    /// Queues a message behind those already queued; [`flush`](Self::flush) sends it. Waits while too much is queued.
    pub async fn feed(&mut self, message: Message) -> Result<(), Error> {
        let limit = self.limit;
        self.inner.feed(write(message)).await.map_err(|error| Error::from_library(error, limit))
    }

    /// Whether a message can be queued, by [`start_send`](Self::start_send). For hand-written futures.
    pub fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Pin::new(&mut self.inner).poll_ready(cx).map_err(|error| Error::from_library(error, self.limit))
    }

    /// Queues a message; [`poll_ready`](Self::poll_ready) has said that it can be.
    pub fn start_send(&mut self, message: Message) -> Result<(), Error> {
        let limit = self.limit;
        Pin::new(&mut self.inner)
            .start_send(write(message))
            .map_err(|error| Error::from_library(error, limit))
    }

    /// Hands all that is queued to the network.
    pub async fn flush(&mut self) -> Result<(), Error> {
        poll_fn(|cx| self.poll_flush(cx)).await
    }

    /// [`flush`](Self::flush), for hand-written futures.
    pub fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Pin::new(&mut self.inner).poll_flush(cx).map_err(|error| Error::from_library(error, self.limit))
    }

    /// [`feed`](Self::feed) and [`flush`](Self::flush).
    pub async fn send(&mut self, message: Message) -> Result<(), Error> {
        self.feed(message).await?;
        self.flush().await
    }

    /// Sends a close frame, unless one was sent already, and waits for the peer's, dropping other messages. The
    /// caller bounds the wait. `reason` is cut to 123 bytes.
    pub async fn close(&mut self, code: CloseCode, reason: &str) -> Result<(), Error> {
        if !self.answered_the_close().await {
            self.send(Message::Close(Some(CloseFrame { code, reason: reason.to_owned() }))).await?;
        }
        loop {
            match self.next().await {
                None => return Ok(()),
                Some(Ok(_)) => {}
                Some(Err(error)) => return Err(error),
            }
        }
    }

    /// Whether the library has already sent a close frame: because the peer sent one, or broke the protocol.
    async fn answered_the_close(&mut self) -> bool {
        poll_fn(|cx| {
            Poll::Ready(loop {
                match self.poll_next(cx) {
                    Poll::Ready(None) => break true,
                    Poll::Ready(Some(Ok(_))) => {}
                    Poll::Ready(Some(Err(_))) | Poll::Pending => break false,
                }
            })
        })
        .await
    }
}

impl<S> fmt::Debug for WebSocket<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebSocket").field("compressed", &self.compressed).finish_non_exhaustive()
    }
}

/// The library's limits exclude their own value, ours include it.
fn options(config: &Config) -> yawc::Options {
    let limit = config.max_message_size.saturating_add(1);
    let options = yawc::Options::default()
        .with_limits(limit, limit)
        .with_read_buffer_capacity(config.read_buffer)
        .with_write_buffer_capacity(config.write_buffer);
    match &config.deflate {
        None => options,
        Some(deflate) => options
            .with_compression_level(yawc::CompressionLevel::new(deflate.level.clamp(1, 9)))
            .with_compression_threshold(deflate.threshold)
            .with_deflate_pool(deflate.pool.0.clone()),
    }
}

fn read(frame: Frame) -> Result<Message, Error> {
    Ok(match frame.opcode() {
        OpCode::Text => Message::Text(Text::parse(frame.into_payload()).map_err(|_| Error::NotUtf8)?),
        OpCode::Ping => Message::Ping(frame.into_payload()),
        OpCode::Pong => Message::Pong(frame.into_payload()),
        OpCode::Close => Message::Close(frame.close_code().map(|code| CloseFrame {
            code: CloseCode(code.into()),
            reason: frame.close_reason().ok().flatten().unwrap_or_default().to_owned(),
        })),
        // The library reassembles messages, so that a continuation never arrives on its own.
        OpCode::Binary | OpCode::Continuation => Message::Binary(frame.into_payload()),
    })
}

fn write(message: Message) -> Frame {
    match message {
        Message::Text(text) => Frame::text(text.into_bytes()),
        Message::Binary(bytes) => Frame::binary(bytes),
        Message::Ping(bytes) => Frame::ping(short(bytes, 125)),
        Message::Pong(bytes) => Frame::pong(short(bytes, 125)),
        Message::Close(None) => Frame::close(yawc::close::CloseCode::Normal, ""),
        Message::Close(Some(close)) => {
            Frame::close(close.code.0.into(), &close.reason[..close.reason.floor_char_boundary(123)])
        }
    }
}

/// A control frame carries at most 125 bytes (RFC 6455 §5.5).
fn short(mut bytes: Bytes, limit: usize) -> Bytes {
    bytes.truncate(limit);
    bytes
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncWriteExt, DuplexStream, duplex};

    use super::*;
    use crate::websocket::Deflate;

    fn pair(config: &Config, agreed: Option<Agreed>) -> (WebSocket<DuplexStream>, WebSocket<DuplexStream>) {
        let (near, far) = duplex(64 * 1024);
        (
            WebSocket::open(near, Side::Client, agreed, config),
            WebSocket::open(far, Side::Server, agreed, config),
        )
    }

    const AGREED: Agreed = Agreed { server_no_context_takeover: true, client_no_context_takeover: true };

    #[tokio::test]
    async fn messages_of_every_kind_arrive() {
        let (mut client, mut server) = pair(&Config::default(), None);
        for message in [
            Message::text("[2,\"1\",\"Heartbeat\",{}]"),
            Message::text(""),
            Message::Binary(Bytes::from_static(b"\x00\xff")),
            Message::Ping(Bytes::from_static(b"there?")),
            Message::Pong(Bytes::new()),
        ] {
            client.send(message.clone()).await.unwrap();
            assert_eq!(server.next().await.unwrap().unwrap(), message);
        }
    }

    #[tokio::test]
    async fn a_ping_is_answered_by_waiting_for_the_next_message() {
        let (mut client, mut server) = pair(&Config::default(), None);
        client.send(Message::Ping(Bytes::from_static(b"1"))).await.unwrap();
        assert!(matches!(server.next().await, Some(Ok(Message::Ping(_)))));
        tokio::select! {
            other = server.next() => panic!("nothing more was sent, got {other:?}"),
            pong = client.next() => assert_eq!(pong.unwrap().unwrap(), Message::Pong(Bytes::from_static(b"1"))),
        }
    }

    #[tokio::test]
    async fn compressed_messages_arrive_and_are_smaller_on_the_wire() {
        let text = "{\"measurand\":\"Energy.Active.Import.Register\"}".repeat(100);
        let config = Config::default().with_deflate(Some(Deflate { threshold: 0, ..Deflate::default() }));
        // A pipe that is smaller than the text: without compression the send would not complete.
        let (near, far) = duplex(1024);
        let mut client = WebSocket::open(near, Side::Client, Some(AGREED), &config);
        let mut server = WebSocket::open(far, Side::Server, Some(AGREED), &config);
        for _ in 0..3 {
            client.send(Message::text(text.clone())).await.unwrap();
            assert_eq!(server.next().await.unwrap().unwrap(), Message::text(text.clone()));
            server.send(Message::text(text.clone())).await.unwrap();
            assert_eq!(client.next().await.unwrap().unwrap(), Message::text(text.clone()));
        }
    }

    #[tokio::test]
    async fn the_limit_includes_its_own_value() {
        let config = Config::default().with_max_message_size(100);
        for agreed in [None, Some(AGREED)] {
            let config = config.clone().with_deflate(Some(Deflate { threshold: 0, ..Deflate::default() }));
            let (mut client, mut server) = pair(&config, agreed);
            client.send(Message::text("x".repeat(100))).await.unwrap();
            assert!(matches!(server.next().await, Some(Ok(Message::Text(_)))), "{agreed:?}");
            client.send(Message::text("x".repeat(101))).await.unwrap();
            assert!(matches!(server.next().await, Some(Err(Error::TooBig { limit: 100 }))), "{agreed:?}");
        }
    }

    #[tokio::test]
    async fn a_bomb_is_refused_while_it_inflates() {
        let config = Config::default().with_deflate(Some(Deflate { threshold: 0, ..Deflate::default() }));
        let sender = Config::default().with_max_message_size(1 << 30).with_deflate(config.deflate.clone());
        let (near, far) = duplex(1024 * 1024);
        let mut client = WebSocket::open(near, Side::Client, Some(AGREED), &sender);
        let mut server = WebSocket::open(far, Side::Server, Some(AGREED), &config);
        client.send(Message::text("0".repeat(64 * 1024 * 1024))).await.unwrap();
        let error = server.next().await.unwrap().unwrap_err();
        assert_eq!(error.close_code(), Some(CloseCode::TOO_BIG));
        tokio::spawn(async move { server.close(CloseCode::TOO_BIG, "").await });
        let Some(Ok(Message::Close(Some(close)))) = client.next().await else { panic!("no close frame") };
        assert_eq!(close.code, CloseCode::TOO_BIG);
    }

    #[tokio::test]
    async fn broken_input_is_told_apart() {
        // A masked frame with the given first byte and payload.
        fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
            let mut frame = vec![first, 0x80 | u8::try_from(payload.len()).unwrap(), 0, 0, 0, 0];
            frame.extend_from_slice(payload);
            frame
        }
        for (bytes, code) in [
            (frame(0x81, b"\xff\xfe"), CloseCode::INVALID_DATA),
            (frame(0xC1, b"not deflated"), CloseCode::PROTOCOL_ERROR),
            (frame(0x83, b""), CloseCode::PROTOCOL_ERROR),
            (frame(0xB1, b""), CloseCode::PROTOCOL_ERROR),
            (frame(0x80, b"no beginning"), CloseCode::PROTOCOL_ERROR),
            (frame(0x09, b"fragmented ping"), CloseCode::PROTOCOL_ERROR),
            (vec![0x81, 0x00], CloseCode::PROTOCOL_ERROR),
            (
                vec![0x81, 0xFF, 0x7F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0, 0],
                CloseCode::TOO_BIG,
            ),
        ] {
            for agreed in [None, Some(AGREED)] {
                let (mut raw, far) = duplex(1024);
                let mut server = WebSocket::open(far, Side::Server, agreed, &Config::default());
                raw.write_all(&bytes).await.unwrap();
                let error = server.next().await.unwrap().unwrap_err();
                assert_eq!(error.close_code(), Some(code), "{bytes:?} {error}");
            }
        }
    }

    #[tokio::test]
    async fn closing_waits_for_the_peer_and_tells_it_why() {
        let (mut client, mut server) = pair(&Config::default(), None);
        let long = "é".repeat(100);
        let closing = tokio::spawn(async move { server.close(CloseCode::GOING_AWAY, &long).await });
        let Some(Ok(Message::Close(Some(close)))) = client.next().await else { panic!("no close frame") };
        assert_eq!(close.code, CloseCode::GOING_AWAY);
        assert_eq!(close.reason, "é".repeat(61));
        assert!(client.next().await.is_none());
        closing.await.unwrap().unwrap();
    }

    #[tokio::test]
    async fn a_lost_peer_ends_the_messages() {
        let (client, mut server) = pair(&Config::default(), None);
        drop(client);
        assert!(server.next().await.is_none());
    }
}
