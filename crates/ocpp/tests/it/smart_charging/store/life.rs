//! How profiles end, and how a store survives.

use tieline_ocpp::smart_charging::{
    Capabilities, Clear, ProfileStore, Purpose, Question, Refusal, Snapshot, Transaction,
};
use tieline_ocpp::types::Decimal;
use tieline_ocpp::{v16, v21, v201};

use super::{NOON, at, ids, profile_16, profile_21, profile_201, purpose, store_16, store_21, store_201};

/// No profile.
const NONE: [i32; 0] = [];

/// Profiles 1 to 5: a maximum, a default of the station, one of EVSE 2, one of the transaction, one from outside.
fn filled() -> ProfileStore<v201::ChargingProfile> {
    let mut store = store_201();
    store.install(0, profile_201(1, purpose("ChargingStationMaxProfile")), at(NOON)).unwrap();
    store.install(0, profile_201(2, |_| ()), at(NOON)).unwrap();
    store.install(2, profile_201(3, |p| p["stackLevel"] = 4.into()), at(NOON)).unwrap();
    store.install(1, profile_201(4, purpose("TxProfile")), at(NOON)).unwrap();
    let external = profile_201(5, purpose("ChargingStationExternalConstraints"));
    store.set_external_limit(0, "EMS", external, false, at(NOON)).unwrap();
    store
}

#[test]
fn a_clear_takes_what_matches_and_never_what_comes_from_outside() {
    let cases: &[(Clear, &[i32])] = &[
        (Clear { id: Some(3), ..Clear::default() }, &[3]),
        (Clear { id: Some(3), evse: Some(1), stack_level: Some(9), ..Clear::default() }, &[3]),
        (Clear { id: Some(9), ..Clear::default() }, &[]),
        (Clear { id: Some(5), ..Clear::default() }, &[]),
        (Clear { evse: Some(0), ..Clear::default() }, &[1, 2]),
        (Clear { purpose: Some(Purpose::TxDefault), ..Clear::default() }, &[2, 3]),
        (Clear { stack_level: Some(4), ..Clear::default() }, &[3]),
        (Clear { evse: Some(1), purpose: Some(Purpose::TxDefault), ..Clear::default() }, &[]),
        (Clear { purpose: Some(Purpose::ExternalConstraints), ..Clear::default() }, &[]),
        (Clear::default(), &[1, 2, 3, 4]),
    ];
    for (clear, cleared) in cases {
        let mut store = filled();
        assert_eq!(store.clear(clear), *cleared, "{clear:?}");
        let left: Vec<_> = (1..=5).filter(|id| !cleared.contains(id)).collect();
        assert_eq!(ids(store.installed()), left, "{clear:?}");
    }
}

#[test]
fn a_clear_by_message_says_unknown_when_nothing_matches() {
    let clear = |request: &v201::ClearChargingProfileRequest| filled().clear_charging_profile(request);
    let nothing = clear(&v201::ClearChargingProfileRequest::new());
    assert_eq!(nothing.status, v201::ClearChargingProfileStatus::Unknown);
    assert_eq!(nothing.status_info.unwrap().reason_code, "MissingParam");
    let criteria = |criteria: v201::ClearChargingProfile| {
        clear(&v201::ClearChargingProfileRequest::new().with_charging_profile_criteria(criteria)).status
    };
    assert_eq!(criteria(v201::ClearChargingProfile::new()), v201::ClearChargingProfileStatus::Accepted);
    let mut unknown = v201::ClearChargingProfile::new();
    unknown.charging_profile_purpose = Some(v201::ChargingProfilePurpose::from_wire("Solar"));
    assert_eq!(
        criteria(unknown),
        v201::ClearChargingProfileStatus::Unknown,
        "it is not left out of the criteria"
    );

    let mut store = store_16();
    store.install(1, profile_16(1, |_| ()), at(NOON)).unwrap();
    let mut unknown = v16::ClearChargingProfileRequest::new();
    unknown.charging_profile_purpose = Some(v16::ChargingProfilePurpose::from_wire("Solar"));
    assert_eq!(store.clear_charging_profile(&unknown).status, v16::ClearChargingProfileStatus::Unknown);
    let all = v16::ClearChargingProfileRequest::new();
    assert_eq!(store.clear_charging_profile(&all).status, v16::ClearChargingProfileStatus::Accepted);
    assert_eq!(store.clear_charging_profile(&all).status, v16::ClearChargingProfileStatus::Unknown);
}

#[test]
fn the_end_of_a_transaction_is_the_end_of_its_profiles() {
    let mut store = filled();
    assert_eq!(store.end_transaction(2), NONE);
    assert_eq!(store.end_transaction(1), [4]);
    assert_eq!(ids(store.installed()), [1, 2, 3, 5]);

    let mut store = filled();
    assert_eq!(
        store.begin_transaction(1, Transaction::new("tx-1", at(NOON))).unwrap(),
        NONE,
        "it is the same"
    );
    assert_eq!(store.begin_transaction(1, Transaction::new("tx-2", at(NOON))).unwrap(), [4]);
    assert_eq!(store.transaction(1).unwrap().id, "tx-2");
    assert_eq!(store.begin_transaction(3, Transaction::new("tx-3", at(NOON))), Err(Refusal::UnknownEvse(3)));

    let mut store = store_16();
    store.install(1, profile_16(1, |p| p["chargingProfilePurpose"] = "TxProfile".into()), at(NOON)).unwrap();
    assert_eq!(store.end_transaction(1), [1], "one that named no transaction, too");
}

#[test]
fn a_profile_expires_at_the_end_of_its_validity() {
    let mut store = store_201();
    store.install(1, profile_201(1, |p| p["validTo"] = "2026-06-01T13:00:00Z".into()), at(NOON)).unwrap();
    store.install(2, profile_201(2, |_| ()), at(NOON)).unwrap();
    assert_eq!(store.expire(at("2026-06-01T12:59:59Z")), NONE);
    assert_eq!(store.expire(at("2026-06-01T13:00:00Z")), [1]);
    assert_eq!(ids(store.installed()), [2]);
}

#[test]
fn offline_for_too_long_a_profile_ends_for_as_long_or_for_good() {
    let mut store = store_21();
    let offline = |id: i32, level: i32, for_good: bool| {
        profile_21(id, |p| {
            p["stackLevel"] = level.into();
            p["maxOfflineDuration"] = 60.into();
            p["invalidAfterOfflineDuration"] = for_good.into();
            p["chargingSchedule"][0]["chargingSchedulePeriod"][0]["limit"] = (10 + level).into();
        })
    };
    store.install(1, offline(1, 1, false), at(NOON)).unwrap();
    store.install(1, offline(2, 2, true), at(NOON)).unwrap();
    store.install(1, profile_21(3, |_| ()), at(NOON)).unwrap();
    let limit = |store: &ProfileStore<v21::ChargingProfile>, after| {
        store.composite(&Question::new(1, at(NOON), 120)).unwrap().limit_at(after).unwrap()
    };
    assert_eq!(limit(&store, 100), Decimal::from_i64(12));
    store.go_offline(at(NOON));
    assert_eq!(limit(&store, 59), Decimal::from_i64(12));
    assert_eq!(limit(&store, 60), Decimal::from_i64(16));
    assert_eq!(store.clone().go_online(at("2026-06-01T12:00:59Z")), NONE);
    assert_eq!(store.go_online(at("2026-06-01T12:01:00Z")), [2]);
    assert_eq!(limit(&store, 100), Decimal::from_i64(11));
}

#[test]
fn a_vehicle_chooses_one_of_the_schedules() {
    let mut store = store_201();
    let profile = profile_201(1, |p| {
        purpose("TxProfile")(p);
        let mut second = p["chargingSchedule"][0].clone();
        second["id"] = 2.into();
        second["chargingSchedulePeriod"][0]["limit"] = 8.into();
        p["chargingSchedule"].as_array_mut().unwrap().push(second);
    });
    store.install(1, profile, at(NOON)).unwrap();
    let limit = |store: &ProfileStore<v201::ChargingProfile>| {
        store.composite(&Question::new(1, at(NOON), 60)).unwrap().limit_at(0).unwrap()
    };
    assert_eq!(limit(&store), Decimal::from_i64(16));
    assert!(store.choose_schedule(1, 2));
    assert_eq!(limit(&store), Decimal::from_i64(8));
    assert!(!store.choose_schedule(1, 3));
    assert!(!store.choose_schedule(2, 1));
    assert_eq!(limit(&store), Decimal::from_i64(8));

    let again = ProfileStore::restore(Capabilities::new(2), store.snapshot()).unwrap();
    assert_eq!(limit(&again), Decimal::from_i64(8), "the choice survives");
}

#[test]
fn a_store_survives_as_text() {
    let mut store = filled();
    store.go_offline(at(NOON));
    let text = serde_json::to_string(&store.snapshot()).unwrap();
    let snapshot: Snapshot<v201::ChargingProfile> = serde_json::from_str(&text).unwrap();
    let again = ProfileStore::restore(Capabilities::new(2), snapshot).unwrap();
    assert_eq!(again.installed(), store.installed());
    assert_eq!(again.station(), store.station());
}
