//! Profiles with the greatest and the least that their types can hold: refused or reckoned with, and never a panic.

use serde_json::json;
use tieline_ocpp::smart_charging::{
    Capabilities, CompositeError, ProfileStore, Question, RateUnit, Rating, Supply, Transaction, answer,
};
use tieline_ocpp::types::{DateTime, Decimal};
use tieline_ocpp::v21;

use super::chance::Chance;

const INSTANTS: [&str; 6] = [
    "-009999-01-02T01:59:59Z",
    "1969-12-31T23:59:59.9Z",
    "1970-01-01T00:00:00Z",
    "2026-06-01T12:00:00.5Z",
    "2026-06-01T12:00:01Z",
    "9999-12-30T22:00:00Z",
];
const NUMBERS: [&str; 9] = [
    "0",
    "0.000000000000000001",
    "-0.000000000000000001",
    "16.05",
    "9223372036854775807",
    "-9223372036854775807",
    "9.223372036854775807",
    "100000000000000000",
    "-32",
];
const SECONDS: [i32; 7] = [i32::MIN, -1, 0, 1, 86_399, 604_801, i32::MAX];

fn at(text: &str) -> DateTime {
    text.parse().unwrap()
}

fn profile(chance: &mut Chance, id: i32) -> v21::ChargingProfile {
    let purposes = [
        "ChargingStationMaxProfile",
        "TxDefaultProfile",
        "TxProfile",
        "PriorityCharging",
        "LocalGeneration",
        "Solar",
    ];
    let kind = chance.of(&["Absolute", "Recurring", "Relative", "Dynamic"]);
    let mut profile = json!({
        "id": id, "stackLevel": chance.of(&[-1, 0, 1, i32::MAX]), "chargingProfilePurpose": chance.of(&purposes),
        "chargingProfileKind": kind, "recurrencyKind": chance.of(&["Daily", "Weekly"]), "chargingSchedule": []
    });
    let mut period = json!({ "startPeriod": 0 });
    for name in ["limit", "limit_L2", "limit_L3", "dischargeLimit", "setpoint", "setpointReactive"] {
        if chance.one_in(3) || name == "limit" {
            period[name] = serde_json::from_str(chance.of(&NUMBERS)).unwrap();
        }
    }
    if chance.one_in(2) {
        period["numberPhases"] = chance.of(&[1, 2, 3, 3, 0]).into();
    }
    let mut periods = vec![period.clone()];
    if chance.one_in(3) {
        period["startPeriod"] = chance.of(&SECONDS).into();
        periods.push(period);
    }
    let mut schedule =
        json!({ "id": 1, "chargingRateUnit": chance.of(&["A", "W"]), "chargingSchedulePeriod": periods });
    if kind == "Absolute" || kind == "Recurring" {
        schedule["startSchedule"] = chance.of(&INSTANTS).into();
    }
    if chance.one_in(3) {
        schedule["duration"] = chance.of(&SECONDS).into();
    }
    for (name, times) in [("validFrom", 4), ("validTo", 4), ("dynUpdateTime", 2)] {
        if chance.one_in(times) {
            profile[name] = chance.of(&INSTANTS).into();
        }
    }
    for name in ["maxOfflineDuration", "dynUpdateInterval"] {
        if chance.one_in(4) {
            profile[name] = chance.of(&SECONDS).into();
        }
    }
    if profile["chargingProfilePurpose"] == "TxProfile" {
        profile["transactionId"] = "tx".into();
    }
    profile["chargingSchedule"] = json!([schedule]);
    serde_json::from_value(profile).unwrap()
}

#[test]
fn the_greatest_and_the_least_never_panic() {
    let mut chance = Chance::new(0x4057_11E5);
    let (mut accepted, mut reckoned, mut unconvertible) = (0, 0, 0);
    for _ in 0..20_000 {
        let mut capabilities = Capabilities::new(2);
        capabilities.max_stack_level = i32::MAX;
        let volts: Decimal = chance.of(&["0.001", "230", "100000"]).parse().unwrap();
        capabilities.supply = Some(Supply::new(volts, 3).unwrap());
        if chance.one_in(2) {
            let limit = chance.of(&["0", "32", "9223372036854775807"]).parse().unwrap();
            capabilities.rating = Some(Rating { limit, unit: RateUnit::A, number_phases: Some(3) });
        }
        let mut store = ProfileStore::new(capabilities);
        store.begin_transaction(1, Transaction::new("tx", at(chance.of(&INSTANTS)))).unwrap();
        if chance.one_in(3) {
            store.go_offline(at(chance.of(&INSTANTS)));
        }
        let now = at(chance.of(&INSTANTS));
        for id in 0..4 {
            let evse = chance.of(&[0, 1, 1]);
            accepted += usize::from(store.install(evse, profile(&mut chance, id), now).is_ok());
        }
        store.updates_due(now);
        store.set_priority_charging(1, true);
        let duration = chance.of(&[i64::MIN, 0, 1, 86_400, 700_000, i64::MAX]);
        let mut question = Question::new(chance.of(&[0, 1, 2]), now, duration);
        question.unit = chance.of(&[None, Some(RateUnit::A), Some(RateUnit::W)]);
        question.most_changes = 200;
        let told = store.composite(&question);
        reckoned += usize::from(told.is_ok());
        let too_large =
            matches!(told, Err(CompositeError::Unconvertible { .. } | CompositeError::RatingUnit));
        unconvertible += usize::from(too_large);
        answer::v16(&told);
        answer::v201(&told);
        answer::v21(&told);
        store.expire(now);
        store.go_online(now);
    }
    println!("{accepted} accepted, {reckoned} reckoned, {unconvertible} too large");
    assert!(accepted > 5_000 && reckoned > 5_000 && unconvertible > 100);
}
