//! What stations tell, in one form for all versions.
//!
//! A CSMS for three versions reacts to the same things in each: a station booted, a connector is taken, a transaction goes on.
//! [`Observe`] is a layer that tells them, beside the typed handlers, once a message was accepted. It leaves out what one of the
//! versions lacks: what matters in detail belongs to a handler of the message.
//!
//! ```
//! use tieline_ocpp::events::{Event, Observe, Observed};
//! use tieline_ocpp::{Ocpp, Peer, v16, v201};
//! use tieline_service::{Call, Router};
//! # use tieline_ocpp::types::DateTime;
//! # async fn on_boot_16(_: Call<v16::BootNotificationRequest>) -> v16::BootNotificationResponse {
//! #     let now: DateTime = "2026-06-01T12:00:00Z".parse().unwrap();
//! #     v16::BootNotificationResponse::new(v16::RegistrationStatus::Accepted, now, 300)
//! # }
//! # async fn on_boot_201(_: Call<v201::BootNotificationRequest>) -> v201::BootNotificationResponse {
//! #     let now: DateTime = "2026-06-01T12:00:00Z".parse().unwrap();
//! #     v201::BootNotificationResponse::new(now, 300, v201::RegistrationStatus::Accepted)
//! # }
//!
//! let observe = Observe::new(|station: &Peer, observed: Observed| {
//!     if let Event::Booted { vendor, model, .. } = observed.event {
//!         println!("{station} is a {model} of {vendor}");
//!     }
//! });
//! let router = Router::<Ocpp, ()>::new().on(on_boot_16).on(on_boot_201).layer(observe).with_state(());
//! # let _ = router;
//! ```

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use ocpp_kit::csms::events::{observe_v16, observe_v21, observe_v201};
use ocpp_kit::decode::DecodeOptions;
use serde::Deserialize;
use serde_json::value::RawValue;
use tieline_service::{Incoming, Reply};

pub use ocpp_kit::csms::events::{
    DomainEvent as Event, EnergyReading, Observed, SignedReading, Warning, WarningKind,
};

use crate::{Answer, Message, Ocpp, Peer, Version, v16, v21, v201};

/// Tells what the messages say that were accepted, once their handlers are done and before their answers are sent.
///
/// What it calls must not block: it hands on what it gets, through a channel for example.
#[derive(Clone)]
pub struct Observe<F>(Arc<F>);

impl<F> Observe<F>
where
    F: Fn(&Peer, Observed) + Send + Sync + 'static,
{
    /// The layer that calls this.
    pub fn new(tell: F) -> Self {
        Self(Arc::new(tell))
    }
}

impl<F> fmt::Debug for Observe<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Observe").finish_non_exhaustive()
    }
}

impl<F, Inner> tower::Layer<Inner> for Observe<F> {
    type Service = ObserveService<F, Inner>;

    fn layer(&self, inner: Inner) -> Self::Service {
        ObserveService { tell: Arc::clone(&self.0), inner }
    }
}

/// The service of the layer [`Observe`].
pub struct ObserveService<F, Inner> {
    tell: Arc<F>,
    inner: Inner,
}

impl<F, Inner: Clone> Clone for ObserveService<F, Inner> {
    fn clone(&self) -> Self {
        Self { tell: Arc::clone(&self.tell), inner: self.inner.clone() }
    }
}

impl<F, Inner: fmt::Debug> fmt::Debug for ObserveService<F, Inner> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ObserveService").field("inner", &self.inner).finish_non_exhaustive()
    }
}

impl<F, Inner> tower_service::Service<Incoming<Ocpp>> for ObserveService<F, Inner>
where
    F: Fn(&Peer, Observed) + Send + Sync + 'static,
    Inner: tower_service::Service<Incoming<Ocpp>, Response = Reply<Ocpp>>,
    Inner::Future: Send + 'static,
{
    type Response = Reply<Ocpp>;
    type Error = Inner::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Reply<Ocpp>, Inner::Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Inner::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, incoming: Incoming<Ocpp>) -> Self::Future {
        let tell = Arc::clone(&self.tell);
        let (station, action) = (incoming.head.peer().clone(), incoming.head.action().to_owned());
        let message = incoming.message.clone();
        let handling = self.inner.call(incoming);
        Box::pin(async move {
            let reply = handling.await?;
            let answer = match &reply.answer {
                Answer::Result(answer) => Some(&**answer),
                Answer::Nothing => None,
                Answer::Error(_) => return Ok(reply),
            };
            if let Some(observed) = observe(&action, &message, answer) {
                tell(&station, observed);
            }
            Ok(reply)
        })
    }
}

/// What a message says; `None` if a station does not send such, or if it can't be read.
fn observe(action: &str, message: &Message, answer: Option<&RawValue>) -> Option<Observed> {
    // It was accepted, so whatever is odd about it was forgiven.
    let options = DecodeOptions::lenient();
    let payload = message.payload();
    match message.version() {
        Version::V1_6 => {
            let request = v16::CsRequest::decode(v16::Action::from_wire(action)?, payload, &options).ok()?;
            let mut observed = observe_v16(&request);
            number(&mut observed.event, answer);
            Some(observed)
        }
        Version::V2_0_1 => {
            let request =
                v201::CsRequest::decode(v201::Action::from_wire(action)?, payload, &options).ok()?;
            Some(observe_v201(&request))
        }
        _ => {
            let request = v21::CsRequest::decode(v21::Action::from_wire(action)?, payload, &options).ok()?;
            Some(observe_v21(&request))
        }
    }
}

/// In 1.6 the number of a transaction is in the answer to its start.
fn number(event: &mut Event, answer: Option<&RawValue>) {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Started {
        transaction_id: i32,
    }
    if let Event::TransactionStarted { transaction_id, .. } = event
        && let Some(started) = answer.and_then(|answer| serde_json::from_str::<Started>(answer.get()).ok())
    {
        *transaction_id = Some(started.transaction_id.to_string());
    }
}
