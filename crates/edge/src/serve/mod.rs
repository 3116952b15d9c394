//! HTTP/1.1 for a tower service.

mod bounded;
mod config;
mod connection;

use std::convert::Infallible;
use std::error::Error;
use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response};
use hyper::body::{Body, Incoming};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower_service::Service;

pub use config::ServeConfig;

use crate::listener::Listener;
use bounded::Bounded;

/// How a [`serve`] ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Drained {
    /// Connections that were cut with a request unanswered, as the grace period was over.
    pub cut: usize,
    /// Upgraded connections that were still open when the grace period was over. They belong to whoever upgraded them.
    pub left_open: usize,
}

impl Drained {
    /// Whether every connection came to its end by itself.
    pub fn is_complete(self) -> bool {
        self.cut == 0 && self.left_open == 0
    }
}

impl fmt::Display for Drained {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} connections cut, {} upgraded ones left open", self.cut, self.left_open)
    }
}

/// Serves the connections of a listener with a service, an `axum::Router` for one, until `shutdown` is cancelled.
///
/// Every request carries the connection's [`PeerIdentity`](crate::PeerIdentity) in its extensions.
/// Upgrades (WebSocket) work. A request's body is neither limited nor timed here: that is the service's business.
///
/// At most [`max_connections`](ServeConfig::max_connections) are open, upgraded ones included. Further peers wait in the
/// system's backlog until one ends.
///
/// After `shutdown` nothing is accepted, idle connections are closed and requests under way are answered.
/// Whoever upgraded a connection is expected to end it too. What is still busy after
/// [`grace`](ServeConfig::grace) is cut, and counted in the answer.
///
/// ```no_run
/// use tieline_edge::listener::{HandshakeLimits, TlsListener};
/// use tieline_edge::tls::{CertifiedKeyFiles, ClientCertificates, ServerTls};
/// use tieline_edge::{ServeConfig, serve};
/// use tokio_util::sync::CancellationToken;
///
/// # async fn run(router: axum::Router) -> Result<(), tieline_edge::EdgeError> {
/// let files = CertifiedKeyFiles::new("node.pem", "node.key");
/// let tls = ServerTls::load(files, ClientCertificates::NotAsked)?;
/// let listener = TlsListener::bind(([0, 0, 0, 0], 443).into(), tls, HandshakeLimits::default())?;
/// let shutdown = CancellationToken::new();
/// let drained = serve(listener, router, ServeConfig::default(), shutdown).await;
/// println!("{drained}");
/// # Ok(())
/// # }
/// ```
pub async fn serve<L, S, B>(
    mut listener: L,
    service: S,
    config: ServeConfig,
    shutdown: CancellationToken,
) -> Drained
where
    L: Listener,
    S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    let max_connections = config.permits();
    let open = Arc::new(Semaphore::new(max_connections as usize));
    let connections = TaskTracker::new();
    let cut = CancellationToken::new();
    let http = config.http();

    while let Some(permit) = shutdown.run_until_cancelled(Arc::clone(&open).acquire_owned()).await {
        let permit = permit.expect("the semaphore is never closed");
        let Some((io, peer)) = shutdown.run_until_cancelled(listener.accept()).await else { break };
        let io = Bounded::new(io, config.write_timeout, permit);
        let ends = connection::Ends { drain: shutdown.clone(), cut: cut.clone() };
        connections.spawn(connection::run(http.clone(), io, peer, service.clone(), ends));
    }
    drop(listener);
    drop(service);
    connections.close();

    let ended = async {
        connections.wait().await;
        // Every permit is back once the last upgraded connection is gone, too.
        let _all = open.acquire_many(max_connections).await;
    };
    let in_time = tokio::time::timeout(config.grace, ended).await.is_ok();
    let cut_now = connections.len();
    cut.cancel();
    connections.wait().await;
    let left_open = if in_time { 0 } else { max_connections as usize - open.available_permits() };
    Drained { cut: cut_now, left_open }
}
