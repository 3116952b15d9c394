//! A day of a station and a CSMS of others, through a proxy of ours.

use std::net::SocketAddr;
use std::path::Path;

use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use serde_json::{Value, json};
use tieline_interop::{OcppOutcome, OcppPeer};
use tieline_ocpp::proxy::Proxy;
use tieline_ocpp::{CallOptions, RawValue, Version};
use tokio::net::TcpListener;
use tokio::runtime::Builder;

/// Quarters of an hour.
const QUARTERS: u32 = 96;

/// A station and a CSMS on mobilityhouse's `ocpp`, a proxy between them, and what each end has written down.
struct Day {
    station: OcppPeer,
    csms: OcppPeer,
    version: Version,
}

impl Day {
    /// The station says this, and the CSMS answers that.
    fn says(&mut self, action: &str, request: &Value, response: &Value) {
        self.csms.answer(action, response).unwrap();
        let outcome = self.station.call(action, request).unwrap();
        assert!(matches!(outcome, OcppOutcome::Answered(_)), "{action}: {outcome:?}");
    }

    /// The CSMS asks this, and the station answers that.
    fn is_asked(&mut self, action: &str, request: &Value, response: &Value) {
        self.station.answer(action, response).unwrap();
        let outcome = self.csms.call(action, request).unwrap();
        assert!(matches!(outcome, OcppOutcome::Answered(_)), "{action}: {outcome:?}");
    }

    fn begin(&mut self) {
        let accepted = json!({"status": "Accepted", "currentTime": "2026-06-01T00:00:00Z", "interval": 300});
        let boot = match self.version {
            Version::V1_6 => json!({"chargePointVendor": "Takara", "chargePointModel": "Optimus"}),
            _ => {
                json!({"reason": "PowerUp", "chargingStation": {"vendorName": "Takara", "model": "Optimus"}})
            }
        };
        self.says("BootNotification", &boot, &accepted);
        let status = match self.version {
            Version::V1_6 => json!({"connectorId": 1, "errorCode": "NoError", "status": "Available"}),
            _ => {
                json!({"timestamp": "2026-06-01T00:00:00Z", "connectorStatus": "Available", "evseId": 1, "connectorId": 1})
            }
        };
        self.says("StatusNotification", &status, &json!({}));
    }

    fn quarter(&mut self, number: u32) {
        let at = format!("2026-06-01T{:02}:{:02}:00Z", number / 4, number % 4 * 15);
        for _ in 0..3 {
            self.says("Heartbeat", &json!({}), &json!({"currentTime": at}));
        }
        match self.version {
            Version::V1_6 => self.quarter_16(number, &at),
            _ => self.quarter_201(number, &at),
        }
    }

    fn quarter_16(&mut self, number: u32, at: &str) {
        let accepted = json!({"status": "Accepted"});
        if number.is_multiple_of(8) {
            let start = json!({"connectorId": 1, "idTag": "24782", "meterStart": number, "timestamp": at});
            self.says("StartTransaction", &start, &json!({"transactionId": number, "idTagInfo": accepted}));
            let periods =
                json!([{"startPeriod": 0, "limit": 11000.0}, {"startPeriod": 900, "limit": 4140.5}]);
            let schedule = json!({"chargingRateUnit": "W", "chargingSchedulePeriod": periods});
            let profile = json!({"chargingProfileId": 1, "stackLevel": 0, "chargingProfilePurpose": "TxDefaultProfile",
                "chargingProfileKind": "Relative", "chargingSchedule": schedule});
            self.is_asked(
                "SetChargingProfile",
                &json!({"connectorId": 1, "csChargingProfiles": profile}),
                &accepted,
            );
        }
        let sample = json!({"value": format!("{number}.25"), "unit": "kWh", "context": "Sample.Periodic"});
        let values = json!([{"timestamp": at, "sampledValue": [sample]}]);
        self.says(
            "MeterValues",
            &json!({"connectorId": 1, "transactionId": 7, "meterValue": values}),
            &json!({}),
        );
        if number % 8 == 7 {
            let stop = json!({"transactionId": number - 7, "meterStop": number, "timestamp": at, "reason": "EVDisconnected"});
            self.says("StopTransaction", &stop, &json!({}));
            self.is_asked("ClearChargingProfile", &json!({}), &accepted);
        }
    }

    fn quarter_201(&mut self, number: u32, at: &str) {
        let accepted = json!({"status": "Accepted"});
        let kind = match number % 8 {
            0 => "Started",
            7 => "Ended",
            _ => "Updated",
        };
        let event = json!({"eventType": kind, "timestamp": at, "triggerReason": "MeterValuePeriodic", "seqNo": number % 8,
            "transactionInfo": {"transactionId": format!("T{}", number / 8)},
            "meterValue": [{"timestamp": at, "sampledValue": [{"value": f64::from(number) + 0.25}]}]});
        self.says("TransactionEvent", &event, &json!({}));
        if kind == "Ended" {
            self.is_asked("ClearChargingProfile", &json!({"chargingProfileId": 1}), &accepted);
        }
    }
}

/// What an end has written down: what it sent, and what it received.
fn written(frames: &Path) -> (Vec<String>, Vec<String>) {
    let text = std::fs::read_to_string(frames).unwrap();
    let lines: Vec<(String, String)> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let of = |wanted: &str| -> Vec<String> {
        lines.iter().filter(|(way, _)| way == wanted).map(|(_, text)| text.clone()).collect()
    };
    (of("sent"), of("received"))
}

async fn serve(proxy: Proxy) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            stream.set_nodelay(true).unwrap();
            let service = TowerToHyperService::new(proxy.clone());
            tokio::spawn(async move {
                let connection = hyper::server::conn::http1::Builder::new()
                    .serve_connection(TokioIo::new(stream), service)
                    .with_upgrades();
                let _ = connection.await;
            });
        }
    });
    address
}

fn a_day(version: Version) {
    let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (station_frames, csms_frames) = (one.path().join("frames"), other.path().join("frames"));
    let wire = version.to_string();
    let mut csms = OcppPeer::start_recorded(&wire, None, other.path(), &csms_frames).unwrap();
    let proxy = Proxy::builder(&format!("ws://127.0.0.1:{}/ocpp", csms.port().unwrap())).unwrap().build();
    let address = runtime.block_on(serve(proxy.clone()));
    let url = format!("ws://{address}/ocpp/CS001");
    let mut station = OcppPeer::start_recorded(&wire, Some(&url), one.path(), &station_frames).unwrap();
    station.connected().unwrap();
    csms.connected().unwrap();
    let mut day = Day { station, csms, version };
    day.begin();
    for number in 0..QUARTERS {
        day.quarter(number);
    }
    let (station_sent, station_received) = written(&station_frames);
    let (csms_sent, csms_received) = written(&csms_frames);
    assert_eq!(station_sent, csms_received);
    assert_eq!(csms_sent, station_received);
    assert!(station_sent.len() > 380 && csms_sent.len() > 380, "{} {}", station_sent.len(), csms_sent.len());
    println!("OCPP {version}: {} and {} messages passed as they were", station_sent.len(), csms_sent.len());

    // A call of ours, and the day goes on as if it had not been.
    day.station.answer("ClearCache", &json!({"status": "Accepted"})).unwrap();
    let peer = proxy.registry().get("CS001").expect("the station is connected");
    let nothing = RawValue::from_string("{}".to_owned()).unwrap();
    let answer = runtime.block_on(peer.call_raw("ClearCache", nothing, CallOptions::default())).unwrap();
    assert_eq!(serde_json::from_str::<Value>(answer.get()).unwrap(), json!({"status": "Accepted"}));
    day.quarter(1);
    let (mut sent, mut received) = written(&station_frames);
    let ours = received.iter().position(|text| text.contains("ClearCache")).expect("it got our call");
    let call: Value = serde_json::from_str(&received.remove(ours)).unwrap();
    let id = call[1].as_str().unwrap();
    sent.retain(|text| !text.contains(id));
    let (csms_sent, csms_received) = written(&csms_frames);
    assert_eq!((sent, received), (csms_received, csms_sent));
}

#[test]
fn a_day_in_1_6_passes_byte_for_byte() {
    a_day(Version::V1_6);
}

#[test]
fn a_day_in_2_0_1_passes_byte_for_byte() {
    a_day(Version::V2_0_1);
}
