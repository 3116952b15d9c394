//! Chargers that are away, refuse, break off, repeat themselves or are not let in.

use std::collections::BTreeSet;

use futures_util::future::join_all;
use jiff::SignedDuration;
use rust_decimal::Decimal;
use tieline_edge::websocket;
use tieline_ocpp::client::{ChargingStation, ConnectError};
use tieline_ocpp::{CallFailure, CallOptions, ErrorCode, Ocpp, RawValue, Version, v16, v21, v201};
use tieline_service::Router;

use crate::charger::{Charger, Conduct, when};
use crate::daemon::eventually;
use crate::scene::{CONNECTION, FULL, POINT, Scene, at, wanted, watts};

/// One ISP ordered, from 11:00 to 11:15, and nobody told yet.
async fn one_isp_ordered(scene: &Scene) {
    let mut request = scene.request();
    request.isps = vec![wanted(45, 1, -10_000, 0)];
    let offer = scene.offer(request).await;
    assert!(scene.ask(scene.order(&offer)).await.is_accepted());
    scene.agr.settle().await;
}

async fn set_point_becomes(scene: &Scene, key: &str, state: &str) {
    eventually(&format!("the set-point of {key} becomes {state}"), async || {
        let set_point = scene.agr.record("set-point", key).await?;
        set_point["state"].get(state).map(|_| ()).or((set_point["state"] == state).then_some(()))
    })
    .await;
}

#[tokio::test]
async fn a_charger_that_was_away_is_told_when_it_connects() {
    let scene = Scene::new().await;
    let (charger, transaction) = scene.charging().await;
    one_isp_ordered(&scene).await;
    charger.cut().await;
    scene.clock.set(at("2026-06-10T08:30:00Z"));
    scene.agr.settle().await;
    set_point_becomes(&scene, "CP-1/1", "Pending").await;

    let charger = Charger::connect(scene.agr.ocpp(), "CP-1", Version::V1_6).await;
    let told = charger.told_at_least(1).await;
    assert_eq!(told[0].transaction, transaction);
    assert_eq!(told[0].evse, 1);
    assert_eq!(told[0].periods, [(at("2026-06-10T09:00:00Z"), watts(FULL - 10_000))]);
    set_point_becomes(&scene, "CP-1/1", "Accepted").await;
}

#[tokio::test]
async fn limits_that_are_over_are_not_told_any_more() {
    let scene = Scene::new().await;
    let (charger, _) = scene.charging().await;
    one_isp_ordered(&scene).await;
    charger.cut().await;
    scene.clock.set(at("2026-06-10T08:30:00Z"));
    scene.agr.settle().await;
    scene.clock.set(at("2026-06-10T09:15:00Z"));
    scene.agr.settle().await;
    let charger = Charger::connect(scene.agr.ocpp(), "CP-1", Version::V1_6).await;
    set_point_becomes(&scene, "CP-1/1", "Missed").await;
    assert!(charger.told().is_empty());
}

#[tokio::test]
async fn a_charger_that_refuses_is_not_asked_again_for_the_same_limits() {
    let scene = Scene::new().await;
    let (charger, _) = scene.charging().await;
    one_isp_ordered(&scene).await;
    charger.behave(Conduct::Refuse);
    scene.clock.set(at("2026-06-10T08:30:00Z"));
    charger.told_at_least(1).await;
    set_point_becomes(&scene, "CP-1/1", "Refused").await;

    // The ISP starts, and the point is planned anew.
    scene.clock.set(at("2026-06-10T09:00:00Z"));
    scene.agr.settle().await;
    set_point_becomes(&scene, "CP-1/1", "Refused").await;
    assert_eq!(charger.told().len(), 1);

    // Once that is over, it is asked again: until then nothing can be offered with it.
    scene.clock.set(at("2026-06-10T09:15:00Z"));
    scene.agr.settle().await;
    charger.behave(Conduct::Accept);
    let mut request = scene.request();
    request.isps = vec![wanted(47, 1, -5000, 0)];
    request.expiration_date_time = tieline_uftp::value::DateTime::utc(at("2026-06-10T09:25:00Z"));
    let offer = scene.offer(request).await;
    assert!(scene.ask(scene.order(&offer)).await.is_accepted());
    let told = charger.told_at_least(2).await;
    assert_eq!(told[1].end, at("2026-06-10T09:45:00Z"));
}

#[tokio::test]
async fn an_error_that_may_pass_is_no_refusal_until_it_does_not_pass() {
    let scene = Scene::new().await;
    let (charger, _) = scene.charging().await;
    one_isp_ordered(&scene).await;
    charger.behave(Conduct::Err(ErrorCode::InternalError));
    scene.clock.set(at("2026-06-10T08:30:00Z"));
    charger.told_at_least(1).await;
    set_point_becomes(&scene, "CP-1/1", "Pending").await;
    charger.behave(Conduct::Accept);
    eventually("it is told again", async || {
        scene.clock.advance(SignedDuration::from_secs(1));
        (charger.told().len() > 1).then_some(())
    })
    .await;
    set_point_becomes(&scene, "CP-1/1", "Accepted").await;
}

#[tokio::test]
async fn a_charger_that_errs_again_and_again_has_refused() {
    for (code, times) in [(ErrorCode::GenericError, 5), (ErrorCode::NotSupported, 1)] {
        let scene = Scene::new().await;
        let (charger, _) = scene.charging().await;
        one_isp_ordered(&scene).await;
        charger.behave(Conduct::Err(code));
        scene.clock.set(at("2026-06-10T08:30:00Z"));
        eventually("it has refused", async || {
            scene.clock.advance(SignedDuration::from_secs(1));
            let set_point = scene.agr.record("set-point", "CP-1/1").await?;
            set_point["state"].get("Refused").map(|_| ())
        })
        .await;
        assert_eq!(charger.told().len(), times);
    }
}

#[tokio::test]
async fn a_charger_that_breaks_off_before_it_answers_is_told_again() {
    let scene = Scene::new().await;
    let (charger, _) = scene.charging().await;
    one_isp_ordered(&scene).await;
    charger.behave(Conduct::Ignore);
    scene.clock.set(at("2026-06-10T08:30:00Z"));
    charger.told_at_least(1).await;
    charger.cut().await;
    eventually("the vain attempt is noted", async || {
        let set_point = scene.agr.record("set-point", "CP-1/1").await?;
        (set_point["state"]["Pending"]["attempts"] == 1).then_some(())
    })
    .await;

    let charger = Charger::connect(scene.agr.ocpp(), "CP-1", Version::V1_6).await;
    scene.clock.advance(SignedDuration::from_mins(1));
    let told = charger.told_at_least(1).await;
    assert_eq!(told[0].periods, [(at("2026-06-10T09:00:00Z"), watts(FULL - 10_000))]);
    set_point_becomes(&scene, "CP-1/1", "Accepted").await;
}

#[tokio::test]
async fn a_session_that_ends_or_starts_is_planned_with_the_others() {
    let scene = Scene::new().await;
    let (first, transaction) = scene.charging().await;
    let second = Charger::connect(scene.agr.ocpp(), "CP-3", Version::V2_0_1).await;
    second.charge(scene.now()).await;
    one_isp_ordered(&scene).await;
    scene.clock.set(at("2026-06-10T08:30:00Z"));
    first.told_at_least(1).await;
    second.told_at_least(1).await;
    let limit = |charger: &Charger| charger.told().last().unwrap().periods[0].1;
    assert_eq!(limit(&first) + limit(&second), watts(2 * FULL - 10_000));

    // With one car gone, less is drawn than was promised, and the other is free.
    first.stop_charging(&transaction, 5000, scene.now()).await;
    eventually("the other car is free again", async || (limit(&second) == watts(FULL)).then_some(())).await;
    let ended = scene.agr.record("session", "CP-1/1").await.unwrap();
    assert_eq!(ended["ended"], "2026-06-10T08:30:00Z");

    let next = first.charge(scene.now()).await;
    assert_ne!(next, transaction);
    eventually("both share again", async || {
        let both = limit(&first) + limit(&second);
        (first.told().last()?.transaction == next && both == watts(2 * FULL - 10_000)).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_start_transaction_that_is_repeated_gets_the_same_number() {
    let mut scene = Scene::new().await;
    let (charger, transaction) = scene.charging().await;
    assert_eq!(charger.charge(scene.now()).await, transaction);
    assert_eq!(scene.agr.records("session", POINT).await.len(), 1);
    scene.agr.restart().await;
    let charger = Charger::connect(scene.agr.ocpp(), "CP-1", Version::V1_6).await;
    assert_eq!(charger.charge(scene.now()).await, transaction);
    assert_eq!(scene.agr.records("session", POINT).await.len(), 1);
    let later = scene.now() + SignedDuration::from_secs(1);
    assert_ne!(charger.charge(later).await, transaction);
    assert_eq!(scene.agr.records("session", POINT).await.len(), 2);
}

/// As after a power cut: every charger of a site starts at once.
#[tokio::test]
async fn two_hundred_transactions_that_start_at_once_are_all_numbered() {
    let mut chargers = String::new();
    let identities: Vec<String> = (0..200).map(|number| format!("SITE-{number}")).collect();
    for identity in &identities {
        chargers += &crate::scene::charger_of(identity, 1, "W");
    }
    let scene = Scene::starting(crate::scene::MORNING, "", &chargers).await;
    let connect = |identity| Charger::connect(scene.agr.ocpp(), identity, Version::V1_6);
    let chargers = join_all(identities.iter().map(|identity| connect(identity))).await;
    let numbers = join_all(chargers.iter().map(|charger| charger.charge(scene.now()))).await;
    let numbers: BTreeSet<String> = numbers.into_iter().collect();
    assert_eq!(numbers.len(), 200, "each has a number of its own");
    assert_eq!(scene.agr.records("session", POINT).await.len(), 200);
}

fn meter_values_16(
    scene: &Scene,
    transaction: i32,
    value: &str,
    unit: Option<v16::UnitOfMeasure>,
) -> v16::MeterValuesRequest {
    let mut sample = v16::SampledValue::new(value);
    sample.unit = unit;
    let value = v16::MeterValue::new(when(scene.now()), vec![sample]);
    let mut values = v16::MeterValuesRequest::new(1, vec![value]);
    values.transaction_id = Some(transaction);
    values
}

#[tokio::test]
async fn registers_are_read_in_watt_hours_and_kilowatt_hours() {
    let scene = Scene::new().await;
    let (charger, transaction) = scene.charging().await;
    let number: i32 = transaction.parse().unwrap();
    let units = [
        ("1500", None, 1500),
        ("1.75", Some(v16::UnitOfMeasure::KWh), 1750),
        ("2000", Some(v16::UnitOfMeasure::Wh), 2000),
        // Neither a register nor a number: left alone.
        ("9", Some(v16::UnitOfMeasure::Celsius), 2000),
        ("much", None, 2000),
    ];
    for (value, unit, watt_hours) in units {
        charger.csms.call(meter_values_16(&scene, number, value, unit)).await.unwrap();
        let session = scene.agr.record("session", "CP-1/1").await.unwrap();
        assert_eq!(session["meter"]["energy"], watt_hours * 3600, "{value}");
    }
}

#[tokio::test]
async fn reports_of_unknown_transactions_are_answered() {
    let scene = Scene::new().await;
    let (charger, _) = scene.charging().await;
    charger.csms.call(meter_values_16(&scene, -1, "10", None)).await.unwrap();
    charger.stop_charging("-1", 10, scene.now()).await;
    charger.csms.call(v16::MeterValuesRequest::new(0, vec![])).await.unwrap_err();
    let session = scene.agr.record("session", "CP-1/1").await.unwrap();
    assert_eq!(session["ended"], serde_json::Value::Null);
    assert_eq!(session["meter"]["energy"], 0);
}

#[tokio::test]
async fn a_multiplier_beyond_all_bounds_is_answered_and_not_believed() {
    let scene = Scene::new().await;
    let charger = Charger::connect(scene.agr.ocpp(), "CP-4", Version::V2_1).await;
    charger.charge(scene.now()).await;
    for (multiplier, expected) in [(i32::MAX, None), (i32::MIN, None), (-3, Some(5 * 3600))] {
        let mut unit = v21::UnitOfMeasure::new();
        unit.unit = Some("kWh".to_owned());
        unit.multiplier = Some(multiplier);
        let mut sample = v21::SampledValue::new(5);
        sample.unit_of_measure = Some(unit);
        let mut updated = v21::TransactionEventRequest::new(
            v21::TransactionEventEnum::Updated,
            when(scene.now()),
            v21::TriggerReason::MeterValuePeriodic,
            1,
            v21::Transaction::new("CP-4-1"),
        );
        updated.meter_value = Some(vec![v21::MeterValue::new(vec![sample], when(scene.now()))]);
        charger.csms.call(updated).await.unwrap();
        let session = scene.agr.record("session", "CP-4/CP-4-1").await.unwrap();
        assert_eq!(session["meter"]["energy"].as_i64(), expected, "{multiplier}");
    }
}

#[tokio::test]
async fn a_charger_in_amperes_is_told_amperes() {
    let scene = Scene::new().await;
    let charger = Charger::connect(scene.agr.ocpp(), "CP-2", Version::V1_6).await;
    charger.charge(scene.now()).await;
    let mut request = scene.request();
    request.isps = vec![wanted(45, 1, -2300, 0)];
    let offer = scene.offer(request).await;
    assert!(scene.ask(scene.order(&offer)).await.is_accepted());
    scene.clock.set(at("2026-06-10T08:30:00Z"));
    let told = charger.told_at_least(1).await;
    assert_eq!(told[0].unit, "A");
    assert_eq!(told[0].periods[0].1, Decimal::from(22));
}

async fn refusal(station: &ChargingStation) -> u16 {
    match station.connect(Router::<Ocpp, ()>::new().with_state(())).await {
        Err(ConnectError::WebSocket(websocket::ConnectError::Refused(status))) => status.as_u16(),
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("let in"),
    }
}

#[tokio::test]
async fn who_is_unknown_or_has_another_password_is_not_let_in() {
    let mut scene = Scene::new().await;
    scene.agr.write_secret("cp5.password", "correct horse battery\n");
    let with_password = format!(
        "
[[ocpp.charger]]
identity = \"CP-5\"
connection = \"{CONNECTION}\"
phases = 3
maximum_current = 32
unit = \"W\"
password_file = \"cp5.password\"
"
    );
    scene.agr.config += &with_password;
    scene.agr.restart().await;
    let address = format!("ws://{}/ocpp", scene.agr.ocpp());
    let station = |identity| ChargingStation::new(&address, identity, [Version::V1_6]).unwrap();
    assert_eq!(refusal(&station("CP-5")).await, 401);
    assert_eq!(refusal(&station("CP-5").with_password("wrong horse battery")).await, 401);
    assert_eq!(refusal(&station("CP-9")).await, 404);
    Charger::run(&station("CP-5").with_password("correct horse battery")).await;
}

/// The identity is a charger's whose firmware leaves members out and adds some.
#[tokio::test]
async fn what_is_forgiven_to_one_charger_is_not_to_another() {
    let mut scene = Scene::new().await;
    let careless = format!(
        "
[[ocpp.charger]]
identity = \"CP-5\"
connection = \"{CONNECTION}\"
phases = 3
maximum_current = 32
unit = \"W\"
tolerances = [\"undefined_members\"]
absent_member = [{{ action = \"BootNotification\", member = \"/chargePointVendor\", value = \"unknown\" }}]
"
    );
    scene.agr.config += &careless;
    scene.agr.restart().await;
    let address = format!("ws://{}/ocpp", scene.agr.ocpp());
    let boot = async |identity: &str| {
        let station = ChargingStation::new(&address, identity, [Version::V1_6]).unwrap();
        let session = station.connect(Router::<Ocpp, ()>::new().with_state(())).await.unwrap();
        let csms = session.peer().clone();
        tokio::spawn(session.run());
        let payload = r#"{"chargePointModel":"m","colour":"red"}"#.to_owned();
        csms.call_raw("BootNotification", RawValue::from_string(payload).unwrap(), CallOptions::default())
            .await
    };
    let accepted = boot("CP-5").await.unwrap();
    assert!(accepted.get().contains("\"Accepted\""), "{accepted}");
    let Err(CallFailure::Refused(error)) = boot("CP-1").await else { panic!("accepted") };
    assert_eq!(error.code, ErrorCode::ProtocolError);
}

/// When the sessions of CP-1 or CP-3 ended, by their transactions.
async fn ends(scene: &Scene, sessions: [&str; 2]) -> [Option<String>; 2] {
    let mut ends = [None, None];
    for (end, key) in ends.iter_mut().zip(sessions) {
        let session = scene.agr.record("session", key).await.unwrap();
        *end = session["ended"].as_str().map(str::to_owned);
    }
    ends
}

#[tokio::test]
async fn a_session_whose_end_was_lost_ends_when_the_next_one_begins_in_its_place() {
    let scene = Scene::new().await;
    let (charger, _) = scene.charging().await;
    let later = scene.now() + SignedDuration::from_mins(30);
    scene.clock.set(later);
    charger.charge(later).await;
    assert_eq!(ends(&scene, ["CP-1/1", "CP-1/2"]).await, [Some(later.to_string()), None]);
    // It is not offered twice.
    let mut request = scene.request();
    request.isps = vec![wanted(45, 4, -2 * FULL, 0)];
    request.expiration_date_time = tieline_uftp::value::DateTime::utc(at("2026-06-10T09:00:00Z"));
    let offer = scene.offer(request).await;
    assert_eq!(offer.options[0].isps[0].power.watts(), -FULL);

    // Its end comes after all, and then comes again.
    let end = later - SignedDuration::from_mins(10);
    for _ in 0..2 {
        charger.stop_charging("1", 5000, end).await;
        assert_eq!(ends(&scene, ["CP-1/1", "CP-1/2"]).await, [Some(end.to_string()), None]);
    }
}

fn event_201(
    transaction: &str,
    kind: v201::TransactionEventEnum,
    evse: Option<i32>,
    at: jiff::Timestamp,
) -> v201::TransactionEventRequest {
    let transaction = v201::Transaction::new(transaction);
    let trigger = v201::TriggerReason::Authorized;
    let mut event = v201::TransactionEventRequest::new(kind, when(at), trigger, 0, transaction);
    event.evse = evse.map(v201::EVSE::new);
    event
}

#[tokio::test]
async fn a_session_that_is_heard_of_late_has_ended_and_ends_no_other() {
    let scene = Scene::new().await;
    let charger = Charger::connect(scene.agr.ocpp(), "CP-3", Version::V2_0_1).await;
    let ago = |minutes| scene.now() - SignedDuration::from_mins(minutes);
    for (transaction, minutes) in [("now", 10), ("before", 60)] {
        let started = v201::TransactionEventEnum::Started;
        charger.csms.call(event_201(transaction, started, Some(1), ago(minutes))).await.unwrap();
    }
    let sessions = ["CP-3/before", "CP-3/now"];
    assert_eq!(ends(&scene, sessions).await, [Some(ago(10).to_string()), None]);
    let ended = v201::TransactionEventEnum::Ended;
    charger.csms.call(event_201("before", ended, Some(1), ago(20))).await.unwrap();
    assert_eq!(ends(&scene, sessions).await, [Some(ago(20).to_string()), None]);
}

/// 2.0.1 E01.FR.16: a transaction may begin before the car is plugged in, and where it is comes with a later event.
#[tokio::test]
async fn an_evse_that_is_said_late_is_where_the_session_is() {
    let scene = Scene::new().await;
    let charger = Charger::connect(scene.agr.ocpp(), "CP-3", Version::V2_0_1).await;
    let (started, updated) = (v201::TransactionEventEnum::Started, v201::TransactionEventEnum::Updated);
    charger.csms.call(event_201("at-1", started.clone(), Some(1), scene.now())).await.unwrap();
    charger.csms.call(event_201("at-2", started, None, scene.now())).await.unwrap();
    let sessions = ["CP-3/at-1", "CP-3/at-2"];
    assert_eq!(ends(&scene, sessions).await, [None, None], "it may be anywhere");

    // The whole fleet pauses, so both are told something.
    let mut request = scene.request();
    request.isps = vec![wanted(45, 1, -2 * FULL, 0)];
    let offer = scene.offer(request).await;
    assert!(scene.ask(scene.order(&offer)).await.is_accepted());
    scene.agr.settle().await;
    scene.clock.set(at("2026-06-10T08:30:00Z"));
    charger.told_at_least(2).await;
    set_point_becomes(&scene, "CP-3/at-2", "Accepted").await;

    charger.csms.call(event_201("at-2", updated, Some(2), scene.now())).await.unwrap();
    eventually("it is told at its EVSE", async || {
        charger.told().iter().any(|told| (told.evse, &*told.transaction) == (2, "at-2")).then_some(())
    })
    .await;
    set_point_becomes(&scene, "CP-3/at-2", "Accepted").await;
    assert_eq!(ends(&scene, sessions).await, [None, None]);
    // The next one there takes its place.
    let started = v201::TransactionEventEnum::Started;
    charger.csms.call(event_201("next", started, Some(2), scene.now())).await.unwrap();
    assert_eq!(ends(&scene, sessions).await, [None, Some(scene.now().to_string())]);
}
