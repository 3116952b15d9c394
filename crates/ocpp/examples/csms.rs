//! A CSMS with three handlers, as in zeegat's quickstart. Run it, then `cargo run -p tieline-ocpp --example charger`.
#![expect(clippy::print_stdout, reason = "an example talks to its terminal")]

use std::time::Duration;

use tieline_edge::listener::PlainListener;
use tieline_edge::{ServeConfig, serve};
use tieline_ocpp::csms::{Anyone, Csms};
use tieline_ocpp::types::DateTime;
use tieline_ocpp::{CallError, Ocpp, Peer, v16};
use tieline_service::{Call, Router, Timeout, Trace};
use tokio_util::sync::CancellationToken;

async fn on_heartbeat(_: Call<v16::HeartbeatRequest>) -> v16::HeartbeatResponse {
    v16::HeartbeatResponse::new(DateTime::now())
}

async fn on_authorize(
    call: Call<v16::AuthorizeRequest>,
    charger: Peer,
) -> Result<v16::AuthorizeResponse, CallError> {
    let status = if charger.identity().as_str() == "optimus" && call.id_tag == "24782" {
        v16::AuthorizationStatus::Accepted
    } else {
        v16::AuthorizationStatus::Invalid
    };
    Ok(v16::AuthorizeResponse::new(v16::IdTagInfo::new(status)))
}

async fn on_firmware_status(
    _: Call<v16::FirmwareStatusNotificationRequest>,
) -> v16::FirmwareStatusNotificationResponse {
    v16::FirmwareStatusNotificationResponse::new()
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    tracing_subscriber::fmt().init();
    let app = Router::<Ocpp, ()>::new()
        .on(on_heartbeat)
        .on(on_authorize)
        .on(on_firmware_status)
        .layer(Timeout::new(Duration::from_secs(10)))
        .layer(Trace::new())
        .with_state(());
    let csms = Csms::builder(app).authenticate(Anyone).build();

    let listener = PlainListener::bind("127.0.0.1:9000".parse()?)?;
    println!("charging stations connect to ws://127.0.0.1:9000/ocpp/<identity>");
    let stop = CancellationToken::new();
    let serving = tokio::spawn(serve(listener, csms.clone(), ServeConfig::default(), stop.clone()));
    tokio::signal::ctrl_c().await?;
    stop.cancel();
    csms.shut_down().await;
    println!("{}", serving.await?);
    Ok(())
}
