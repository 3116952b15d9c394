//! Async functions as handlers.

mod endpoint;
mod failure;
mod into_reply;

use std::future::Future;

pub(crate) use self::endpoint::Endpoint;
pub use self::failure::Failure;
pub use self::into_reply::{IntoReply, Named, via};

/// An async function of up to eight arguments.
///
/// `Args` is the tuple of its arguments, found by the compiler. What the arguments may be is said by
/// [`FromIncoming`](crate::FromIncoming), and what the function may return by [`IntoReply`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a handler",
    label = "not an async function of at most eight arguments",
    note = "a handler is an `async fn`, or a closure that returns a future; it takes at most eight arguments by value, \
            and it is `Clone`, `Send` and `Sync`"
)]
pub trait Handler<Args>: Clone + Send + Sync + 'static {
    /// What the function returns in the end.
    type Output;

    /// The function's future.
    type Future: Future<Output = Self::Output>;

    /// Calls the function.
    fn call(self, args: Args) -> Self::Future;
}

macro_rules! handler {
    ($($argument:ident),*) => {
        impl<F, Fut, $($argument,)*> Handler<($($argument,)*)> for F
        where
            F: FnOnce($($argument,)*) -> Fut + Clone + Send + Sync + 'static,
            Fut: Future,
        {
            type Output = Fut::Output;
            type Future = Fut;

            #[expect(non_snake_case, reason = "the arguments are named as their types")]
            fn call(self, ($($argument,)*): ($($argument,)*)) -> Fut {
                self($($argument,)*)
            }
        }
    };
}

/// Calls a macro with the names of one type, of two, and so on up to eight.
macro_rules! for_each_arity {
    ($macro:ident) => {
        $macro!(A1);
        $macro!(A1, A2);
        $macro!(A1, A2, A3);
        $macro!(A1, A2, A3, A4);
        $macro!(A1, A2, A3, A4, A5);
        $macro!(A1, A2, A3, A4, A5, A6);
        $macro!(A1, A2, A3, A4, A5, A6, A7);
        $macro!(A1, A2, A3, A4, A5, A6, A7, A8);
    };
}

pub(crate) use for_each_arity;

impl<F, Fut> Handler<()> for F
where
    F: FnOnce() -> Fut + Clone + Send + Sync + 'static,
    Fut: Future,
{
    type Output = Fut::Output;
    type Future = Fut;

    fn call(self, (): ()) -> Fut {
        self()
    }
}

for_each_arity!(handler);
