//! What a participant does with the messages of its role.

use std::fmt;
use std::marker::PhantomData;

use tieline_service::{Carries, OnRoute, Router, Routes};

use super::role::{Agr, Cro, Dso, ReceivedBy, RoleType};
use super::{Processed, Processing};
use crate::{Accepted, Decision, Noted, Uftp};

/// What an aggregator does with the messages of DSOs and CROs.
pub type AgrService<S = ()> = Handlers<Agr, S>;

/// What a common reference operator does with the messages of AGRs and DSOs.
pub type CroService<S = ()> = Handlers<Cro, S>;

/// What a distribution system operator does with the messages of AGRs and CROs.
pub type DsoService<S = ()> = Handlers<Dso, S>;

/// What a participant in the role `R` does with each message, in two steps.
///
/// - *Pre-process* decides: `Ok(Accepted)` or `Err(Rejected)` to a request, `Ok(Noted)` to an answer. It comes after the
///   [rules](crate::rules) have found nothing, is expected to be quick, and what it decides is sent as a message of its own.
/// - *Process* does the longer work, once the decision is durable: it returns `()`, or a `Result` of it. Work that fails for a
///   reason of ours is done again.
///
/// Both are async functions whose first argument is [`Call<M>`](tieline_service::Call) and whose other arguments are
/// extractors: the [`Participant`](crate::Participant) who has signed the message, the
/// [`Conversation`](super::Conversation) by which they send, [`State`](tieline_service::State), the
/// [`Received`](crate::Received) message with its bytes as `Arc<Received>`, and [`Work`](super::Work) to be kept with the decision.
///
/// A message that has no handler is decided by the rules alone: accepted if it breaks none. So one implements only the
/// messages that one cares about. What the answers to a D-Prognosis and to a FlexSettlement say of their orders is worked out
/// from the history, where a handler does not say it.
///
/// ```
/// use tieline_service::Call;
/// use tieline_uftp::message::{FlexOrder, FlexRequest};
/// use tieline_uftp::service::{AgrService, Conversation, Unsendable};
/// use tieline_uftp::{Accepted, Rejected, RejectionReason};
///
/// async fn take_order(order: Call<FlexOrder>) -> Result<Accepted, Rejected> {
///     if order.order_reference.as_str().is_empty() {
///         return Err(RejectionReason::other("an order needs a reference").into());
///     }
///     Ok(Accepted::new())
/// }
///
/// async fn make_offer(request: Call<FlexRequest>, conversation: Conversation) -> Result<(), Unsendable> {
///     // conversation.send(|header| FlexOffer { header, … })?;
///     Ok(())
/// }
///
/// let service = AgrService::<()>::new().pre_process(take_order).process(make_offer);
/// ```
#[must_use = "handlers do nothing until a participant starts with them"]
pub struct Handlers<R, S = ()> {
    pre_process: Router<Uftp, S>,
    process: Router<Processing, S>,
    role: PhantomData<R>,
}

impl<R: RoleType, S: Clone + Send + Sync + 'static> Handlers<R, S> {
    /// No handlers: the rules decide on every message.
    pub fn new() -> Self {
        Self { pre_process: Router::new(), process: Router::new(), role: PhantomData }
    }

    /// Decides on a message.
    ///
    /// # Panics
    ///
    /// If the message is decided on already.
    #[track_caller]
    pub fn pre_process<H, Of>(mut self, handler: H) -> Self
    where
        H: OnRoute<Uftp, S, Of> + Send + 'static,
        H::Action: ReceivedBy<R>,
        Uftp: Carries<H::Action>,
    {
        self.pre_process = self.pre_process.on(handler);
        self
    }

    /// Does the longer work that a message causes.
    ///
    /// # Panics
    ///
    /// If the message has such work already.
    #[track_caller]
    pub fn process<H, Of>(mut self, handler: H) -> Self
    where
        H: OnRoute<Processing, S, Of> + Send + 'static,
        H::Action: ReceivedBy<R>,
        Processing: Carries<H::Action>,
    {
        self.process = self.process.on(handler);
        self
    }

    /// Changes the router of the first step: for layers, such as [`Timeout`](tieline_service::Timeout) and
    /// [`Trace`](tieline_service::Trace), and for the routes of another.
    pub fn with_pre_process(mut self, change: impl FnOnce(Router<Uftp, S>) -> Router<Uftp, S>) -> Self {
        self.pre_process = change(self.pre_process);
        self
    }

    /// Changes the router of the second step.
    pub fn with_process(
        mut self,
        change: impl FnOnce(Router<Processing, S>) -> Router<Processing, S>,
    ) -> Self {
        self.process = change(self.process);
        self
    }

    /// The handlers with the state that they share.
    pub fn with_state(self, state: S) -> RoleRoutes<R> {
        RoleRoutes {
            pre_process: self.pre_process.fallback(by_the_rules).with_state(state.clone()),
            process: self.process.fallback(nothing).with_state(state),
            role: PhantomData,
        }
    }
}

/// The decision on a message that has broken no rule and has no handler.
async fn by_the_rules(head: tieline_service::Head<Uftp>) -> Decision {
    let is_response = head.action().parse().is_ok_and(crate::MessageType::is_response);
    if is_response { Noted.into() } else { Accepted::new().into() }
}

/// The longer work on a message that causes none.
async fn nothing() -> Processed {
    Processed::Done
}

impl<R: RoleType, S: Clone + Send + Sync + 'static> Default for Handlers<R, S> {
    fn default() -> Self {
        Self::new()
    }
}

impl<R: RoleType, S> fmt::Debug for Handlers<R, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handlers").field("role", &R::ROLE).finish_non_exhaustive()
    }
}

/// The handlers of a role, ready to serve.
#[derive(Clone)]
pub struct RoleRoutes<R> {
    pub(super) pre_process: Routes<Uftp>,
    pub(super) process: Routes<Processing>,
    role: PhantomData<R>,
}

impl<R: RoleType> From<Handlers<R, ()>> for RoleRoutes<R> {
    fn from(handlers: Handlers<R, ()>) -> Self {
        handlers.with_state(())
    }
}

impl<R: RoleType> fmt::Debug for RoleRoutes<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RoleRoutes").field("role", &R::ROLE).finish_non_exhaustive()
    }
}
