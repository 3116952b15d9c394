use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use serde_json::value::RawValue;
use tieline_service::{Fault, Incoming, Reply};
use tower_service::Service;

use super::Schemas;
use crate::{Answer, CallFailure, InvalidMessage, Ocpp, Outgoing, Tolerance, Version, fault};

/// A layer that checks payloads with JSON Schema, of messages on their way in as on their way out.
///
/// Around a router: a request that breaks its schema gets the CALLERROR that a typed handler would give it, and no handler sees
/// it; a response that does is not sent, the peer gets `InternalError`, and the log says why. Peers to whom something is
/// forgiven ([`Tolerance`]) are not checked. Around a [`Peer`](crate::Peer): a request is not sent, a result is unusable.
///
/// ```no_run
/// use std::path::Path;
///
/// use tieline_ocpp::json_schema::{JsonSchema, Schemas};
/// use tieline_ocpp::{Ocpp, Version, v201};
/// use tieline_service::{Call, Router};
///
/// async fn on_authorize(Call(_): Call<v201::AuthorizeRequest>) -> v201::AuthorizeResponse {
///     let accepted = v201::IdTokenInfo::new(v201::AuthorizationStatus::Accepted);
///     v201::AuthorizeResponse::new(accepted)
/// }
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let schemas = Schemas::read(Version::V2_0_1, Path::new("schemas/v2.0.1"))?;
/// let router = Router::<Ocpp>::new().on(on_authorize).layer(JsonSchema::new([schemas]));
/// # let _ = router;
/// # Ok(()) }
/// ```
///
/// A payload is parsed once more for it: expect a MeterValues of twenty values to cost two to four times as much.
#[derive(Clone, Debug)]
pub struct JsonSchema {
    schemas: Arc<BTreeMap<Version, Schemas>>,
}

impl JsonSchema {
    /// The layer with the schemas of one version or several; messages of others pass.
    pub fn new(schemas: impl IntoIterator<Item = Schemas>) -> Self {
        let by_version = schemas.into_iter().map(|schemas| (schemas.version(), schemas));
        Self { schemas: Arc::new(by_version.collect()) }
    }
}

impl<Inner> tower::Layer<Inner> for JsonSchema {
    type Service = JsonSchemaService<Inner>;

    fn layer(&self, inner: Inner) -> Self::Service {
        JsonSchemaService { schemas: Arc::clone(&self.schemas), inner }
    }
}

/// The service of the layer [`JsonSchema`].
#[derive(Clone, Debug)]
pub struct JsonSchemaService<Inner> {
    schemas: Arc<BTreeMap<Version, Schemas>>,
    inner: Inner,
}

impl<Inner> Service<Incoming<Ocpp>> for JsonSchemaService<Inner>
where
    Inner: Service<Incoming<Ocpp>, Response = Reply<Ocpp>>,
    Inner::Future: Send + 'static,
{
    type Response = Reply<Ocpp>;
    type Error = Inner::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Reply<Ocpp>, Inner::Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Inner::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, incoming: Incoming<Ocpp>) -> Self::Future {
        let version = incoming.message.version();
        let is_checked =
            self.schemas.contains_key(&version) && *incoming.message.tolerance == Tolerance::strict();
        if !is_checked {
            return Box::pin(self.inner.call(incoming));
        }
        let schemas = Arc::clone(&self.schemas);
        let head = incoming.head.without_extensions();
        if let Err(error) = schemas[&version].check_request(head.action(), incoming.message.payload()) {
            return Box::pin(async move { Ok(Reply::fault(&head, Fault::Undecodable(error))) });
        }
        let handled = self.inner.call(incoming);
        Box::pin(async move {
            let reply = handled.await?;
            let Answer::Result(payload) = &reply.answer else { return Ok(reply) };
            match schemas[&version].check_response(head.action(), payload) {
                Ok(()) => Ok(reply),
                Err(cause) => {
                    let action = head.action();
                    tracing::error!(action, %cause, "a handler's response breaks its JSON Schema");
                    let error = fault::internal_error("the response could not be made");
                    Ok(Reply::new(Answer::Error(error)))
                }
            }
        })
    }
}

impl<Inner> Service<Outgoing> for JsonSchemaService<Inner>
where
    Inner: Service<Outgoing, Response = Box<RawValue>>,
    Inner::Error: From<CallFailure> + Send + 'static,
    Inner::Future: Send + 'static,
{
    type Response = Box<RawValue>;
    type Error = Inner::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Box<RawValue>, Inner::Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Inner::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, outgoing: Outgoing) -> Self::Future {
        let version = outgoing.version;
        let schemas = Arc::clone(&self.schemas);
        let Some(of_version) = schemas.get(&version) else { return Box::pin(self.inner.call(outgoing)) };
        if let Err(error) = of_version.check_request(&outgoing.action, &outgoing.payload) {
            let failure = CallFailure::InvalidRequest(InvalidMessage::new(&error));
            return Box::pin(async move { Err(failure.into()) });
        }
        let action = outgoing.action.clone();
        let answered = self.inner.call(outgoing);
        Box::pin(async move {
            let result = answered.await?;
            let checked = schemas[&version].check_response(&action, &result);
            checked.map_err(CallFailure::UnusableResult)?;
            Ok(result)
        })
    }
}
