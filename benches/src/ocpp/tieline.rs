//! A CSMS on tieline-ocpp, with the layers that a node has.

use std::time::Duration;

use anyhow::Result;
use tieline_edge::listener::{Listener as _, PlainListener};
use tieline_edge::{ServeConfig, serve as serve_http};
use tieline_ocpp::client::ChargingStation;
use tieline_ocpp::csms::{Anyone, Csms};
use tieline_ocpp::{Ocpp, Peer, Version, types, v16};
use tieline_service::{Call, Router, Routes, Trace};
use tokio_util::sync::CancellationToken;

use super::HEARTBEAT_SECONDS;
use crate::server;

/// Serves until the process that started this one is gone.
pub fn serve(port: u16) -> Result<()> {
    tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?.block_on(async {
        let csms = Csms::builder(routes()).authenticate(Anyone).build();
        let listener = PlainListener::bind(([127, 0, 0, 1], port).into())?;
        server::ready();
        let config = ServeConfig::default().with_max_connections(32 * 1024);
        serve_http(listener, csms, config, CancellationToken::new()).await;
        Ok(())
    })
}

/// What it answers, behind the layers that a node has.
pub fn routes() -> Routes<Ocpp> {
    Router::<Ocpp, ()>::new()
        .on(on_boot_notification)
        .on(on_heartbeat)
        .on(on_meter_values)
        .layer(Trace::new())
        .with_state(())
}

/// The handle on a station that has connected to such a CSMS, on the runtime that this is called on. It goes on to be of use when
/// the session has ended.
pub async fn handle() -> Result<Peer> {
    let csms = Csms::builder(routes()).authenticate(Anyone).build();
    let registry = csms.registry().clone();
    let listener = PlainListener::bind(([127, 0, 0, 1], 0).into())?;
    let address = listener.local_addr()?;
    let stop = CancellationToken::new();
    let serving = tokio::spawn(serve_http(listener, csms, ServeConfig::default(), stop.clone()));
    let station = ChargingStation::new(&format!("ws://{address}/ocpp"), "CS001", [Version::V1_6])?;
    let session = station.connect(routes()).await?;
    let running = tokio::spawn(session.run());
    let peer = loop {
        if let Some(peer) = registry.get("CS001") {
            break peer;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    };
    running.abort();
    stop.cancel();
    serving.await?;
    Ok(peer)
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
