use std::borrow::Cow;
use std::fmt;

use tower_layer::Layer;
use tower_service::Service;

use super::sent::{AfterHandler, Hook, Hooks};
use super::service::Dispatch;
use super::table::{Entry, Table, Versions};
use super::{RouteError, RouteInfo, Routes};
use crate::{BoxError, Carries, Incoming, IntoRoute, OnRoute, Protocol, Reply, Route};

/// Sends each message to the handler of its action.
///
/// A router is built first and run then: [`Router::with_state`] makes the [`Routes`] that serves messages. `S` is
/// the state that the handlers share.
///
/// # Layers
///
/// [`Router::layer`] wraps what the router has become so far: all its routes together, and the answer to an unknown
/// action. The layer added last is outermost. Routes that are added later are outside of it. One layer makes one
/// service, so a `ConcurrencyLimitLayer::new(64)` admits 64 messages in all.
///
/// ```
/// use std::time::Duration;
/// use tieline_service::echo::{Answer, Echo, Refusal, Repeat, Repeated, Said, Say};
/// use tieline_service::{Call, Head, Router, State, Timeout, Trace, handler, timeout};
///
/// #[derive(Clone)]
/// struct Patience(usize);
///
/// async fn on_say(Call(say): Call<Say>) -> Said {
///     Said(say.text)
/// }
///
/// async fn on_repeat(call: Call<Repeat>, State(patience): State<Patience>) -> Result<Repeated, Refusal> {
///     if call.times > patience.0 {
///         return Err(Refusal::new("TooOften", "no more than a few times, please"));
///     }
///     Ok(Repeated(vec![call.text.clone(); call.times]))
/// }
///
/// async fn on_anything(head: Head<Echo>) -> Answer {
///     Answer::Text(format!("what is {}?", head.action()))
/// }
///
/// let service = Router::<Echo, _>::new()
///     .on(on_say)
///     .on(on_repeat)
///     .route("Whistle", timeout(Duration::from_secs(1), handler(on_anything)))
///     .layer(Timeout::new(Duration::from_secs(10)))
///     .layer(Trace::new())
///     .with_state(Patience(3));
/// # let _ = service;
/// ```
#[must_use = "a router serves nothing until it is made a service"]
pub struct Router<P: Protocol, S = ()> {
    table: Table<P>,
    endpoints: Vec<Make<Route<P>, S>>,
    /// The endpoint of unknown actions; `None`: the protocol's answer.
    unknown: Option<usize>,
    /// Whether `unknown` is a fallback that was given, and not the layered answer to an unknown action.
    has_fallback: bool,
    hooks: Vec<HookEntry<P, S>>,
}

/// Makes a route or an after-handler once the state is known.
type Make<T, S> = Box<dyn FnOnce(&S) -> T + Send>;

struct HookEntry<P: Protocol, S> {
    action: &'static str,
    versions: &'static [P::Version],
    name: &'static str,
    make: Make<Hook<P>, S>,
}

impl<P, S> Router<P, S>
where
    P: Protocol,
    S: Clone + Send + Sync + 'static,
{
    /// A router without routes, which answers every message as an unknown action.
    pub fn new() -> Self {
        Self {
            table: Table::new(),
            endpoints: Vec::new(),
            unknown: None,
            has_fallback: false,
            hooks: Vec::new(),
        }
    }

    /// Adds a handler. Its first argument is `Call<A>`; it serves the action of `A` in all the versions that have it.
    ///
    /// # Panics
    ///
    /// If the action is served already.
    #[track_caller]
    pub fn on<R, Of>(self, route: R) -> Self
    where
        R: OnRoute<P, S, Of> + Send + 'static,
        P: Carries<R::Action>,
    {
        expect_route(self.try_on(route))
    }

    /// Adds a handler as [`Router::on`] does, or says why it cannot.
    pub fn try_on<R, Of>(self, route: R) -> Result<Self, RouteError>
    where
        R: OnRoute<P, S, Of> + Send + 'static,
        P: Carries<R::Action>,
    {
        let versions = <P as Carries<R::Action>>::VERSIONS.iter().copied().collect();
        self.add(<P as Carries<R::Action>>::ACTION.into(), Some(versions), route)
    }

    /// Adds a handler or a service by the action's name, for every version.
    ///
    /// # Panics
    ///
    /// If the action is served already, in any version.
    #[track_caller]
    pub fn route<R, Of>(self, action: impl Into<Cow<'static, str>>, route: R) -> Self
    where
        R: IntoRoute<P, S, Of> + Send + 'static,
    {
        expect_route(self.try_route(action, route))
    }

    /// Adds a route as [`Router::route`] does, or says why it cannot.
    pub fn try_route<R, Of>(self, action: impl Into<Cow<'static, str>>, route: R) -> Result<Self, RouteError>
    where
        R: IntoRoute<P, S, Of> + Send + 'static,
    {
        self.add(action.into(), None, route)
    }

    /// Adds a handler or a service by the action's name, for these versions only.
    ///
    /// # Panics
    ///
    /// If the action is served already in one of the versions, or if there is no version.
    #[track_caller]
    pub fn route_in<R, Of>(
        self,
        versions: &[P::Version],
        action: impl Into<Cow<'static, str>>,
        route: R,
    ) -> Self
    where
        R: IntoRoute<P, S, Of> + Send + 'static,
    {
        expect_route(self.try_route_in(versions, action, route))
    }

    /// Adds a route as [`Router::route_in`] does, or says why it cannot.
    pub fn try_route_in<R, Of>(
        self,
        versions: &[P::Version],
        action: impl Into<Cow<'static, str>>,
        route: R,
    ) -> Result<Self, RouteError>
    where
        R: IntoRoute<P, S, Of> + Send + 'static,
    {
        self.add(action.into(), Some(versions.iter().copied().collect()), route)
    }

    /// Adds the routes of another router, with the layers that it has.
    ///
    /// Its fallback, if it has one, becomes the fallback of both; otherwise this router answers unknown actions.
    ///
    /// # Panics
    ///
    /// If an action is served by both, or if both have a fallback.
    #[track_caller]
    pub fn merge(self, other: Self) -> Self {
        expect_route(self.try_merge(other))
    }

    /// Adds the routes of another router as [`Router::merge`] does, or says why it cannot.
    pub fn try_merge(mut self, other: Self) -> Result<Self, RouteError> {
        let offset = self.endpoints.len();
        for (action, mut entry) in other.table.into_entries() {
            entry.endpoint += offset;
            self.table.insert(action, entry)?;
        }
        if other.has_fallback {
            if self.has_fallback {
                return Err(RouteError::TwoFallbacks);
            }
            self.unknown = other.unknown.map(|endpoint| endpoint + offset);
            self.has_fallback = true;
        }
        self.endpoints.extend(other.endpoints);
        self.hooks.extend(other.hooks);
        Ok(self)
    }

    /// Serves the actions that no route serves. A fallback given before is replaced.
    pub fn fallback<R, Of>(mut self, fallback: R) -> Self
    where
        R: IntoRoute<P, S, Of> + Send + 'static,
    {
        self.unknown = Some(self.endpoints.len());
        self.has_fallback = true;
        self.endpoints.push(Box::new(|state| fallback.into_route(state)));
        self
    }

    /// Wraps the routes so far, and the answer to an unknown action, in a layer.
    ///
    /// Any tower layer whose service is `Clone + Send + Sync` will do, if it is generic over the request. The layer's error,
    /// if it has one, is answered as [`Fault::Layer`](crate::Fault::Layer).
    pub fn layer<L>(self, layer: L) -> Self
    where
        L: Layer<Route<P>> + Send + 'static,
        L::Service: Service<Incoming<P>, Response = Reply<P>> + Clone + Send + Sync + 'static,
        <L::Service as Service<Incoming<P>>>::Error: Into<BoxError>,
        <L::Service as Service<Incoming<P>>>::Future: Send + 'static,
    {
        let mut table = self.table.clone_entries();
        table.redirect(0);
        let has_fallback = self.has_fallback;
        let inner: Make<Route<P>, S> = Box::new(move |state| self.make(state).layer(&layer));
        Self { table, endpoints: vec![inner], unknown: Some(0), has_fallback, hooks: Vec::new() }
    }

    /// Runs a handler after each answer to an action that accepts the message.
    ///
    /// The first argument is [`Sent<P, A>`](super::Sent), which names the action and shows the answer; the others are extractors.
    /// The handler runs once the answer has left, as an [`After`](crate::After). Its arguments are extracted before the
    /// message is handled; if one cannot be extracted, the log says so and the handler does not run.
    ///
    /// It sees the answer as it leaves this router, so it makes a difference whether it is added before a layer or after it.
    /// The route may be added later, but not behind a later layer.
    ///
    /// ```
    /// use tieline_service::echo::{Echo, Said, Say};
    /// use tieline_service::{Call, PeerOf, Router, Sent};
    ///
    /// async fn on_say(Call(say): Call<Say>) -> Said {
    ///     Said(say.text)
    /// }
    ///
    /// async fn after_say(sent: Sent<Echo, Say>, PeerOf(peer): PeerOf<Echo>) {
    ///     println!("{peer} has been told {:?}", sent.answer);
    /// }
    ///
    /// let service = Router::<Echo>::new().on(on_say).after(after_say).into_service();
    /// # let _ = service;
    /// ```
    pub fn after<F, Args>(self, after: F) -> Self
    where
        F: AfterHandler<P, S, Args>,
        P: Carries<F::Action> + Protocol<Answer: Clone>,
    {
        self.add_hook::<F::Action>(F::name(), move |state| after.into_hook(state, true))
    }

    /// Runs a handler after each answer to an action, whether it accepts or refuses the message. Otherwise as
    /// [`Router::after`].
    pub fn after_any<F, Args>(self, after: F) -> Self
    where
        F: AfterHandler<P, S, Args>,
        P: Carries<F::Action> + Protocol<Answer: Clone>,
    {
        self.add_hook::<F::Action>(F::name(), move |state| after.into_hook(state, false))
    }

    /// The routes, sorted by action.
    pub fn routes(&self) -> impl Iterator<Item = RouteInfo<'_, P>> {
        self.table.iter()
    }

    /// Gives the handlers their state.
    ///
    /// # Panics
    ///
    /// If an after-handler follows an action that nothing serves.
    #[track_caller]
    pub fn with_state(self, state: S) -> Routes<P> {
        let table = self.table.clone_entries();
        let service = self.make(&state);
        Routes::new(service, table)
    }

    fn add<R, Of>(
        mut self,
        action: Cow<'static, str>,
        versions: Versions<P>,
        route: R,
    ) -> Result<Self, RouteError>
    where
        R: IntoRoute<P, S, Of> + Send + 'static,
    {
        self.table.insert(action, Entry::new(versions, R::name(), self.endpoints.len()))?;
        self.endpoints.push(Box::new(|state| route.into_route(state)));
        Ok(self)
    }

    fn add_hook<A>(mut self, name: &'static str, make: impl FnOnce(&S) -> Hook<P> + Send + 'static) -> Self
    where
        P: Carries<A>,
    {
        let (action, versions) = (<P as Carries<A>>::ACTION, <P as Carries<A>>::VERSIONS);
        self.hooks.push(HookEntry { action, versions, name, make: Box::new(make) });
        self
    }

    #[track_caller]
    fn make(self, state: &S) -> Route<P> {
        let mut hooks = Hooks::none();
        for hook in self.hooks {
            let unserved =
                hook.versions.iter().find(|version| self.table.find(**version, hook.action).is_none());
            if let Some(version) = unserved {
                let (action, version) = (hook.action.to_owned(), version.to_string());
                expect_route::<()>(Err(RouteError::AfterNothing { action, version, handler: hook.name }));
            }
            hooks.push(hook.action, hook.versions, (hook.make)(state));
        }
        let mut routes: Vec<_> = self.endpoints.into_iter().map(|make| make(state)).collect();
        let all_is_one = routes.len() == 1 && self.unknown == Some(0) && self.table.is_all(0);
        if hooks.is_empty() && all_is_one {
            // Behind a layer everything is one service: no second look-up.
            return routes.swap_remove(0);
        }
        let unknown = self.unknown.unwrap_or_else(|| {
            routes.push(Route::unknown_action());
            routes.len() - 1
        });
        Route::erase(Dispatch::new(self.table, routes, unknown, hooks))
    }
}

impl<P: Protocol> Router<P> {
    /// Makes the service of a router whose handlers need no state.
    #[track_caller]
    pub fn into_service(self) -> Routes<P> {
        self.with_state(())
    }
}

impl<P, S> Default for Router<P, S>
where
    P: Protocol,
    S: Clone + Send + Sync + 'static,
{
    fn default() -> Self {
        Self::new()
    }
}

impl<P: Protocol, S> fmt::Debug for Router<P, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.table.iter()).finish()
    }
}

/// A mistake in the routes is one of the program, and shows at its start.
#[track_caller]
fn expect_route<T>(result: Result<T, RouteError>) -> T {
    match result {
        Ok(value) => value,
        Err(error) => panic!("{error}"),
    }
}
