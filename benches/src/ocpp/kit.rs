//! A CSMS on ocpp-kit's own transport, set up as its example is.

use std::net::Ipv4Addr;

use anyhow::Result;
use ocpp_kit::engine::IncomingRequest;
use ocpp_kit::rpc::CallError;
use ocpp_kit::transport::{Auth, AuthOutcome, BoxFuture, Csms, Ctx, Handler};
use ocpp_kit::types::DateTime;
use ocpp_kit::{RawValue, Version, v1_6};
use tokio::net::TcpListener;

use super::HEARTBEAT_SECONDS;
use crate::server;

/// Serves until the process that started this one is gone.
pub fn serve(port: u16) -> Result<()> {
    tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?.block_on(async {
        let csms = Csms::builder()
            .bind((Ipv4Addr::LOCALHOST, port).into())
            .versions([Version::V2_1, Version::V2_0_1, Version::V1_6])
            .authenticate(|_: Auth| async { AuthOutcome::accept() })
            .handler(Answers)
            .build()?;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
        server::ready();
        Ok(csms.serve_on(listener).await?)
    })
}

struct Answers;

impl Handler for Answers {
    fn on_request(
        &self,
        ctx: Ctx,
        request: IncomingRequest,
    ) -> BoxFuture<'_, Result<Box<RawValue>, CallError>> {
        Box::pin(async move {
            let action = v1_6::Action::from_wire(&request.action)
                .ok_or_else(|| CallError::not_implemented(&request.action))?;
            match v1_6::CsRequest::decode(action, &request.payload, ctx.decode_options())? {
                v1_6::CsRequest::BootNotification(_) => ctx.reply(&v1_6::BootNotificationResponse::new(
                    v1_6::RegistrationStatus::Accepted,
                    DateTime::now(),
                    HEARTBEAT_SECONDS,
                )),
                v1_6::CsRequest::MeterValues(_) => ctx.reply(&v1_6::MeterValuesResponse::new()),
                v1_6::CsRequest::Heartbeat(_) => ctx.reply(&v1_6::HeartbeatResponse::new(DateTime::now())),
                other => Err(CallError::not_supported(other.action().as_str())),
            }
        })
    }
}
