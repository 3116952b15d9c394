//! The way out as a service, so that our own calls get layers too.

use std::borrow::Cow;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use ocpp_kit::message::Confirmed;
use serde_json::value::RawValue;
use tower::ServiceExt as _;

use super::{CallFailure, CallOptions, Peer};
use crate::decode::decode;
use crate::protocol::encode;
use crate::{Action, Tolerance, Version};

/// A CALL of our own on its way to the peer.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Outgoing {
    /// The version of the request.
    pub version: Version,
    /// The action.
    pub action: Cow<'static, str>,
    /// The payload of the request.
    pub payload: Box<RawValue>,
    /// How this call differs from the session's limits.
    pub options: CallOptions,
}

impl Outgoing {
    /// The CALL of a request.
    ///
    /// # Errors
    ///
    /// The request breaks its own schema.
    pub fn new<R: Action + Confirmed>(request: &R) -> Result<Self, CallFailure> {
        Ok(Self {
            version: R::VERSION,
            action: Cow::Borrowed(R::NAME),
            payload: encode(request)?,
            options: CallOptions::default(),
        })
    }

    /// The same CALL with other options.
    pub fn with_options(mut self, options: CallOptions) -> Self {
        self.options = options;
        self
    }
}

/// A peer takes CALLs, and gives the payloads of their results. It is always ready: calls wait for their turn in the session's queue.
impl tower_service::Service<Outgoing> for Peer {
    type Response = Box<RawValue>;
    type Error = CallFailure;
    type Future = Pin<Box<dyn Future<Output = Result<Box<RawValue>, CallFailure>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), CallFailure>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, outgoing: Outgoing) -> Self::Future {
        let peer = self.clone();
        let Outgoing { version, action, payload, options } = outgoing;
        Box::pin(async move {
            peer.check_version(version)?;
            peer.call_raw(action, payload, options).await
        })
    }
}

/// Typed calls through a service, most often a [`Peer`] with layers around it.
///
/// ```
/// use std::time::Duration;
///
/// use tieline_ocpp::{CallFailure, Caller, Peer, v201};
/// use tower::ServiceBuilder;
///
/// async fn clear(peer: Peer) -> Result<(), CallFailure> {
///     let through = ServiceBuilder::new()
///         .map_request(|outgoing: tieline_ocpp::Outgoing| {
///             println!("to be sent: {}", outgoing.action);
///             outgoing
///         })
///         .service(peer);
///     let response = Caller::new(through).call(&v201::ClearChargingProfileRequest::new()).await?;
///     println!("{:?}", response.status);
///     Ok(())
/// }
/// ```
#[derive(Clone, Debug)]
pub struct Caller<S> {
    service: S,
    tolerance: Tolerance,
}

impl<S> Caller<S>
where
    S: tower_service::Service<Outgoing, Response = Box<RawValue>> + Clone,
    S::Error: From<CallFailure>,
{
    /// Calls through this service.
    pub fn new(service: S) -> Self {
        Self { service, tolerance: Tolerance::strict() }
    }

    /// What is forgiven in results. Default: nothing.
    pub fn with_tolerance(mut self, tolerance: Tolerance) -> Self {
        self.tolerance = tolerance;
        self
    }

    /// Sends a request and waits for the response.
    ///
    /// # Errors
    ///
    /// Those of the service; the request breaks its schema, or the result can't be read.
    pub async fn call<R: Action + Confirmed>(&self, request: &R) -> Result<R::Response, S::Error> {
        let result = self.service.clone().oneshot(Outgoing::new(request)?).await?;
        let response = decode(R::VERSION, R::NAME, &result, &self.tolerance);
        response.map_err(|error| CallFailure::UnusableResult(error).into())
    }
}
