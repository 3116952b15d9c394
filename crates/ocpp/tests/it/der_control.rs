//! Controls of distributed energy resources: which are taken, which are followed, and what is reported.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use tieline_ocpp::der_control::DerControls;
use tieline_ocpp::types::DateTime;
use tieline_ocpp::v21::{
    ClearDERControlRequest, DERControl, DERControlStatus, GetDERControlRequest, SetDERControlRequest,
};

const NOON: &str = "2026-06-01T12:00:00Z";

fn at(text: &str) -> DateTime {
    text.parse().unwrap()
}

fn store() -> DerControls {
    DerControls::new(BTreeSet::from([
        DERControl::FixedVar,
        DERControl::FixedPFAbsorb,
        DERControl::FixedPFInject,
        DERControl::FreqDroop,
        DERControl::EnterService,
        DERControl::Gradients,
        DERControl::LimitMaxDischarge,
        DERControl::VoltVar,
    ]))
}

/// A default of reactive power, or a schedule of it from a time on for ten minutes.
fn fixed_var(id: &str, priority: i32, start: Option<&str>) -> Value {
    let mut content = json!({ "priority": priority, "setpoint": 20, "unit": "PctMaxVar" });
    if let Some(start) = start {
        content["startTime"] = start.into();
        content["duration"] = 600.into();
    }
    json!({ "isDefault": start.is_none(), "controlId": id, "controlType": "FixedVar", "fixedVar": content })
}

fn read(set: Value) -> SetDERControlRequest {
    serde_json::from_value(set).unwrap()
}

fn followed(store: &DerControls, now: &str) -> Vec<String> {
    store.followed(at(now)).into_iter().map(|set| set.control_id.clone()).collect()
}

type Change = fn(&mut Value);

const REFUSED: &[(&str, Change, DERControlStatus, &str)] = &[
    (
        "a type that the station lacks",
        |s| s["controlType"] = "WattVar".into(),
        DERControlStatus::NotSupported,
        "UnsupportedParam",
    ),
    (
        "an unknown type",
        |s| s["controlType"] = "Dance".into(),
        DERControlStatus::NotSupported,
        "UnsupportedParam",
    ),
    ("no content", |s| s["fixedVar"] = Value::Null, DERControlStatus::Rejected, "MissingParam"),
    (
        "the content of another type",
        |s| s["controlType"] = "FreqDroop".into(),
        DERControlStatus::Rejected,
        "MissingParam",
    ),
    (
        "two contents",
        |s| {
            s["gradient"] = json!({ "priority": 0, "gradient": 1, "softGradient": 1 });
        },
        DERControlStatus::Rejected,
        "InvalidValue",
    ),
    (
        "a default with a start",
        |s| s["fixedVar"]["startTime"] = NOON.into(),
        DERControlStatus::Rejected,
        "InvalidValue",
    ),
    (
        "a schedule without start",
        |s| s["isDefault"] = false.into(),
        DERControlStatus::Rejected,
        "MissingParam",
    ),
    (
        "a schedule without end",
        |s| {
            s["isDefault"] = false.into();
            s["fixedVar"]["startTime"] = NOON.into();
        },
        DERControlStatus::Rejected,
        "MissingParam",
    ),
    (
        "a schedule that does not last",
        |s| {
            s["isDefault"] = false.into();
            s["fixedVar"]["startTime"] = NOON.into();
            s["fixedVar"]["duration"] = 0.into();
        },
        DERControlStatus::Rejected,
        "ValueTooLow",
    ),
    (
        "a negative priority",
        |s| s["fixedVar"]["priority"] = (-1).into(),
        DERControlStatus::Rejected,
        "ValuePositiveOnly",
    ),
];

#[test]
fn what_is_no_control_is_refused_and_changes_nothing() {
    for (what, change, status, reason) in REFUSED {
        let mut store = store();
        let mut set = fixed_var("a", 0, None);
        change(&mut set);
        let told = store.set(read(set));
        assert_eq!(told.status, *status, "{what}");
        assert_eq!(told.status_info.unwrap().reason_code, *reason, "{what}");
        assert_eq!(store.controls().count(), 0, "{what}");
    }
}

#[test]
fn a_full_store_takes_what_replaces() {
    let mut store = store();
    store.most = 1;
    assert_eq!(store.set(read(fixed_var("a", 5, None))).status, DERControlStatus::Accepted);
    let told = store.set(read(fixed_var("b", 5, None)));
    assert_eq!(told.status_info.unwrap().reason_code, "OutOfStorage");
    let told = store.set(read(fixed_var("a", 3, None)));
    assert_eq!((told.status, told.superseded_ids), (DERControlStatus::Accepted, None));
}

#[test]
fn the_highest_priority_is_followed_and_of_equals_the_latest() {
    let mut store = store();
    store.set(read(fixed_var("weak", 5, None)));
    let told = store.set(read(fixed_var("strong", 1, None)));
    assert_eq!(told.superseded_ids, Some(vec!["weak".to_owned()]));
    assert_eq!(store.set(read(fixed_var("middle", 3, None))).superseded_ids, Some(vec!["weak".to_owned()]));
    assert_eq!(followed(&store, NOON), ["strong"]);
    let told = store.set(read(fixed_var("later", 1, None)));
    assert_eq!(told.superseded_ids, Some(["weak", "strong", "middle"].map(str::to_owned).to_vec()));
    assert_eq!(followed(&store, NOON), ["later"]);

    let all = GetDERControlRequest::new(1);
    let (_, reports) = store.get(&all);
    let told: Vec<_> =
        reports[0].fixed_var.iter().flatten().map(|one| (one.id.as_str(), one.is_superseded)).collect();
    assert_eq!(told, [("weak", true), ("strong", true), ("middle", true), ("later", false)]);
}

#[test]
fn a_schedule_goes_before_the_default_while_it_lasts() {
    let mut store = store();
    store.set(read(fixed_var("default", 0, None)));
    let told = store.set(read(fixed_var("scheduled", 9, Some(NOON))));
    assert_eq!(told.superseded_ids, None, "a default comes back");
    assert_eq!(followed(&store, "2026-06-01T11:59:59Z"), ["default"]);
    assert_eq!(followed(&store, NOON), ["scheduled"]);
    assert_eq!(followed(&store, "2026-06-01T12:09:59Z"), ["scheduled"]);
    assert_eq!(followed(&store, "2026-06-01T12:10:00Z"), ["default"]);
    assert_eq!(store.expire(at("2026-06-01T12:09:59Z")), Vec::<String>::new());
    assert_eq!(store.expire(at("2026-06-01T12:10:00Z")), ["scheduled"]);
    assert_eq!(store.controls().count(), 1);
}

#[test]
fn schedules_supersede_only_those_of_the_same_time() {
    let mut store = store();
    store.set(read(fixed_var("first", 5, Some(NOON))));
    assert_eq!(store.set(read(fixed_var("next", 1, Some("2026-06-01T12:10:00Z")))).superseded_ids, None);
    let told = store.set(read(fixed_var("over both", 3, Some("2026-06-01T12:05:00Z"))));
    assert_eq!(told.superseded_ids, Some(vec!["first".to_owned()]));
    assert_eq!(followed(&store, "2026-06-01T12:04:59Z"), ["first"]);
    assert_eq!(followed(&store, "2026-06-01T12:05:00Z"), ["over both"]);
    assert_eq!(followed(&store, "2026-06-01T12:10:00Z"), ["next"]);
}

#[test]
fn a_clear_takes_defaults_or_schedules() {
    let filled = || {
        let mut store = store();
        store.set(read(fixed_var("default", 0, None)));
        store.set(read(fixed_var("scheduled", 0, Some(NOON))));
        store
    };
    let clear = |default: bool, kind: Option<DERControl>, id: Option<&str>| {
        let mut request = ClearDERControlRequest::new(default);
        (request.control_type, request.control_id) = (kind, id.map(str::to_owned));
        let mut store = filled();
        let status = store.clear(&request).status;
        (status, store.controls().map(|set| set.control_id.clone()).collect::<Vec<_>>())
    };
    let left = |ids: &[&str]| ids.iter().map(|id| (*id).to_owned()).collect::<Vec<_>>();
    assert_eq!(clear(true, None, None), (DERControlStatus::Accepted, left(&["scheduled"])));
    assert_eq!(
        clear(false, Some(DERControl::FixedVar), None),
        (DERControlStatus::Accepted, left(&["default"]))
    );
    assert_eq!(
        clear(true, None, Some("scheduled")),
        (DERControlStatus::NotFound, left(&["default", "scheduled"]))
    );
    assert_eq!(clear(false, None, Some("scheduled")), (DERControlStatus::Accepted, left(&["default"])));
    let other = clear(true, Some(DERControl::FreqDroop), None);
    assert_eq!(other, (DERControlStatus::NotFound, left(&["default", "scheduled"])));
    let lacking = clear(true, Some(DERControl::WattVar), None);
    assert_eq!(lacking, (DERControlStatus::NotSupported, left(&["default", "scheduled"])));
}

/// One default of each member that a control can have.
fn each() -> Vec<Value> {
    let power_factor = json!({ "priority": 0, "displacement": 0.9, "excitation": true });
    let droop = json!({
        "priority": 0, "overFreq": 50.2, "underFreq": 49.8, "overDroop": 5, "underDroop": 5, "responseTime": 2
    });
    let service =
        json!({ "priority": 0, "highVoltage": 253, "lowVoltage": 207, "highFreq": 50.1, "lowFreq": 47.5 });
    let curve = json!({ "priority": 0, "yUnit": "PctMaxVar", "curveData": [{ "x": 1, "y": 2 }] });
    let contents = [
        ("FixedPFAbsorb", "fixedPFAbsorb", power_factor.clone()),
        ("FixedPFInject", "fixedPFInject", power_factor),
        ("FreqDroop", "freqDroop", droop),
        ("EnterService", "enterService", service),
        ("Gradients", "gradient", json!({ "priority": 0, "gradient": 1, "softGradient": 2 })),
        ("LimitMaxDischarge", "limitMaxDischarge", json!({ "priority": 0, "pctMaxDischargePower": 50 })),
        ("VoltVar", "curve", curve),
    ];
    let set = contents.into_iter().map(|(kind, member, content)| {
        let mut set = json!({ "isDefault": true, "controlId": kind, "controlType": kind });
        set[member] = content;
        set
    });
    set.chain([fixed_var("FixedVar", 0, None)]).collect()
}

#[test]
fn a_report_has_every_kind_of_control_as_it_was_set() {
    let mut store = store();
    for set in each() {
        assert_eq!(store.set(read(set.clone())).status, DERControlStatus::Accepted, "{set}");
    }
    store.per_report = 3;
    let (response, reports) = store.get(&GetDERControlRequest::new(42));
    assert_eq!(response.status, DERControlStatus::Accepted);
    assert_eq!(reports.iter().map(|report| report.tbc).collect::<Vec<_>>(), [Some(true), Some(true), None]);
    let told = serde_json::to_value(&reports).unwrap();
    for set in each() {
        let (member, content) = set
            .as_object()
            .unwrap()
            .iter()
            .find(|(name, _)| !["isDefault", "controlId", "controlType"].contains(&name.as_str()))
            .unwrap();
        let in_report = told.as_array().unwrap().iter().find_map(|report| report.get(member));
        let one = &in_report.unwrap_or_else(|| panic!("{member} in {told}"))[0];
        assert_eq!(one["id"], set["controlId"]);
        let inner = if member.starts_with("fixedPF") { "fixedPF" } else { member };
        assert_eq!(one[inner], *content);
    }
    let ask = |change: fn(&mut GetDERControlRequest)| {
        let mut request = GetDERControlRequest::new(1);
        change(&mut request);
        let (response, reports) = store.get(&request);
        (response.status, reports.len())
    };
    assert_eq!(ask(|r| r.control_type = Some(DERControl::VoltVar)), (DERControlStatus::Accepted, 1));
    assert_eq!(ask(|r| r.control_id = Some("Gradients".to_owned())), (DERControlStatus::Accepted, 1));
    assert_eq!(ask(|r| r.is_default = Some(false)), (DERControlStatus::NotFound, 0));
    assert_eq!(ask(|r| r.control_type = Some(DERControl::WattVar)), (DERControlStatus::NotSupported, 0));
}

#[test]
fn controls_survive() {
    let mut store = store();
    store.set(read(fixed_var("a", 5, None)));
    store.set(read(fixed_var("b", 5, Some(NOON))));
    let saved: Vec<_> = store.controls().cloned().collect();
    let again = DerControls::restore(BTreeSet::from([DERControl::FixedVar]), saved.clone());
    assert_eq!(again.controls().cloned().collect::<Vec<_>>(), saved);
    assert_eq!(followed(&again, NOON), ["b"]);
}
