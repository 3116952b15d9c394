use std::ops::Deref;

use tower_layer::Layer;
use tower_service::Service;

use crate::{Fault, FromIncoming, Incoming, Protocol, Rejection};

/// A value that the transport or a layer attached to the message, found by its type.
///
/// If it is missing the message is answered as [`Fault::Missing`]; an `Option<Extension<T>>` is `None` then.
///
/// As a layer, it attaches a clone of its value to every message:
///
/// ```
/// use tieline_service::echo::{Echo, Said, Say};
/// use tieline_service::{Call, Extension, Router};
///
/// #[derive(Clone)]
/// struct Room(&'static str);
///
/// async fn on_say(Call(say): Call<Say>, Extension(Room(room)): Extension<Room>) -> Said {
///     Said(format!("{} (in {room})", say.text))
/// }
///
/// let service = Router::<Echo>::new().on(on_say).layer(Extension(Room("the hall"))).into_service();
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Extension<T>(pub T);

impl<T> Deref for Extension<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<P, S, T> FromIncoming<P, S> for Extension<T>
where
    P: Protocol,
    S: Sync,
    T: Clone + Send + Sync + 'static,
{
    async fn from_incoming(incoming: &Incoming<P>, _state: &S) -> Result<Self, Rejection<P>> {
        match incoming.head.extensions.get::<T>() {
            Some(value) => Ok(Self(value.clone())),
            None => Err(Fault::missing::<T>().into()),
        }
    }
}

impl<T: Clone, Inner> Layer<Inner> for Extension<T> {
    type Service = AddExtension<T, Inner>;

    fn layer(&self, inner: Inner) -> Self::Service {
        AddExtension { value: self.0.clone(), inner }
    }
}

/// The service of the layer [`Extension`].
#[derive(Clone, Debug)]
pub struct AddExtension<T, Inner> {
    value: T,
    inner: Inner,
}

impl<P, T, Inner> Service<Incoming<P>> for AddExtension<T, Inner>
where
    P: Protocol,
    T: Clone + Send + Sync + 'static,
    Inner: Service<Incoming<P>>,
{
    type Response = Inner::Response;
    type Error = Inner::Error;
    type Future = Inner::Future;

    fn poll_ready(&mut self, cx: &mut std::task::Context<'_>) -> std::task::Poll<Result<(), Inner::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut incoming: Incoming<P>) -> Inner::Future {
        incoming.head.extensions.insert(self.value.clone());
        self.inner.call(incoming)
    }
}
