//! What a simulated charger answers wrongly, around what it would answer.

use std::convert::Infallible;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_util::future::BoxFuture;
use tieline_ocpp::{Answer, CallError, ErrorCode, Ocpp, RawValue};
use tieline_service::{Incoming, Reply, Routes};
use tower::{Service, ServiceExt as _};

use super::scenario::{Misbehaviour, Wrong};
use super::steps::{Direction, print};

/// A service that answers some actions wrongly and leaves the others to the charger, and prints them all.
#[derive(Clone)]
pub(super) struct Misbehaving {
    routes: Routes<Ocpp>,
    misbehaviour: Arc<Misbehaviour>,
}

impl Misbehaving {
    pub(super) fn new(routes: Routes<Ocpp>, misbehaviour: Arc<Misbehaviour>) -> Self {
        Self { routes, misbehaviour }
    }
}

impl Service<Incoming<Ocpp>> for Misbehaving {
    type Response = Reply<Ocpp>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Reply<Ocpp>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, incoming: Incoming<Ocpp>) -> Self::Future {
        let (routes, misbehaviour) = (self.routes.clone(), Arc::clone(&self.misbehaviour));
        Box::pin(async move {
            let action = incoming.head.action().to_owned();
            print(Direction::In, &action, incoming.message.payload().get());
            let reply = match misbehaviour.on.get(&action) {
                None | Some(Wrong::IsSilent(false)) => routes.oneshot(incoming).await?,
                Some(Wrong::Pretends(answer)) => Reply::new(pretended(answer)),
                Some(Wrong::Refuses(code)) => {
                    let error = CallError::new(ErrorCode::parse(code), "as the scenario wants it");
                    Reply::new(Answer::Error(error))
                }
                Some(Wrong::IsSilent(true)) => std::future::pending().await,
                Some(Wrong::Dawdles(pause)) => {
                    tokio::time::sleep(pause.unsigned_abs()).await;
                    routes.oneshot(incoming).await?
                }
            };
            match &reply.answer {
                Answer::Result(payload) => print(Direction::Out, &action, payload.get()),
                Answer::Error(error) => print(Direction::Out, &action, &format!("{:?}", error.to_string())),
                _ => {}
            }
            Ok(reply)
        })
    }
}

fn pretended(answer: &toml::Value) -> Answer {
    let json = serde_json::to_string(answer).unwrap_or_default();
    RawValue::from_string(json).map_or(Answer::Nothing, Answer::Result)
}
