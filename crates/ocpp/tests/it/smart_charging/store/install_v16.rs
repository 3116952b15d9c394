//! What OCPP 1.6 accepts, rejects and does not support.

use serde_json::Value;
use tieline_ocpp::smart_charging::{Capabilities, ProfileStore};
use tieline_ocpp::v16;

use super::{NOON, at, ids, profile_16, store_16};

type Change = fn(&mut Value);

#[test]
fn in_1_6_the_same_purpose_level_and_connector_replace() {
    let mut store = store_16();
    store.install(1, profile_16(1, |_| ()), at(NOON)).unwrap();
    store.install(2, profile_16(2, |_| ()), at(NOON)).unwrap();
    store.install(1, profile_16(3, |p| p["stackLevel"] = 1.into()), at(NOON)).unwrap();
    assert_eq!(store.install(1, profile_16(4, |_| ()), at(NOON)), Ok(vec![1]));
    assert_eq!(ids(store.installed()), [2, 3, 4]);
}

/// What 1.6 answers: what, connector, change, status.
const STATUS_16: &[(&str, i32, Change, v16::ChargingProfileStatus)] = &[
    ("a default", 0, |_| (), v16::ChargingProfileStatus::Accepted),
    (
        "a default that names a transaction",
        1,
        |p| p["transactionId"] = 9.into(),
        v16::ChargingProfileStatus::Accepted,
    ),
    (
        "the maximum",
        0,
        |p| p["chargingProfilePurpose"] = "ChargePointMaxProfile".into(),
        v16::ChargingProfileStatus::Accepted,
    ),
    (
        "the maximum on a connector",
        1,
        |p| {
            p["chargingProfilePurpose"] = "ChargePointMaxProfile".into();
        },
        v16::ChargingProfileStatus::Rejected,
    ),
    (
        "a TxProfile",
        1,
        |p| {
            p["chargingProfilePurpose"] = "TxProfile".into();
            p["transactionId"] = 7.into();
        },
        v16::ChargingProfileStatus::Accepted,
    ),
    (
        "a TxProfile without id",
        1,
        |p| p["chargingProfilePurpose"] = "TxProfile".into(),
        v16::ChargingProfileStatus::Accepted,
    ),
    (
        "a TxProfile without transaction",
        2,
        |p| {
            p["chargingProfilePurpose"] = "TxProfile".into();
        },
        v16::ChargingProfileStatus::Rejected,
    ),
    (
        "a TxProfile of another transaction",
        1,
        |p| {
            p["chargingProfilePurpose"] = "TxProfile".into();
            p["transactionId"] = 8.into();
        },
        v16::ChargingProfileStatus::Rejected,
    ),
    (
        "a TxProfile on connector 0",
        0,
        |p| {
            p["chargingProfilePurpose"] = "TxProfile".into();
        },
        v16::ChargingProfileStatus::Rejected,
    ),
    ("a connector that is not there", 3, |_| (), v16::ChargingProfileStatus::Rejected),
    (
        "an unknown unit",
        1,
        |p| p["chargingSchedule"]["chargingRateUnit"] = "VA".into(),
        v16::ChargingProfileStatus::Rejected,
    ),
    (
        "no start",
        1,
        |p| p["chargingSchedule"]["startSchedule"] = Value::Null,
        v16::ChargingProfileStatus::Rejected,
    ),
];

#[test]
fn each_answer_of_1_6() {
    for (what, connector, change, status) in STATUS_16 {
        let mut store = store_16();
        let request = v16::SetChargingProfileRequest::new(*connector, profile_16(1, change));
        assert_eq!(store.set_charging_profile(&request, at(NOON)).status, *status, "{what}");
        assert_eq!(store.installed().is_empty(), *status != v16::ChargingProfileStatus::Accepted, "{what}");
    }
    let mut capabilities = Capabilities::new(1);
    capabilities.purposes.clear();
    let request = v16::SetChargingProfileRequest::new(1, profile_16(1, |_| ()));
    let told =
        ProfileStore::<v16::ChargingProfile>::new(capabilities).set_charging_profile(&request, at(NOON));
    assert_eq!(told.status, v16::ChargingProfileStatus::NotSupported);
}
