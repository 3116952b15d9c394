use std::time::Duration;

use tower_layer::Layer;
use tower_service::Service;

use super::{IntoRoute, OnRoute, Route, of};
use crate::{BoxError, Carries, Incoming, Protocol, Reply, Timeout};

/// A handler or service that is about to become a route, with a layer around it.
#[derive(Clone, Copy, Debug)]
pub struct Layered<R, L> {
    inner: R,
    layer: L,
}

impl<R, L> Layered<R, L> {
    /// Puts a layer around what can be a route.
    pub fn new(inner: R, layer: L) -> Self {
        Self { inner, layer }
    }

    /// Puts one more layer around it, outside of those before.
    pub fn layer<M>(self, layer: M) -> Layered<Self, M> {
        Layered::new(self, layer)
    }
}

/// Limits the time of one route. Shorter than `handler(f).layer(Timeout::new(limit))`, and takes services too.
///
/// ```
/// use std::time::Duration;
/// use tieline_service::echo::{Answer, Echo};
/// use tieline_service::{Head, Router, handler, timeout};
///
/// async fn on_anything(head: Head<Echo>) -> Answer {
///     Answer::Text(format!("{} is an interesting action", head.action()))
/// }
///
/// let router =
///     Router::<Echo>::new().route("VendorThing", timeout(Duration::from_secs(1), handler(on_anything)));
/// ```
pub fn timeout<R>(limit: Duration, route: R) -> Layered<R, Timeout> {
    Layered::new(route, Timeout::new(limit))
}

#[diagnostic::do_not_recommend]
impl<P, S, R, L, Of> IntoRoute<P, S, of::Layered<Of>> for Layered<R, L>
where
    P: Protocol,
    R: IntoRoute<P, S, Of>,
    L: Layer<Route<P>>,
    L::Service: Service<Incoming<P>, Response = Reply<P>> + Clone + Send + Sync + 'static,
    <L::Service as Service<Incoming<P>>>::Error: Into<BoxError>,
    <L::Service as Service<Incoming<P>>>::Future: Send + 'static,
{
    fn into_route(self, state: &S) -> Route<P> {
        self.inner.into_route(state).layer(&self.layer)
    }

    fn name() -> &'static str {
        R::name()
    }
}

#[diagnostic::do_not_recommend]
impl<P, S, R, L, Of> OnRoute<P, S, of::Layered<Of>> for Layered<R, L>
where
    P: Carries<R::Action>,
    R: OnRoute<P, S, Of>,
    L: Layer<Route<P>>,
    L::Service: Service<Incoming<P>, Response = Reply<P>> + Clone + Send + Sync + 'static,
    <L::Service as Service<Incoming<P>>>::Error: Into<BoxError>,
    <L::Service as Service<Incoming<P>>>::Future: Send + 'static,
{
    type Action = R::Action;
}
