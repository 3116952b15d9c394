//! A proxy between a station and a CSMS that say anything.

use tieline_ocpp::frame::Frame;
use tieline_ocpp::proxy::Proxy;
use tieline_ocpp::{CallOptions, RawValue, Version};
use tokio::sync::mpsc;

use crate::support::{RawPeer, eventually, raw_csms, serve_http};

/// A station, a proxy, and the CSMS behind it.
pub(crate) struct Proxied {
    proxy: Proxy,
    station: RawPeer,
    csms: RawPeer,
    _connections: mpsc::UnboundedReceiver<RawPeer>,
    passed: u64,
}

impl Proxied {
    pub(crate) async fn new() -> Self {
        let (csms, mut connections) = raw_csms().await;
        let proxy = Proxy::builder(&format!("ws://{csms}/ocpp")).unwrap().build();
        let address = serve_http(proxy.clone()).await;
        let station = RawPeer::station(address, "CS001", "ocpp2.1").await;
        let csms = connections.recv().await.unwrap();
        Self { proxy, station, csms, _connections: connections, passed: 0 }
    }

    /// A text passes both ways as it is, also around a call of our own, whose answer goes to us alone.
    pub(crate) async fn check(&mut self, text: &str) {
        self.passes(text).await;
        self.passed += 1;
        if !self.passed.is_multiple_of(8) {
            return;
        }
        let peer = eventually(|| self.proxy.registry().get("CS001")).await;
        let calling = tokio::spawn(async move {
            let payload = RawValue::from_string("{}".to_owned()).unwrap();
            peer.call_raw("ClearCache", payload, CallOptions::default()).await
        });
        let call = self.station.next_json().await;
        self.station.send(text).await;
        assert_eq!(self.csms.next().await.as_deref(), Some(text));
        self.station.send(&format!(r#"[3,{},{{"status":"Accepted"}}]"#, call[1])).await;
        let answer = calling.await.unwrap().unwrap();
        assert_eq!(answer.get(), r#"{"status":"Accepted"}"#);
        self.passes(r#"[2,"last","Heartbeat",{}]"#).await;
    }

    async fn passes(&mut self, text: &str) {
        self.station.send(text).await;
        assert_eq!(self.csms.next().await.as_deref(), Some(text));
        self.csms.send(text).await;
        assert_eq!(self.station.next().await.as_deref(), Some(text));
        // A call of ours waits for the answer to one of the CSMS.
        let answer = answer_to(text);
        self.station.send(&answer).await;
        assert_eq!(self.csms.next().await.as_deref(), Some(answer.as_str()));
    }
}

/// The answer to a call, or something that answers nothing.
fn answer_to(text: &str) -> String {
    let id = match Frame::parse(text, Version::V2_1) {
        Ok(Frame::Call { id, .. }) => id.as_str().to_owned(),
        _ => "none".to_owned(),
    };
    format!("[3,{},{{}}]", serde_json::Value::from(id))
}
