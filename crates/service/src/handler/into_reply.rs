use crate::{After, Carries, Failure, Fault, Head, Protocol, Reply};

/// What a handler may return.
///
/// - the response of its action, [`Carries::Response`]; or, in a handler registered by name, the protocol's
///   [`Answer`](Protocol::Answer);
/// - a `Result` of it whose error converts into the protocol's answer, or is [`Failure`];
/// - any of these with an [`After`], as a pair, outside or inside the `Result`;
/// - a whole [`Reply`].
///
/// `A` is the action's message, or [`Named`]. `Via` is found by the compiler.
#[diagnostic::on_unimplemented(
    message = "a handler of `{A}` in the protocol `{P}` cannot return `{Self}`",
    label = "this handler returns `{Self}`",
    note = "a handler returns `<{P} as Carries<{A}>>::Response`, or a `Result` of it whose error converts into the \
            protocol's answer or is `Failure`; a handler registered by name returns the protocol's answer; \
            an `After` can go with each as a pair"
)]
pub trait IntoReply<P: Protocol, A, Via> {
    /// Makes the reply to the message with this head.
    fn into_reply(self, head: &Head<P>) -> Reply<P>;
}

/// Stands for the action in a handler that is registered by name.
#[derive(Debug)]
pub enum Named {}

/// How a returned value becomes a reply. Only the compiler needs these.
pub mod via {
    use std::marker::PhantomData;

    /// It is the response of the action.
    #[derive(Debug)]
    pub enum Response {}

    /// It is the protocol's answer.
    #[derive(Debug)]
    pub enum Answer {}

    /// It is the reply.
    #[derive(Debug)]
    pub enum Whole {}

    /// It is a result whose error converts into the protocol's answer.
    #[derive(Debug)]
    pub struct Refusable<Via>(PhantomData<Via>);

    /// It is a result whose error is a failure.
    #[derive(Debug)]
    pub struct Fallible<Via>(PhantomData<Via>);

    /// It comes with work for afterwards.
    #[derive(Debug)]
    pub struct WithAfter<Via>(PhantomData<Via>);
}

#[diagnostic::do_not_recommend]
impl<P, A, R> IntoReply<P, A, via::Response> for R
where
    P: Carries<A, Response = R>,
{
    fn into_reply(self, _head: &Head<P>) -> Reply<P> {
        Reply::new(P::encode(self))
    }
}

#[diagnostic::do_not_recommend]
impl<P, R> IntoReply<P, Named, via::Answer> for R
where
    P: Protocol<Answer = R>,
{
    fn into_reply(self, _head: &Head<P>) -> Reply<P> {
        Reply::new(self)
    }
}

impl<P: Protocol, A> IntoReply<P, A, via::Whole> for Reply<P> {
    fn into_reply(self, _head: &Head<P>) -> Reply<P> {
        self
    }
}

#[diagnostic::do_not_recommend]
impl<P, A, R, E, Via> IntoReply<P, A, via::Refusable<Via>> for Result<R, E>
where
    P: Protocol,
    R: IntoReply<P, A, Via>,
    E: Into<P::Answer>,
{
    fn into_reply(self, head: &Head<P>) -> Reply<P> {
        match self {
            Ok(response) => response.into_reply(head),
            Err(refusal) => Reply::new(refusal.into()),
        }
    }
}

#[diagnostic::do_not_recommend]
impl<P, A, R, Via> IntoReply<P, A, via::Fallible<Via>> for Result<R, Failure>
where
    P: Protocol,
    R: IntoReply<P, A, Via>,
{
    fn into_reply(self, head: &Head<P>) -> Reply<P> {
        match self {
            Ok(response) => response.into_reply(head),
            Err(failure) => Reply::fault(head, Fault::Failed(failure.into_inner())),
        }
    }
}

#[diagnostic::do_not_recommend]
impl<P, A, R, Via> IntoReply<P, A, via::WithAfter<Via>> for (R, After)
where
    P: Protocol,
    R: IntoReply<P, A, Via>,
{
    fn into_reply(self, head: &Head<P>) -> Reply<P> {
        let (response, after) = self;
        response.into_reply(head).with_after(after)
    }
}
