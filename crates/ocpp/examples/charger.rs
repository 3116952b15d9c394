//! A charging station that sends four messages to the CSMS of the other example, as in zeegat's quickstart.
#![expect(clippy::print_stdout, reason = "an example talks to its terminal")]

use tieline_ocpp::client::ChargingStation;
use tieline_ocpp::{CallFailure, CallOptions, Ocpp, Version, v16};
use tieline_service::Router;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    tracing_subscriber::fmt().init();
    let station = ChargingStation::new("ws://127.0.0.1:9000/ocpp", "optimus", [Version::V1_6])?;
    let session = station.connect(Router::<Ocpp, ()>::new().with_state(())).await?;
    let csms = session.peer().clone();
    let running = tokio::spawn(session.run());

    // A station holds its messages back until its BootNotification is accepted. This one never is, since the CSMS has
    // no handler for it, so the other messages say that they are sent nonetheless.
    let now = CallOptions::default().triggered();
    let authorized = csms.call_with(&v16::AuthorizeRequest::new("24782"), now).await?;
    println!("Authorize: {}", authorized.id_tag_info.status);
    let heartbeat = csms.call_with(&v16::HeartbeatRequest::new(), now).await?;
    println!("Heartbeat: it is {}", heartbeat.current_time);
    match csms.call(v16::BootNotificationRequest::new("Takara", "Optimus")).await {
        Err(CallFailure::Refused(error)) => println!("BootNotification: {error} {}", error.details),
        other => println!("BootNotification: {other:?}"),
    }
    let status = v16::FirmwareStatusNotificationRequest::new(v16::FirmwareStatus::Downloading);
    csms.call_with(&status, now).await?;
    println!("FirmwareStatusNotification: confirmed");

    csms.close("done");
    println!("{}", running.await?);
    Ok(())
}
