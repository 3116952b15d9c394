use std::ops::{Deref, DerefMut};

use crate::{FromIncoming, Incoming, Protocol, Rejection};

/// A part of the router's state, cloned for this message.
///
/// Any type that implements [`FromRef`] of the router's state will do, the whole state among them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct State<T>(pub T);

impl<T> Deref for State<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T> DerefMut for State<T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.0
    }
}

impl<P, S, T> FromIncoming<P, S> for State<T>
where
    P: Protocol,
    S: Sync,
    T: FromRef<S> + Send,
{
    async fn from_incoming(_incoming: &Incoming<P>, state: &S) -> Result<Self, Rejection<P>> {
        Ok(Self(T::from_ref(state)))
    }
}

/// A type that can be taken out of a larger state `S`.
///
/// ```
/// use tieline_service::FromRef;
///
/// #[derive(Clone)]
/// struct Tags(Vec<&'static str>);
///
/// #[derive(Clone)]
/// struct Shared {
///     tags: Tags,
///     site: u32,
/// }
///
/// impl FromRef<Shared> for Tags {
///     fn from_ref(shared: &Shared) -> Self {
///         shared.tags.clone()
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not part of the router's state `{S}`",
    label = "the router's state is `{S}`",
    note = "implement `FromRef<{S}>` for `{Self}`, or give the router a state that has it"
)]
pub trait FromRef<S> {
    /// Takes the part out of the state.
    fn from_ref(state: &S) -> Self;
}

impl<T: Clone> FromRef<T> for T {
    fn from_ref(state: &T) -> T {
        state.clone()
    }
}
