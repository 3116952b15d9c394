//! A CSMS on tieline-ocpp, with the layers that a node has.

use anyhow::Result;
use tieline_edge::listener::PlainListener;
use tieline_edge::{ServeConfig, serve as serve_http};
use tieline_ocpp::csms::{Anyone, Csms};
use tieline_ocpp::{Ocpp, types, v16};
use tieline_service::{Call, Router, Trace};
use tokio_util::sync::CancellationToken;

use super::HEARTBEAT_SECONDS;
use crate::server;

/// Serves until the process that started this one is gone.
pub fn serve(port: u16) -> Result<()> {
    tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?.block_on(async {
        let router = Router::<Ocpp, ()>::new()
            .on(on_boot_notification)
            .on(on_heartbeat)
            .on(on_meter_values)
            .layer(Trace::new())
            .with_state(());
        let csms = Csms::builder(router).authenticate(Anyone).build();
        let listener = PlainListener::bind(([127, 0, 0, 1], port).into())?;
        server::ready();
        let config = ServeConfig::default().with_max_connections(32 * 1024);
        serve_http(listener, csms, config, CancellationToken::new()).await;
        Ok(())
    })
}

async fn on_boot_notification(_: Call<v16::BootNotificationRequest>) -> v16::BootNotificationResponse {
    v16::BootNotificationResponse::new(v16::RegistrationStatus::Accepted, now(), HEARTBEAT_SECONDS)
}

async fn on_heartbeat(_: Call<v16::HeartbeatRequest>) -> v16::HeartbeatResponse {
    v16::HeartbeatResponse::new(now())
}

async fn on_meter_values(_: Call<v16::MeterValuesRequest>) -> v16::MeterValuesResponse {
    v16::MeterValuesResponse::new()
}

fn now() -> types::DateTime {
    types::DateTime::now()
}
