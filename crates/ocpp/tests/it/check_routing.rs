//! A CSMS with all its parts, and a station that says anything.

use std::time::Duration;

use serde_json::Value;
use tieline_ocpp::csms::{Anyone, Csms};
use tieline_ocpp::types::DateTime;
use tieline_ocpp::{Answer, CallError, Limits, Ocpp, Peer, Tolerance, v16, v21, v201, validation};
use tieline_service::{Call, Incoming, Reply, Router, Timeout};

use crate::support::{RawPeer, serve, service};

/// A station per version, all connected to one CSMS.
pub(crate) struct Routed {
    stations: Vec<RawPeer>,
    sent: u64,
}

macro_rules! heartbeat {
    ($name:ident, $module:ident) => {
        async fn $name(_: Call<$module::HeartbeatRequest>) -> $module::HeartbeatResponse {
            $module::HeartbeatResponse::new(DateTime::UNIX_EPOCH)
        }
    };
}

heartbeat!(heartbeat_16, v16);
heartbeat!(heartbeat_201, v201);
heartbeat!(heartbeat_21, v21);

/// Calls back, whatever comes of it.
async fn status(_: Call<v16::StatusNotificationRequest>, peer: Peer) -> v16::StatusNotificationResponse {
    tokio::spawn(async move { peer.call(v16::ClearCacheRequest::new()).await });
    v16::StatusNotificationResponse::new()
}

/// Reads every message of every version as what it says that it is.
fn read(incoming: &Incoming<Ocpp>) -> Reply<Ocpp> {
    let message = &incoming.message;
    let read = validation::payload(
        message.version(),
        incoming.head.action(),
        message.payload(),
        &Tolerance::strict(),
    );
    let why = read.map_or_else(|error| error.to_string(), |_| "it is well-formed".to_owned());
    Reply::new(Answer::Error(CallError::internal(why)))
}

impl Routed {
    pub(crate) async fn new() -> Self {
        let router = Router::<Ocpp, ()>::new()
            .on(heartbeat_16)
            .on(heartbeat_201)
            .on(heartbeat_21)
            .on(status)
            .fallback(service(|incoming| async move { read(&incoming) }))
            .layer(Timeout::new(Duration::from_secs(5)))
            .with_state(());
        let mut limits = Limits::default();
        limits.boot_gate = false;
        limits.call_timeout = Duration::from_millis(1);
        let csms = Csms::builder(router).authenticate(Anyone).limits(limits).build();
        let address = serve(csms).await;
        let mut stations = Vec::new();
        for (identity, protocol) in [("A", "ocpp1.6"), ("B", "ocpp2.0.1"), ("C", "ocpp2.1")] {
            stations.push(RawPeer::station(address, identity, protocol).await);
        }
        Self { stations, sent: 0 }
    }

    /// The CSMS gets a text, and answers the next message as if nothing had been.
    pub(crate) async fn check(&mut self, text: &str) {
        for (index, station) in self.stations.iter_mut().enumerate() {
            self.sent += 1;
            let id = format!("{:032}", self.sent);
            station.send(text).await;
            station.send(&format!(r#"[2,"{id}","Heartbeat",{{}}]"#)).await;
            loop {
                let Some(frame) = station.next().await else {
                    panic!("the session {index} has ended: {text:?}")
                };
                let frame: Value = serde_json::from_str(&frame).unwrap_or_else(|_| panic!("{frame}"));
                let kind = frame[0].as_u64().unwrap_or_else(|| panic!("{frame}"));
                assert!((2..=4).contains(&kind) || (kind == 5 && index == 2), "{frame}");
                if frame[1] == id.as_str() {
                    assert_eq!(frame[2]["currentTime"], "1970-01-01T00:00:00Z", "{frame}");
                    break;
                }
            }
        }
    }
}
