//! The store of profiles, rule by rule.

mod dynamic;
mod install;
mod install_v16;
mod life;
mod report;

use serde_json::{Value, json};
use tieline_ocpp::smart_charging::{Capabilities, ProfileStore, Transaction};
use tieline_ocpp::types::DateTime;
use tieline_ocpp::{v16, v21, v201};

const NOON: &str = "2026-06-01T12:00:00Z";

fn at(text: &str) -> DateTime {
    text.parse().unwrap()
}

/// A TxDefaultProfile of 2.x, changed.
fn profile_2(id: i32, change: impl FnOnce(&mut Value)) -> Value {
    let mut profile = json!({
        "id": id, "stackLevel": 0, "chargingProfilePurpose": "TxDefaultProfile", "chargingProfileKind": "Absolute",
        "chargingSchedule": [{
            "id": 1, "chargingRateUnit": "A", "startSchedule": NOON,
            "chargingSchedulePeriod": [{ "startPeriod": 0, "limit": 16 }]
        }]
    });
    change(&mut profile);
    profile
}

/// A TxDefaultProfile of 1.6, changed.
fn profile_16(id: i32, change: impl FnOnce(&mut Value)) -> v16::ChargingProfile {
    let mut profile = json!({
        "chargingProfileId": id, "stackLevel": 0, "chargingProfilePurpose": "TxDefaultProfile",
        "chargingProfileKind": "Absolute",
        "chargingSchedule": {
            "chargingRateUnit": "A", "startSchedule": NOON,
            "chargingSchedulePeriod": [{ "startPeriod": 0, "limit": 16 }]
        }
    });
    change(&mut profile);
    serde_json::from_value(profile).unwrap()
}

fn profile_201(id: i32, change: impl FnOnce(&mut Value)) -> v201::ChargingProfile {
    serde_json::from_value(profile_2(id, change)).unwrap()
}

fn profile_21(id: i32, change: impl FnOnce(&mut Value)) -> v21::ChargingProfile {
    serde_json::from_value(profile_2(id, change)).unwrap()
}

fn purpose(purpose: &str) -> impl FnOnce(&mut Value) {
    move |profile| {
        profile["chargingProfilePurpose"] = purpose.into();
        if purpose == "TxProfile" {
            profile["transactionId"] = "tx-1".into();
        }
    }
}

/// A station with two EVSEs; a transaction runs on the first.
fn store_201() -> ProfileStore<v201::ChargingProfile> {
    let mut store = ProfileStore::new(Capabilities::new(2));
    store.begin_transaction(1, Transaction::new("tx-1", at(NOON))).unwrap();
    store
}

fn store_21() -> ProfileStore<v21::ChargingProfile> {
    let mut store = ProfileStore::new(Capabilities::new(2));
    store.begin_transaction(1, Transaction::new("tx-1", at(NOON))).unwrap();
    store
}

fn store_16() -> ProfileStore<v16::ChargingProfile> {
    let mut store = ProfileStore::new(Capabilities::new(2));
    store.begin_transaction(1, Transaction::new("7", at(NOON))).unwrap();
    store
}

fn ids<P>(installed: &[tieline_ocpp::smart_charging::Installed<P>]) -> Vec<i32> {
    installed.iter().map(|one| one.profile.id).collect()
}
