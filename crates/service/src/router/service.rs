use std::convert::Infallible;
use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll};

use tower_service::Service;

use super::RouteInfo;
use super::sent::Hooks;
use super::table::Table;
use crate::route::Serve;
use crate::{Incoming, Protocol, Reply, ReplyFuture, Route};

/// A router that serves messages. Clones share everything.
///
/// Always ready: a layer that waits, or sheds load, does so for each message.
pub struct Routes<P: Protocol> {
    route: Route<P>,
    table: Arc<Table<P>>,
}

impl<P: Protocol> Routes<P> {
    pub(super) fn new(route: Route<P>, table: Table<P>) -> Self {
        Self { route, table: Arc::new(table) }
    }

    /// Serves one message.
    pub fn serve(&self, incoming: Incoming<P>) -> ReplyFuture<P> {
        self.route.serve(incoming)
    }

    /// Whether a route serves the action in this version.
    pub fn serves(&self, version: P::Version, action: &str) -> bool {
        self.table.find(version, action).is_some()
    }

    /// The routes, sorted by action.
    pub fn routes(&self) -> impl Iterator<Item = RouteInfo<'_, P>> {
        self.table.iter()
    }
}

impl<P: Protocol> Clone for Routes<P> {
    fn clone(&self) -> Self {
        Self { route: self.route.clone(), table: Arc::clone(&self.table) }
    }
}

impl<P: Protocol> fmt::Debug for Routes<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.routes()).finish()
    }
}

impl<P: Protocol> Service<Incoming<P>> for Routes<P> {
    type Response = Reply<P>;
    type Error = Infallible;
    type Future = ReplyFuture<P>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, incoming: Incoming<P>) -> ReplyFuture<P> {
        self.serve(incoming)
    }
}

/// Finds the route of a message.
pub(super) struct Dispatch<P: Protocol> {
    table: Table<P>,
    routes: Vec<Route<P>>,
    unknown: usize,
    hooks: Hooks<P>,
}

impl<P: Protocol> Dispatch<P> {
    pub(super) fn new(table: Table<P>, routes: Vec<Route<P>>, unknown: usize, hooks: Hooks<P>) -> Self {
        Self { table, routes, unknown, hooks }
    }
}

impl<P: Protocol> Serve<P> for Dispatch<P> {
    fn serve(self: Arc<Self>, incoming: Incoming<P>) -> ReplyFuture<P> {
        let (version, action) = (incoming.head.version(), incoming.head.action());
        let route = &self.routes[self.table.find(version, action).unwrap_or(self.unknown)];
        let hooks = self.hooks.find(version, action);
        if hooks.is_empty() { route.serve(incoming) } else { hooks.serve(route.clone(), incoming) }
    }
}
