use std::any::type_name;

use tower_service::Service;

use super::{Layered, Route};
use crate::handler::Endpoint;
use crate::{Arguments, BoxError, CallFirst, Carries, Handler, Incoming, IntoReply, Named, Protocol, Reply};

/// What can be a route by name: a handler or a service, with layers around it or without.
///
/// `S` is the router's state, `Of` is found by the compiler.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is neither a handler nor a service of the protocol `{P}`",
    note = "a handler is an async function whose arguments are extractors for the state `{S}` and which returns the \
            protocol's answer, or the response of the `Call<A>` that is its first argument",
    note = "a service is a `tower::Service<Incoming<{P}>, Response = Reply<{P}>>` that is `Clone + Send + Sync`"
)]
pub trait IntoRoute<P: Protocol, S, Of>: Sized {
    /// Makes the route.
    fn into_route(self, state: &S) -> Route<P>;

    /// The name of the handler or service, for messages about the routes.
    fn name() -> &'static str;
}

/// What can be a route whose action the router learns: a handler whose first argument is [`Call<A>`](crate::Call), with
/// layers around it or without.
#[diagnostic::on_unimplemented(
    message = "the router cannot make a typed route of `{Self}`",
    note = "`.on` takes a handler whose first argument is `Call<A>`; services are registered by name with `.route`"
)]
pub trait OnRoute<P: Protocol, S, Of>: IntoRoute<P, S, Of> {
    /// The message that the action carries.
    type Action;
}

/// What a route was made of. Only the compiler needs these.
pub mod of {
    use std::marker::PhantomData;

    /// A handler of a typed message.
    #[derive(Debug)]
    pub struct Typed<Args, Via>(PhantomData<(Args, Via)>);

    /// A handler that returns the protocol's answer.
    #[derive(Debug)]
    pub struct Untyped<Args, Via>(PhantomData<(Args, Via)>);

    /// The same, in a [`HandlerRoute`](super::HandlerRoute).
    #[derive(Debug)]
    pub struct Wrapped<Of>(PhantomData<Of>);

    /// A tower service.
    #[derive(Debug)]
    pub enum Service {}

    /// A route in a layer.
    #[derive(Debug)]
    pub struct Layered<Of>(PhantomData<Of>);
}

impl<P, S, F, Args, Via> IntoRoute<P, S, of::Typed<Args, Via>> for F
where
    F: Handler<Args>,
    P: Protocol,
    Args: CallFirst<P> + Arguments<P, S> + Send + 'static,
    F::Output: IntoReply<P, Args::Action, Via>,
    F::Future: Send,
    S: Clone + Send + Sync + 'static,
    Via: 'static,
{
    fn into_route(self, state: &S) -> Route<P> {
        Route::erase(Endpoint::<F, S, Args, Args::Action, Via>::new(self, state.clone()))
    }

    fn name() -> &'static str {
        type_name::<F>()
    }
}

impl<P, S, F, Args, Via> OnRoute<P, S, of::Typed<Args, Via>> for F
where
    F: Handler<Args>,
    P: Protocol,
    Args: CallFirst<P> + Arguments<P, S> + Send + 'static,
    F::Output: IntoReply<P, Args::Action, Via>,
    F::Future: Send,
    S: Clone + Send + Sync + 'static,
    Via: 'static,
{
    type Action = Args::Action;
}

#[diagnostic::do_not_recommend]
impl<P, S, F, Args, Via> IntoRoute<P, S, of::Untyped<Args, Via>> for F
where
    F: Handler<Args>,
    P: Protocol,
    Args: Arguments<P, S> + Send + 'static,
    F::Output: IntoReply<P, Named, Via>,
    F::Future: Send,
    S: Clone + Send + Sync + 'static,
    Via: 'static,
{
    fn into_route(self, state: &S) -> Route<P> {
        Route::erase(Endpoint::<F, S, Args, Named, Via>::new(self, state.clone()))
    }

    fn name() -> &'static str {
        type_name::<F>()
    }
}

#[diagnostic::do_not_recommend]
impl<P, S, Svc> IntoRoute<P, S, of::Service> for Svc
where
    P: Protocol,
    Svc: Service<Incoming<P>, Response = Reply<P>> + Clone + Send + Sync + 'static,
    Svc::Error: Into<BoxError>,
    Svc::Future: Send + 'static,
{
    fn into_route(self, _state: &S) -> Route<P> {
        Route::new(self)
    }

    fn name() -> &'static str {
        type_name::<Svc>()
    }
}

/// A handler that is about to become a route. Made by [`handler()`].
#[derive(Clone, Copy, Debug)]
pub struct HandlerRoute<F>(F);

/// Makes a route of a handler, so that layers can be put around it.
///
/// ```
/// use std::time::Duration;
/// use tieline_service::echo::{Echo, Said, Say};
/// use tieline_service::{Call, Router, Timeout, handler};
///
/// async fn on_say(Call(say): Call<Say>) -> Said {
///     Said(say.text)
/// }
///
/// let router = Router::<Echo>::new().on(handler(on_say).layer(Timeout::new(Duration::from_secs(1))));
/// ```
pub fn handler<F>(function: F) -> HandlerRoute<F> {
    HandlerRoute(function)
}

impl<F> HandlerRoute<F> {
    /// Puts a layer around the handler.
    pub fn layer<L>(self, layer: L) -> Layered<Self, L> {
        Layered::new(self, layer)
    }
}

#[diagnostic::do_not_recommend]
impl<P, S, F, Of> IntoRoute<P, S, of::Wrapped<Of>> for HandlerRoute<F>
where
    P: Protocol,
    F: IntoRoute<P, S, Of>,
{
    fn into_route(self, state: &S) -> Route<P> {
        self.0.into_route(state)
    }

    fn name() -> &'static str {
        F::name()
    }
}

#[diagnostic::do_not_recommend]
impl<P, S, F, Of> OnRoute<P, S, of::Wrapped<Of>> for HandlerRoute<F>
where
    P: Carries<F::Action>,
    F: OnRoute<P, S, Of>,
{
    type Action = F::Action;
}
