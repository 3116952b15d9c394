//! The service layer over the protocol Echo.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on says so")]

mod after;
mod extractors;
mod faults;
mod hold_time;
mod layers;
mod log;
mod messages;
mod readiness;
mod replies;
mod routing;
mod serial;
mod trace;

use std::convert::Infallible;

use tieline_service::echo::{Answer, Echo, Refusal, Version, incoming};
use tieline_service::{Incoming, Reply};
use tower::{Service, ServiceExt as _};

/// What the service replies to one message.
async fn reply<S>(service: &S, version: Version, action: &'static str, text: &str) -> Reply<Echo>
where
    S: Service<Incoming<Echo>, Response = Reply<Echo>, Error = Infallible> + Clone,
{
    let Ok(reply) = service.clone().oneshot(incoming(version, action, text)).await;
    reply
}

/// What the service answers to one message of version two.
async fn answer<S>(service: &S, action: &'static str, text: &str) -> Answer
where
    S: Service<Incoming<Echo>, Response = Reply<Echo>, Error = Infallible> + Clone,
{
    reply(service, Version::Two, action, text).await.answer
}

fn text(text: &str) -> Answer {
    Answer::Text(text.to_owned())
}

fn refused(code: &'static str, cause: &str) -> Answer {
    Refusal::new(code, cause).into()
}
