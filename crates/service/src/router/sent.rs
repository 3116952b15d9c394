//! Handlers that run after an answer.

use std::any::type_name;
use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use futures_util::future::BoxFuture;

use crate::guard::Guarded;
use crate::log::Clipped;
use crate::{Arguments, Carries, Handler, Head, Incoming, Protocol, Rejection, ReplyFuture, Route};

/// The answer to a message of type `A`, for a handler that runs after it.
///
/// The first argument of a handler that [`Router::after`](crate::Router::after) registers.
pub struct Sent<P: Protocol, A> {
    /// The answer.
    pub answer: P::Answer,
    action: PhantomData<fn() -> A>,
}

impl<P, A> fmt::Debug for Sent<P, A>
where
    P: Protocol<Answer: fmt::Debug>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sent").field("answer", &self.answer).finish()
    }
}

/// Arguments of which the first is [`Sent<P, A>`] and the others are extractors.
#[diagnostic::on_unimplemented(
    message = "the router cannot learn from the arguments `{Self}` after which action the handler runs",
    label = "the first argument must be `Sent<{P}, A>`, and the others extractors"
)]
pub trait SentFirst<P: Protocol, S>: Sized {
    /// The message that the action carries.
    type Action: 'static;
    /// The arguments after the first.
    type Others: Arguments<P, S> + Send + 'static;

    /// Puts the arguments together.
    fn join(sent: Sent<P, Self::Action>, others: Self::Others) -> Self;
}

impl<P, S, A> SentFirst<P, S> for (Sent<P, A>,)
where
    P: Carries<A>,
    S: Sync,
    A: 'static,
{
    type Action = A;
    type Others = ();

    fn join(sent: Sent<P, A>, (): ()) -> Self {
        (sent,)
    }
}

macro_rules! sent_first {
    // Eight others would make nine arguments.
    ($a1:ident, $a2:ident, $a3:ident, $a4:ident, $a5:ident, $a6:ident, $a7:ident, $a8:ident) => {};
    ($($other:ident),*) => {
        impl<P, S, A, $($other,)*> SentFirst<P, S> for (Sent<P, A>, $($other,)*)
        where
            P: Carries<A>,
            S: Sync,
            A: 'static,
            ($($other,)*): Arguments<P, S> + Send + 'static,
        {
            type Action = A;
            type Others = ($($other,)*);

            #[expect(non_snake_case, reason = "the arguments are named as their types")]
            fn join(sent: Sent<P, A>, ($($other,)*): Self::Others) -> Self {
                (sent, $($other,)*)
            }
        }
    };
}

crate::handler::for_each_arity!(sent_first);

/// An async function that can run after an answer.
pub trait AfterHandler<P: Protocol, S, Args>: Sized + Send + 'static {
    /// The message that the action carries.
    type Action;

    /// The function's path.
    fn name() -> &'static str;

    #[doc(hidden)]
    fn into_hook(self, state: &S, accepted_only: bool) -> Hook<P>;
}

impl<P, S, F, Args> AfterHandler<P, S, Args> for F
where
    P: Protocol<Answer: Clone>,
    S: Clone + Send + Sync + 'static,
    F: Handler<Args, Output = (), Future: Send>,
    Args: SentFirst<P, S> + 'static,
{
    type Action = Args::Action;

    fn name() -> &'static str {
        type_name::<F>()
    }

    fn into_hook(self, state: &S, accepted_only: bool) -> Hook<P> {
        let hooked =
            Hooked::<F, S, Args> { handler: self, state: state.clone(), accepted_only, types: PhantomData };
        Hook(Arc::new(hooked))
    }
}

/// An after-handler whose type is erased.
#[doc(hidden)]
pub struct Hook<P: Protocol>(Arc<dyn Prepare<P>>);

/// An after-handler with its arguments, waiting for the answer. It makes the work to be done, if there is any.
type Prepared<P> = Box<dyn FnOnce(&<P as Protocol>::Answer) -> Option<BoxFuture<'static, ()>> + Send>;

trait Prepare<P: Protocol>: Send + Sync {
    fn prepare<'a>(&'a self, incoming: &'a Incoming<P>) -> BoxFuture<'a, Result<Prepared<P>, Rejection<P>>>;

    fn name(&self) -> &'static str;
}

struct Hooked<F, S, Args> {
    handler: F,
    state: S,
    accepted_only: bool,
    types: PhantomData<fn() -> Args>,
}

impl<P, S, F, Args> Prepare<P> for Hooked<F, S, Args>
where
    P: Protocol<Answer: Clone>,
    S: Send + Sync,
    F: Handler<Args, Output = (), Future: Send>,
    Args: SentFirst<P, S> + 'static,
{
    fn prepare<'a>(&'a self, incoming: &'a Incoming<P>) -> BoxFuture<'a, Result<Prepared<P>, Rejection<P>>> {
        Box::pin(async move {
            let others = Args::Others::extract(incoming, &self.state).await?;
            let (handler, accepted_only) = (self.handler.clone(), self.accepted_only);
            let prepared: Prepared<P> = Box::new(move |answer| {
                if accepted_only && !P::outcome(answer).is_accepted() {
                    return None;
                }
                let sent = Sent { answer: answer.clone(), action: PhantomData };
                Some(Box::pin(async move { handler.call(Args::join(sent, others)).await }))
            });
            Ok(prepared)
        })
    }

    fn name(&self) -> &'static str {
        type_name::<F>()
    }
}

/// The after-handlers of a router.
pub(super) struct Hooks<P: Protocol>(BTreeMap<&'static str, Vec<VersionsHook<P>>>);

type VersionsHook<P> = (&'static [<P as Protocol>::Version], Hook<P>);

impl<P: Protocol> Hooks<P> {
    pub(super) fn none() -> Self {
        Self(BTreeMap::new())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn push(&mut self, action: &'static str, versions: &'static [P::Version], hook: Hook<P>) {
        self.0.entry(action).or_default().push((versions, hook));
    }

    /// The after-handlers of one action.
    pub(super) fn find(&self, version: P::Version, action: &str) -> ActionHooks<P> {
        let hooks = self.0.get(action).into_iter().flatten();
        let hooks = hooks.filter(|(versions, _)| versions.contains(&version));
        ActionHooks(hooks.map(|(_, hook)| Arc::clone(&hook.0)).collect())
    }
}

/// The after-handlers of one action. Empty for most, and then nothing is allocated.
pub(super) struct ActionHooks<P: Protocol>(Vec<Arc<dyn Prepare<P>>>);

impl<P: Protocol> ActionHooks<P> {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Lets the route answer, and adds the after-handlers to its reply.
    pub(super) fn serve(self, route: Route<P>, incoming: Incoming<P>) -> ReplyFuture<P> {
        let head = incoming.head.without_extensions();
        ReplyFuture::new(Guarded::new(head.clone(), async move {
            let mut prepared = Vec::with_capacity(self.0.len());
            for hook in &self.0 {
                match hook.prepare(&incoming).await {
                    Ok(hook) => prepared.push(hook),
                    Err(rejection) => log_unprepared(&head, hook.name(), &rejection),
                }
            }
            let mut reply = route.serve(incoming).reply().await;
            for hook in prepared {
                if let Some(work) = hook(&reply.answer) {
                    reply.after.push(work);
                }
            }
            reply
        }))
    }
}

fn log_unprepared<P: Protocol>(head: &Head<P>, handler: &str, rejection: &Rejection<P>) {
    tracing::warn!(
        protocol = P::NAME,
        peer = %Clipped(head.peer()),
        action = %Clipped(head.action()),
        message_id = %Clipped(head.message_id()),
        handler,
        cause = %Clipped(format_args!("{rejection:?}")),
        "an after-handler will not run: its arguments are missing"
    );
}
