use std::convert::Infallible;
use std::error::Error;
use std::pin::pin;

use bytes::Bytes;
use http::{Request, Response};
use hyper::body::{Body, Incoming};
use hyper::server::conn::http1;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_util::sync::CancellationToken;
use tower_service::Service;

use super::bounded::Bounded;
use crate::PeerIdentity;

/// What ends a connection from this side.
pub(super) struct Ends {
    /// Finish the request under way, and no more.
    pub(super) drain: CancellationToken,
    /// Stop now.
    pub(super) cut: CancellationToken,
}

/// Speaks HTTP on one connection until it ends or is upgraded.
pub(super) async fn run<Io, S, B>(
    http: http1::Builder,
    io: Bounded<Io>,
    peer: PeerIdentity,
    service: S,
    ends: Ends,
) where
    Io: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    let identity = peer.clone();
    let service = TowerToHyperService::new(service);
    let with_identity = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(identity.clone());
        service.call(request)
    });
    let mut connection = pin!(http.serve_connection(TokioIo::new(io), with_identity).with_upgrades());
    let mut draining = false;
    loop {
        tokio::select! {
            biased;
            result = connection.as_mut() => {
                if let Err(error) = result {
                    log(&peer, &error);
                }
                return;
            }
            () = ends.cut.cancelled() => {
                tracing::warn!(%peer, "connection cut: its request took longer than the grace period");
                return;
            }
            () = ends.drain.cancelled(), if !draining => {
                draining = true;
                connection.as_mut().graceful_shutdown();
            }
        }
    }
}

fn log(peer: &PeerIdentity, error: &hyper::Error) {
    let cause = error.source().map(ToString::to_string);
    let cause = cause.as_deref().unwrap_or("none");
    if error.is_parse() {
        tracing::info!(%peer, %error, cause, "the peer's request is not HTTP, or too large");
    } else if error.is_timeout() {
        tracing::debug!(%peer, "no complete request in time: connection closed");
    } else {
        tracing::debug!(%peer, %error, cause, "connection broke");
    }
}
