//! What may be installed, and what is told when it may not.

use serde_json::{Value, json};
use tieline_ocpp::smart_charging::{Capabilities, ProfileStore, Purpose, Refusal, Transaction};
use tieline_ocpp::{v21, v201};

use super::{NOON, at, ids, profile_16, profile_21, profile_201, purpose, store_16, store_21, store_201};

type Change = fn(&mut Value);

fn periods(profile: &mut Value, periods: Value) {
    profile["chargingSchedule"][0]["chargingSchedulePeriod"] = periods;
}

/// What 2.0.1 and 2.1 refuse alike: what is tried, the EVSE, the change of a profile that is accepted, and the reason.
const REFUSED: &[(&str, i32, Change, &str)] = &[
    ("an unknown purpose", 1, |p| p["chargingProfilePurpose"] = "Solar".into(), "InvalidValue"),
    ("an unknown kind", 1, |p| p["chargingProfileKind"] = "Sometimes".into(), "InvalidValue"),
    ("an unknown unit", 1, |p| p["chargingSchedule"][0]["chargingRateUnit"] = "VA".into(), "InvalidValue"),
    (
        "an unknown recurrency",
        1,
        |p| {
            p["chargingProfileKind"] = "Recurring".into();
            p["recurrencyKind"] = "Monthly".into();
        },
        "InvalidValue",
    ),
    ("recurring without recurrency", 1, |p| p["chargingProfileKind"] = "Recurring".into(), "InvalidProfile"),
    ("a negative level", 1, |p| p["stackLevel"] = (-1).into(), "InvalidStackLevel"),
    ("a level above the highest", 1, |p| p["stackLevel"] = 11.into(), "InvalidStackLevel"),
    ("no schedule", 1, |p| p["chargingSchedule"] = json!([]), "InvalidSchedule"),
    (
        "four schedules",
        1,
        |p| {
            let one = p["chargingSchedule"][0].clone();
            p["chargingSchedule"] = json!([one, one, one, one]);
        },
        "InvalidSchedule",
    ),
    ("no periods", 1, |p| periods(p, json!([])), "InvalidSchedule"),
    (
        "a first period that is not at 0",
        1,
        |p| periods(p, json!([{ "startPeriod": 1, "limit": 6 }])),
        "InvalidSchedule",
    ),
    (
        "periods that do not ascend",
        1,
        |p| {
            let twice = json!({ "startPeriod": 60, "limit": 6 });
            periods(p, json!([{ "startPeriod": 0, "limit": 6 }, twice, twice]));
        },
        "InvalidSchedule",
    ),
    (
        "absolute without start",
        1,
        |p| p["chargingSchedule"][0]["startSchedule"] = Value::Null,
        "InvalidSchedule",
    ),
    (
        "recurring without start",
        1,
        |p| {
            p["chargingProfileKind"] = "Recurring".into();
            p["recurrencyKind"] = "Daily".into();
            p["chargingSchedule"][0]["startSchedule"] = Value::Null;
        },
        "InvalidSchedule",
    ),
    ("relative with start", 1, |p| p["chargingProfileKind"] = "Relative".into(), "InvalidSchedule"),
    ("a negative duration", 1, |p| p["chargingSchedule"][0]["duration"] = (-1).into(), "InvalidSchedule"),
    (
        "an end before the beginning",
        1,
        |p| {
            p["validFrom"] = NOON.into();
            p["validTo"] = NOON.into();
        },
        "InvalidProfile",
    ),
    (
        "four phases",
        1,
        |p| {
            periods(p, json!([{ "startPeriod": 0, "limit": 6, "numberPhases": 4 }]));
        },
        "InvalidSchedule",
    ),
    (
        "a phase to use of three",
        1,
        |p| {
            periods(p, json!([{ "startPeriod": 0, "limit": 6, "numberPhases": 3, "phaseToUse": 1 }]));
        },
        "InvalidSchedule",
    ),
    (
        "a phase to use of an EVSE that can't switch",
        1,
        |p| {
            periods(p, json!([{ "startPeriod": 0, "limit": 6, "numberPhases": 1, "phaseToUse": 2 }]));
        },
        "InvalidSchedule",
    ),
    ("an EVSE that is not there", 3, |_| (), "UnknownEvse"),
    ("an EVSE below 0", -1, |_| (), "UnknownEvse"),
    (
        "external constraints",
        1,
        |p| {
            p["chargingProfilePurpose"] = "ChargingStationExternalConstraints".into();
        },
        "InvalidProfile",
    ),
    (
        "the station's maximum on an EVSE",
        1,
        |p| {
            p["chargingProfilePurpose"] = "ChargingStationMaxProfile".into();
        },
        "InvalidValue",
    ),
    (
        "a relative maximum of the station",
        0,
        |p| {
            p["chargingProfilePurpose"] = "ChargingStationMaxProfile".into();
            p["chargingProfileKind"] = "Relative".into();
            p["chargingSchedule"][0]["startSchedule"] = Value::Null;
        },
        "InvalidProfile",
    ),
    (
        "a TxProfile on the station",
        0,
        |p| {
            p["chargingProfilePurpose"] = "TxProfile".into();
            p["transactionId"] = "tx-1".into();
        },
        "InvalidValue",
    ),
    (
        "a TxProfile without transaction id",
        1,
        |p| p["chargingProfilePurpose"] = "TxProfile".into(),
        "MissingParam",
    ),
    (
        "a TxProfile of another transaction",
        1,
        |p| {
            p["chargingProfilePurpose"] = "TxProfile".into();
            p["transactionId"] = "tx-2".into();
        },
        "TxNotFound",
    ),
    (
        "a TxProfile on an EVSE without transaction",
        2,
        |p| {
            p["chargingProfilePurpose"] = "TxProfile".into();
            p["transactionId"] = "tx-1".into();
        },
        "TxNotFound",
    ),
    ("a default that names a transaction", 1, |p| p["transactionId"] = "tx-1".into(), "InvalidProfile"),
];

fn set_201(
    store: &mut ProfileStore<v201::ChargingProfile>,
    evse: i32,
    profile: v201::ChargingProfile,
) -> v201::SetChargingProfileResponse {
    store.set_charging_profile(&v201::SetChargingProfileRequest::new(evse, profile), at(NOON))
}

fn set_21(
    store: &mut ProfileStore<v21::ChargingProfile>,
    evse: i32,
    profile: v21::ChargingProfile,
) -> v21::SetChargingProfileResponse {
    store.set_charging_profile(&v21::SetChargingProfileRequest::new(evse, profile), at(NOON))
}

#[test]
fn what_2_x_refuses_has_the_reason_of_the_standard_and_changes_nothing() {
    for (what, evse, change, reason) in REFUSED {
        let mut store = store_201();
        let told = set_201(&mut store, *evse, profile_201(1, change));
        assert_eq!(told.status, v201::ChargingProfileStatus::Rejected, "{what}");
        assert_eq!(told.status_info.unwrap().reason_code, *reason, "{what}");
        assert!(store.installed().is_empty(), "{what}");

        let mut store = store_21();
        let told = set_21(&mut store, *evse, profile_21(1, change));
        assert_eq!(told.status, v21::ChargingProfileStatus::Rejected, "{what}");
        assert_eq!(told.status_info.unwrap().reason_code, *reason, "{what}");
        assert!(store.installed().is_empty(), "{what}");
    }
    let accepted = set_201(&mut store_201(), 1, profile_201(1, |_| ()));
    assert_eq!(accepted, v201::SetChargingProfileResponse::new(v201::ChargingProfileStatus::Accepted));
}

/// What only 2.1 has, and refuses.
const REFUSED_2_1: &[(&str, Change, &str)] = &[
    ("a charging period without limit", |p| periods(p, json!([{ "startPeriod": 0 }])), "InvalidSchedule"),
    (
        "a limit of L2 alone",
        |p| {
            periods(p, json!([{ "startPeriod": 0, "limit": 6, "limit_L2": 6 }]));
        },
        "InvalidSchedule",
    ),
    (
        "a discharge limit above 0",
        |p| {
            periods(p, json!([{ "startPeriod": 0, "limit": 6, "dischargeLimit": 1 }]));
        },
        "InvalidSchedule",
    ),
    (
        "an unknown operation mode",
        |p| {
            periods(p, json!([{ "startPeriod": 0, "limit": 6, "operationMode": "Turbo" }]));
        },
        "InvalidValue",
    ),
    ("local time", |p| p["chargingSchedule"][0]["useLocalTime"] = true.into(), "UnsupportedParam"),
    ("a random delay", |p| p["chargingSchedule"][0]["randomizedDelay"] = 30.into(), "UnsupportedParam"),
    (
        "a limit at a state of charge",
        |p| {
            p["chargingSchedule"][0]["limitAtSoC"] = json!({ "soc": 80, "limit": 6 });
        },
        "UnsupportedParam",
    ),
    (
        "a sleeping EVSE",
        |p| {
            periods(p, json!([{ "startPeriod": 0, "limit": 0, "evseSleep": true }]));
        },
        "UnsupportedParam",
    ),
    (
        "a dynamic profile of two periods",
        |p| {
            p["chargingProfileKind"] = "Dynamic".into();
            periods(p, json!([{ "startPeriod": 0, "limit": 6 }, { "startPeriod": 60, "limit": 8 }]));
        },
        "InvalidSchedule",
    ),
    ("a negative time offline", |p| p["maxOfflineDuration"] = (-1).into(), "InvalidSchedule"),
];

#[test]
fn what_only_2_1_has_is_refused_by_its_rules() {
    for (what, change, reason) in REFUSED_2_1 {
        let mut store = store_21();
        let told = set_21(&mut store, 1, profile_21(1, change));
        assert_eq!(told.status, v21::ChargingProfileStatus::Rejected, "{what}");
        assert_eq!(told.status_info.unwrap().reason_code, *reason, "{what}");
        assert!(store.installed().is_empty(), "{what}");
    }
}

/// What a station is not able to do: what is taken from it, the change, and the reason.
type Able = fn(&mut Capabilities);
const NOT_ABLE: &[(&str, Able, Change, &str)] = &[
    ("watts only", |c| c.amperes = false, |_| (), "UnsupportedRateUnit"),
    (
        "amperes only",
        |c| c.watts = false,
        |p| p["chargingSchedule"][0]["chargingRateUnit"] = "W".into(),
        "UnsupportedRateUnit",
    ),
    ("no defaults", |c| c.purposes = [Purpose::StationMax].into(), |_| (), "UnsupportedPurpose"),
    (
        "no dynamic profiles",
        |c| c.dynamic_profiles = false,
        |p| {
            p["chargingProfileKind"] = "Dynamic".into();
        },
        "UnsupportedKind",
    ),
    (
        "one period",
        |c| c.max_periods = 1,
        |p| {
            periods(p, json!([{ "startPeriod": 0, "limit": 6 }, { "startPeriod": 60, "limit": 8 }]));
        },
        "TooManyElements",
    ),
    ("no room", |c| c.max_profiles = 0, |_| (), "OutOfStorage"),
    (
        "direct current",
        |c| c.evses.get_mut(&1).unwrap().direct_current = true,
        |p| {
            periods(p, json!([{ "startPeriod": 0, "limit": 6, "numberPhases": 3 }]));
        },
        "NoPhaseForDC",
    ),
    (
        "delays, but not of local generation",
        |c| c.randomized_delay = true,
        |p| {
            p["chargingProfilePurpose"] = "LocalGeneration".into();
            p["chargingSchedule"][0]["randomizedDelay"] = 30.into();
        },
        "InvalidSchedule",
    ),
];

#[test]
fn what_a_station_is_not_able_to_do_is_refused() {
    for (what, take, change, reason) in NOT_ABLE {
        let mut capabilities = Capabilities::new(2);
        take(&mut capabilities);
        let mut store = ProfileStore::new(capabilities);
        let told = set_21(&mut store, 1, profile_21(1, change));
        assert_eq!(told.status, v21::ChargingProfileStatus::Rejected, "{what}");
        assert_eq!(told.status_info.unwrap().reason_code, *reason, "{what}");
        assert!(store.installed().is_empty(), "{what}");
    }
}

#[test]
fn what_a_station_is_able_to_do_is_accepted() {
    let mut capabilities = Capabilities::new(1);
    capabilities.evses.get_mut(&1).unwrap().phase_switching = true;
    (capabilities.randomized_delay, capabilities.limit_at_soc, capabilities.evse_sleep) = (true, true, true);
    let mut store = ProfileStore::new(capabilities);
    let profile = profile_21(1, |p| {
        p["chargingSchedule"][0]["randomizedDelay"] = 30.into();
        p["chargingSchedule"][0]["limitAtSoC"] = json!({ "soc": 80, "limit": 6 });
        let period =
            json!({ "startPeriod": 0, "limit": 0, "numberPhases": 1, "phaseToUse": 2, "evseSleep": true });
        periods(p, json!([period]));
    });
    assert_eq!(set_21(&mut store, 1, profile).status, v21::ChargingProfileStatus::Accepted);
}

#[test]
fn the_same_id_replaces_wherever_it_is() {
    let mut store = store_201();
    assert_eq!(store.install(1, profile_201(1, |_| ()), at(NOON)), Ok(vec![]));
    assert_eq!(store.install(2, profile_201(1, |_| ()), at(NOON)), Ok(vec![1]));
    assert_eq!(store.installed().len(), 1);
    assert_eq!(store.installed()[0].evse, 2);
}

#[test]
fn a_full_store_takes_what_replaces() {
    let mut capabilities = Capabilities::new(1);
    capabilities.max_profiles = 1;
    let mut store = ProfileStore::new(capabilities);
    store.install(1, profile_201(1, |_| ()), at(NOON)).unwrap();
    store.install(1, profile_201(1, |p| p["stackLevel"] = 3.into()), at(NOON)).unwrap();
    let second = store.install(1, profile_201(2, |_| ()), at(NOON));
    assert_eq!(second, Err(Refusal::Full(1)));
    assert_eq!(store.installed()[0].profile.stack_level, 3);
}

/// EVSEs and changes of two profiles, and whether the second duplicates the first.
type Placed = (i32, Change);
const PAIRS: &[(&str, Placed, Placed, bool)] = &[
    ("two defaults of an EVSE", (1, |_| ()), (1, |_| ()), true),
    ("defaults of two EVSEs", (1, |_| ()), (2, |_| ()), false),
    ("of the station, then of an EVSE", (0, |_| ()), (2, |_| ()), true),
    ("of an EVSE, then of the station", (2, |_| ()), (0, |_| ()), true),
    ("of two levels", (1, |_| ()), (1, |p| p["stackLevel"] = 1.into()), false),
    (
        "one after the other",
        (1, |p| p["validTo"] = "2026-06-02T00:00:00Z".into()),
        (1, |p| p["validFrom"] = "2026-06-02T00:00:00Z".into()),
        false,
    ),
    (
        "one second together",
        (1, |p| p["validTo"] = "2026-06-02T00:00:01Z".into()),
        (1, |p| p["validFrom"] = "2026-06-02T00:00:00Z".into()),
        true,
    ),
    ("two maximums", (0, max), (0, max), true),
    ("two of a transaction", (1, tx), (1, tx), true),
    ("a default and one of a transaction", (1, |_| ()), (1, tx), false),
];

fn max(profile: &mut Value) {
    purpose("ChargingStationMaxProfile")(profile);
}

fn tx(profile: &mut Value) {
    purpose("TxProfile")(profile);
}

#[test]
fn in_2_x_two_profiles_never_lead_with_the_same_right() {
    for (what, (first_on, first), (second_on, second), duplicates) in PAIRS {
        let mut store = store_201();
        store.install(*first_on, profile_201(1, first), at(NOON)).unwrap();
        let told = set_201(&mut store, *second_on, profile_201(2, second));
        if *duplicates {
            assert_eq!(
                told.status_info.map(|info| info.reason_code).as_deref(),
                Some("DuplicateProfile"),
                "{what}"
            );
            assert_eq!(ids(store.installed()), [1], "{what}");
        } else {
            assert_eq!(told.status, v201::ChargingProfileStatus::Accepted, "{what}");
            assert_eq!(ids(store.installed()), [1, 2], "{what}");
        }
    }
}

#[test]
fn the_profile_of_a_request_to_start_becomes_that_of_the_transaction() {
    let mut store = store_201();
    let of_start = || profile_201(1, |p| p["chargingProfilePurpose"] = "TxProfile".into());
    assert_eq!(store.install_for_start(2, of_start(), at(NOON)), Err(Refusal::TxNotFound(2)));
    assert_eq!(store.install_for_start(1, profile_201(1, tx), at(NOON)), Err(Refusal::NotForStart));
    assert_eq!(store.install_for_start(1, profile_201(1, |_| ()), at(NOON)), Err(Refusal::NotForStart));
    store.install_for_start(1, of_start(), at(NOON)).unwrap();
    assert_eq!(store.installed()[0].message.transaction_id.as_deref(), Some("tx-1"));

    let mut store = store_16();
    let of_start = profile_16(1, |p| p["chargingProfilePurpose"] = "TxProfile".into());
    store.install_for_start(1, of_start.clone(), at(NOON)).unwrap();
    assert_eq!(store.installed()[0].message.transaction_id, Some(7));
    store.begin_transaction(2, Transaction::new("not a number", at(NOON))).unwrap();
    assert_eq!(store.install_for_start(2, of_start, at(NOON)), Err(Refusal::TxNotFound(2)));
}
