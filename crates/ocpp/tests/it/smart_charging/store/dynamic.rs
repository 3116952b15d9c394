//! Dynamic profiles and priority charging.

use serde_json::{Value, json};
use tieline_ocpp::smart_charging::{CompositeError, ProfileStore, Question};
use tieline_ocpp::types::Decimal;
use tieline_ocpp::v21;

use super::{NOON, at, profile_21, store_21};

fn dynamic(change: impl FnOnce(&mut Value)) -> v21::ChargingProfile {
    profile_21(1, |p| {
        p["chargingProfileKind"] = "Dynamic".into();
        p["chargingSchedule"][0]["startSchedule"] = Value::Null;
        change(p);
    })
}

fn update(limit: i64) -> v21::ChargingScheduleUpdate {
    v21::ChargingScheduleUpdate::new().with_limit(Decimal::from_i64(limit))
}

fn limit(store: &ProfileStore<v21::ChargingProfile>, from: &str, after: i64) -> Option<Decimal> {
    store.composite(&Question::new(1, at(from), 600)).unwrap().limit_at(after)
}

#[test]
fn a_dynamic_profile_says_what_its_last_update_says_for_its_duration() {
    let mut store = store_21();
    store.install(1, dynamic(|p| p["chargingSchedule"][0]["duration"] = 300.into()), at(NOON)).unwrap();
    assert_eq!(store.installed()[0].message.dyn_update_time, Some(at(NOON)));
    assert_eq!(limit(&store, NOON, 299), Some(Decimal::from_i64(16)));
    assert_eq!(limit(&store, NOON, 300), None);

    let request = v21::UpdateDynamicScheduleRequest::new(1, update(9));
    let later = "2026-06-01T12:02:00Z";
    let told = store.update_dynamic_schedule(&request, at(later));
    assert_eq!(told.status, v21::ChargingProfileStatus::Accepted);
    assert_eq!(store.installed()[0].message.dyn_update_time, Some(at(later)));
    assert_eq!(limit(&store, later, 0), Some(Decimal::from_i64(9)));
    assert_eq!(limit(&store, later, 299), Some(Decimal::from_i64(9)));
    assert_eq!(limit(&store, later, 300), None);
}

#[test]
fn an_update_that_cannot_be_taken_changes_nothing() {
    let mut store = store_21();
    store.install(1, dynamic(|_| ()), at(NOON)).unwrap();
    store.install(2, profile_21(2, |_| ()), at(NOON)).unwrap();
    let before = store.installed().to_vec();
    let positive = v21::ChargingScheduleUpdate { discharge_limit: Some(Decimal::from_i64(5)), ..update(9) };
    let half = v21::ChargingScheduleUpdate { limit_l2: Some(Decimal::from_i64(5)), ..update(9) };
    let cases = [
        (9, update(9), "InvalidProfileId"),
        (2, update(9), "InvalidProfile"),
        (1, positive, "InvalidSchedule"),
        (1, half, "InvalidSchedule"),
    ];
    for (id, update, reason) in cases {
        let told =
            store.update_dynamic_schedule(&v21::UpdateDynamicScheduleRequest::new(id, update), at(NOON));
        assert_eq!(told.status, v21::ChargingProfileStatus::Rejected);
        assert_eq!(told.status_info.unwrap().reason_code, reason);
        assert_eq!(store.installed(), before);
    }
}

#[test]
fn an_update_is_asked_for_once_in_an_interval() {
    let mut store = store_21();
    store.install(1, dynamic(|p| p["dynUpdateInterval"] = 60.into()), at(NOON)).unwrap();
    store.install(2, profile_21(2, |p| p["dynUpdateInterval"] = 60.into()), at(NOON)).unwrap();
    let due = |store: &mut ProfileStore<v21::ChargingProfile>, now: &str| store.updates_due(at(now));
    assert_eq!(due(&mut store, "2026-06-01T12:00:59Z"), []);
    assert_eq!(due(&mut store, "2026-06-01T12:01:00Z"), [v21::PullDynamicScheduleUpdateRequest::new(1)]);
    assert_eq!(due(&mut store, "2026-06-01T12:01:59Z"), [], "it was asked for a moment ago");
    assert_eq!(due(&mut store, "2026-06-01T12:02:00Z").len(), 1, "there was no response");

    let response = v21::PullDynamicScheduleUpdateResponse::new(v21::ChargingProfileStatus::Accepted)
        .with_schedule_update(update(9));
    let came = "2026-06-01T12:02:10Z";
    assert_eq!(store.take_update(1, &response, at(came)), Ok(true));
    assert_eq!(limit(&store, came, 0), Some(Decimal::from_i64(9)));
    assert_eq!(store.next_update(), Some(at("2026-06-01T12:03:10Z").timestamp().as_second()));

    let rejected =
        v21::PullDynamicScheduleUpdateResponse { status: v21::ChargingProfileStatus::Rejected, ..response };
    assert_eq!(store.take_update(1, &rejected, at(came)), Ok(false));
    assert_eq!(limit(&store, came, 0), Some(Decimal::from_i64(9)));
}

#[test]
fn an_update_keeps_what_it_does_not_name() {
    let mut store = store_21();
    let period = json!({ "startPeriod": 0, "operationMode": "CentralSetpoint", "setpoint": 5, "dischargeLimit": -8, "limit": 16 });
    let profile = dynamic(|p| p["chargingSchedule"][0]["chargingSchedulePeriod"] = json!([period]));
    store.install(1, profile, at(NOON)).unwrap();
    let setpoint =
        v21::ChargingScheduleUpdate { setpoint: Some(Decimal::from_i64(-7)), ..Default::default() };
    store.update_dynamic_schedule(&v21::UpdateDynamicScheduleRequest::new(1, setpoint), at(NOON));
    let told = store.get_composite_schedule(&v21::GetCompositeScheduleRequest::new(60, 1), at(NOON));
    let told = told.schedule.unwrap().charging_schedule_period.remove(0);
    assert_eq!(told.setpoint, Some(Decimal::from_i64(-7)));
    assert_eq!(told.discharge_limit, Some(Decimal::from_i64(-8)));
    assert_eq!(told.limit, Some(Decimal::from_i64(16)));
}

#[test]
fn priority_charging_takes_the_place_of_the_session_while_it_is_on() {
    let mut store = store_21();
    store.install(1, profile_21(1, |_| ()), at(NOON)).unwrap();
    let on = |transaction: &str, activate| v21::UsePriorityChargingRequest::new(transaction, activate);
    assert_eq!(store.use_priority_charging(&on("tx-2", true)).status, v21::PriorityChargingStatus::Rejected);
    assert_eq!(store.use_priority_charging(&on("tx-1", true)).status, v21::PriorityChargingStatus::NoProfile);
    assert_eq!(store.set_priority_charging(1, true), None);

    let priority = profile_21(2, |p| {
        p["chargingProfilePurpose"] = "PriorityCharging".into();
        p["chargingSchedule"][0]["chargingSchedulePeriod"][0]["limit"] = 32.into();
    });
    store.install(0, priority, at(NOON)).unwrap();
    assert_eq!(limit(&store, NOON, 0), Some(Decimal::from_i64(16)));
    assert_eq!(store.use_priority_charging(&on("tx-1", true)).status, v21::PriorityChargingStatus::Accepted);
    assert_eq!(limit(&store, NOON, 0), Some(Decimal::from_i64(32)));
    assert_eq!(store.set_priority_charging(1, true), None, "it is on");
    let told = store.set_priority_charging(1, false);
    assert_eq!(told, Some(v21::NotifyPriorityChargingRequest::new("tx-1", false)));
    assert_eq!(limit(&store, NOON, 0), Some(Decimal::from_i64(16)));
    assert_eq!(store.set_priority_charging(2, true), None, "there is no transaction");

    store.set_priority_charging(1, true).unwrap();
    store.end_transaction(1);
    assert_eq!(limit(&store, NOON, 0), Some(Decimal::from_i64(16)), "it ends with its transaction");
}

#[test]
fn a_question_in_a_unit_that_the_station_does_not_take_is_rejected() {
    let mut capabilities = tieline_ocpp::smart_charging::Capabilities::new(1);
    capabilities.watts = false;
    let store = ProfileStore::<v21::ChargingProfile>::new(capabilities);
    let watts = tieline_ocpp::smart_charging::RateUnit::W;
    let told = store.composite(&Question::new(1, at(NOON), 60).in_unit(watts));
    assert_eq!(told, Err(CompositeError::UnsupportedUnit(watts)));
    let request = v21::GetCompositeScheduleRequest::new(60, 5);
    let told = store.get_composite_schedule(&request, at(NOON));
    assert_eq!(told.status_info.unwrap().reason_code, "UnknownEvse");
}
