//! One service at one path.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use tower_service::Service;

/// Serves one path; anything else is answered 404.
#[derive(Debug, Clone)]
pub(super) struct AtPath<T> {
    path: &'static str,
    inner: T,
}

impl<T> AtPath<T> {
    pub(super) fn new(path: &'static str, inner: T) -> Self {
        Self { path, inner }
    }
}

type Answer<E> = Pin<Box<dyn Future<Output = Result<Response<Full<Bytes>>, E>> + Send>>;

impl<T, B> Service<Request<B>> for AtPath<T>
where
    T: Service<Request<B>, Response = Response<Full<Bytes>>, Error = Infallible>,
    T::Future: Send + 'static,
{
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = Answer<Infallible>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        if request.uri().path() == self.path {
            return Box::pin(self.inner.call(request));
        }
        let mut answer = Response::new(Full::default());
        *answer.status_mut() = StatusCode::NOT_FOUND;
        Box::pin(std::future::ready(Ok(answer)))
    }
}
