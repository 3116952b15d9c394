//! Damaged messages: no panic, no wrong answer, no dead session. The same from run to run.

use serde_json::json;
use tieline_edge::websocket::Message as Frame;

use crate::check_frame::check;
use crate::check_proxy::Proxied;
#[cfg(feature = "validation")]
use crate::check_routing::Routed;
use crate::support::{RawPeer, open_csms, serve, yes};

const SEEDS: &[&str] = &[
    r#"[2,"1","Heartbeat",{}]"#,
    r#"[2,"1","BootNotification",{"chargePointVendor":"Takara","chargePointModel":"Optimus"}]"#,
    r#"[2,"1","BootNotification",{"reason":"PowerUp","chargingStation":{"model":"m","vendorName":"v","modem":{"iccid":"1"}}}]"#,
    r#"[2,"1","StatusNotification",{"connectorId":1,"errorCode":"NoError","status":"Charging","timestamp":"2026-11-21T12:00:00Z"}]"#,
    r#"[2,"1","StartTransaction",{"connectorId":1,"idTag":"24782","meterStart":-1,"timestamp":"2026-11-21T12:00:00.123+01:00"}]"#,
    r#"[2,"1","MeterValues",{"connectorId":1,"meterValue":[{"timestamp":"2026-11-21T12:00:00Z","sampledValue":[{"value":"1.5","unit":"Wh","measurand":"Energy.Active.Import.Register"}]}]}]"#,
    r#"[2,"1","MeterValues",{"evseId":1,"meterValue":[{"timestamp":"2026-11-21T12:00:00Z","sampledValue":[{"value":1.5e3,"signedMeterValue":null}]}]}]"#,
    r#"[2,"1","SetChargingProfile",{"connectorId":0,"csChargingProfiles":{"chargingProfileId":1,"stackLevel":0,"chargingProfilePurpose":"TxDefaultProfile","chargingProfileKind":"Relative","chargingSchedule":{"chargingRateUnit":"A","chargingSchedulePeriod":[{"startPeriod":0,"limit":21.4}]}}}]"#,
    r#"[2,"1","TransactionEvent",{"eventType":"Started","timestamp":"2026-11-21T12:00:00Z","triggerReason":"Authorized","seqNo":0,"transactionInfo":{"transactionId":"t"},"customData":{"vendorId":"x","a":[1,{"b":null}]}}]"#,
    r#"[2,"1","DataTransfer",{"vendorId":"x","data":{"deep":[[[[[]]]]]}}]"#,
    r#"[3,"1",{"status":"Accepted"}]"#,
    r#"[4,"1","FormationViolation","why",{"a":1}]"#,
    r#"[5,"1","InternalError","",{}]"#,
    r#"[6,"1","NotifyPeriodicEventStream",{"id":1,"pending":0,"basetime":"2026-11-21T12:00:00Z","data":[{"t":0,"v":"1"}]}]"#,
];

/// A small generator of its own, so that every run is the same run.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % limit.max(1) as u64).unwrap()
    }

    fn damage(&mut self, seed: &str) -> String {
        const PIECES: &[&str] = &[
            "\"",
            "[",
            "]",
            "{",
            "}",
            ",",
            ":",
            "null",
            "-1",
            "1e999",
            "\\u0000",
            "\\ud800",
            "é",
            "\u{0}",
            "[[[[[[[[",
            "99999999999999999999",
            "true",
            "\"\"",
        ];
        let mut bytes = seed.as_bytes().to_vec();
        for _ in 0..=self.below(3) {
            let at = self.below(bytes.len());
            match self.below(5) {
                0 => bytes[at] = u8::try_from(self.below(256)).unwrap(),
                1 => drop(bytes.remove(at)),
                2 => drop(bytes.splice(at..at, PIECES[self.below(PIECES.len())].bytes())),
                3 => bytes.truncate(at + 1),
                _ => {
                    let from = self.below(bytes.len());
                    let piece = bytes[from..(from + self.below(40)).min(bytes.len())].to_vec();
                    drop(bytes.splice(at..at, piece));
                }
            }
            if bytes.is_empty() {
                break;
            }
        }
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

#[test]
fn whatever_is_read_can_be_written_and_read_again() {
    let mut random = Random(0x5EED);
    for seed in SEEDS {
        check(seed);
        for _ in 0..1_000 {
            check(&random.damage(seed));
        }
    }
}

#[test]
fn nesting_is_no_way_to_exhaust_the_stack() {
    let deep = format!("{}{}", "[".repeat(200_000), "]".repeat(200_000));
    check(&deep);
    check(&format!(r#"[2,"1","DataTransfer",{{"vendorId":"x","data":{deep}}}]"#));
    check(&format!(r#"[2,"1","Heartbeat",{{"unknown":{deep}}}]"#));
}

#[tokio::test]
async fn a_session_survives_whatever_texts_it_gets() {
    let csms = serve(open_csms(yes()).build()).await;
    for (number, version) in ["ocpp1.6", "ocpp2.0.1", "ocpp2.1"].into_iter().enumerate() {
        let mut random = Random(0xF00D + number as u64);
        let mut station = RawPeer::station(csms, "CS001", version).await;
        for round in 0..500 {
            station.socket.feed(Frame::text(random.damage(SEEDS[round % SEEDS.len()]))).await.unwrap();
            if round % 50 == 0 {
                let alive = format!("alive{round}");
                station.send(&format!(r#"[2,"{alive}","Heartbeat",{{}}]"#)).await;
                while station.next_json().await != json!([3, alive, {}]) {}
            }
        }
    }
}

#[cfg(feature = "validation")]
#[tokio::test]
async fn routes_answer_whatever_texts_come_and_the_next_message_too() {
    let mut routed = Routed::new().await;
    let mut random = Random(0xACE);
    for seed in SEEDS {
        routed.check(seed).await;
        for _ in 0..50 {
            routed.check(&random.damage(seed)).await;
        }
    }
}

#[tokio::test]
async fn a_proxy_passes_whatever_texts_come_around_calls_of_ours() {
    let mut proxied = Proxied::new().await;
    let mut random = Random(0xBEE);
    for seed in SEEDS {
        proxied.check(seed).await;
        for _ in 0..50 {
            proxied.check(&random.damage(seed)).await;
        }
    }
}
