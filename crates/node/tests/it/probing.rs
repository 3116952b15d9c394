//! What chargers say that they can do, and what they are told because of it.

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use tieline_ocpp::client::ChargingStation;
use tieline_ocpp::{CallError, ErrorCode, Ocpp, Peer, Version, v16, v201};
use tieline_service::{Call, Router, State};

use crate::daemon::eventually;
use crate::scene::{CONNECTION, MORNING, Scene, at};

/// A charger whose unit the file does not say.
fn charger() -> String {
    format!(
        "
[[ocpp.charger]]
identity = \"CP-5\"
connection = \"{CONNECTION}\"
phases = 3
maximum_current = 32
"
    )
}

/// What a charger does, and what it was asked.
#[derive(Debug, Default)]
struct Conduct {
    /// Its configuration keys, or its variables; none if it knows no such message.
    values: Option<Vec<(&'static str, &'static str)>>,
    /// 2.x: it takes no more than one question at a time.
    one_at_a_time: bool,
    /// It refuses profiles of these purposes.
    refuses: Vec<&'static str>,
    /// It accepts profiles of these purposes and does not keep to them.
    ignores: Vec<&'static str>,
    /// The profile that it keeps to.
    held: Option<Value>,
    /// How often it was asked what it can do.
    asked: usize,
    /// The profiles that it was sent.
    told: Vec<Value>,
}

type Shared = Arc<Mutex<Conduct>>;

impl Conduct {
    /// Takes a profile as JSON; says whether it is accepted.
    fn take(&mut self, profile: Value) -> bool {
        let purpose = profile["chargingProfilePurpose"].as_str().unwrap().to_owned();
        let is_accepted = !self.refuses.iter().any(|refused| *refused == purpose);
        if is_accepted && !self.ignores.iter().any(|ignored| *ignored == purpose) {
            self.held = Some(profile.clone());
        }
        self.told.push(profile);
        is_accepted
    }

    fn purposes(&self) -> Vec<String> {
        let purpose = |profile: &Value| profile["chargingProfilePurpose"].as_str().unwrap().to_owned();
        self.told.iter().map(purpose).collect()
    }
}

async fn on_configuration(
    call: Call<v16::GetConfigurationRequest>,
    State(shared): State<Shared>,
) -> Result<v16::GetConfigurationResponse, CallError> {
    let mut conduct = shared.lock().unwrap();
    conduct.asked += 1;
    let Some(values) = &conduct.values else {
        return Err(CallError::new(ErrorCode::NotSupported, "no keys here"));
    };
    let mut response = v16::GetConfigurationResponse::new();
    let (mut known, mut unknown) = (Vec::new(), Vec::new());
    for key in call.key.as_deref().unwrap_or_default() {
        match values.iter().find(|(name, _)| name == key) {
            Some((name, value)) => {
                let mut told = v16::KeyValue::new(*name, true);
                told.value = Some((*value).to_owned());
                known.push(told);
            }
            None => unknown.push(key.clone()),
        }
    }
    (response.configuration_key, response.unknown_key) = (Some(known), Some(unknown));
    Ok(response)
}

async fn on_variables(
    call: Call<v201::GetVariablesRequest>,
    State(shared): State<Shared>,
) -> Result<v201::GetVariablesResponse, CallError> {
    let mut conduct = shared.lock().unwrap();
    conduct.asked += 1;
    if conduct.one_at_a_time && call.get_variable_data.len() > 1 {
        return Err(CallError::new(ErrorCode::OccurrenceConstraintViolation, "one at a time"));
    }
    let values = conduct.values.clone().unwrap_or_default();
    let answer = |asked: &v201::GetVariableData| {
        let found = values.iter().find(|(name, _)| *name == asked.variable.name);
        let status = match found {
            Some(_) => v201::GetVariableStatus::Accepted,
            None if asked.component.evse.is_some() => v201::GetVariableStatus::UnknownComponent,
            None => v201::GetVariableStatus::UnknownVariable,
        };
        let mut result =
            v201::GetVariableResult::new(status, asked.component.clone(), asked.variable.clone());
        result.attribute_value = found.map(|(_, value)| (*value).to_owned());
        result
    };
    Ok(v201::GetVariablesResponse::new(call.get_variable_data.iter().map(answer).collect()))
}

async fn on_profile(
    call: Call<v16::SetChargingProfileRequest>,
    State(shared): State<Shared>,
) -> v16::SetChargingProfileResponse {
    let mut profile = serde_json::to_value(&call.cs_charging_profiles).unwrap();
    profile["connector"] = json!(call.connector_id);
    let is_accepted = shared.lock().unwrap().take(profile);
    v16::SetChargingProfileResponse::new(if is_accepted {
        v16::ChargingProfileStatus::Accepted
    } else {
        v16::ChargingProfileStatus::Rejected
    })
}

async fn on_composite(
    _: Call<v16::GetCompositeScheduleRequest>,
    State(shared): State<Shared>,
) -> v16::GetCompositeScheduleResponse {
    let held = shared.lock().unwrap().held.clone();
    let unlimited =
        json!({"chargingRateUnit": "A", "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 32.0}]});
    let schedule = held.map_or(unlimited, |profile| profile["chargingSchedule"].clone());
    let mut response = v16::GetCompositeScheduleResponse::new(v16::GetCompositeScheduleStatus::Accepted);
    response.charging_schedule = Some(serde_json::from_value(schedule).unwrap());
    response
}

/// CP-5, booted with this firmware.
async fn connect(scene: &Scene, version: Version, shared: &Shared, firmware: &str) -> Peer {
    let address = format!("ws://{}/ocpp", scene.agr.ocpp());
    let station = ChargingStation::new(&address, "CP-5", [version]).unwrap();
    let router = Router::<Ocpp, Shared>::new()
        .on(on_configuration)
        .on(on_variables)
        .on(on_profile)
        .on(on_composite)
        .with_state(Arc::clone(shared));
    let session = station.connect(router).await.unwrap();
    let csms = session.peer().clone();
    tokio::spawn(session.run());
    if version == Version::V1_6 {
        let mut boot = v16::BootNotificationRequest::new("Takara", "Optimus");
        boot.firmware_version = Some(firmware.to_owned());
        csms.call(boot).await.unwrap();
    } else {
        let mut station = v201::ChargingStation::new("Optimus", "Takara");
        station.firmware_version = Some(firmware.to_owned());
        csms.call(v201::BootNotificationRequest::new(station, v201::BootReason::PowerUp)).await.unwrap();
    }
    csms
}

async fn scene() -> Scene {
    Scene::starting(MORNING, "", &charger()).await
}

/// What is known of it, once this is so.
async fn known(scene: &Scene, what: &str, is_so: impl Fn(&Value) -> bool) -> Value {
    eventually(what, async || scene.agr.record("charger-capability", "CP-5").await.filter(&is_so)).await
}

/// Has a car at it, and an order that begins now.
async fn ordered(scene: &Scene, csms: &Peer) {
    let start = v16::StartTransactionRequest::new(1, "TAG", 0, crate::charger::when(scene.now()));
    csms.call(start).await.unwrap();
    scene.ordered().await;
    scene.agr.settle().await;
    scene.clock.set(at("2026-06-10T09:00:00Z"));
}

#[tokio::test]
async fn a_charger_is_asked_once_for_each_firmware_and_told_what_it_takes() {
    let scene = scene().await;
    let shared = Shared::default();
    {
        let mut conduct = shared.lock().unwrap();
        conduct.values = Some(vec![
            ("ChargeProfileMaxStackLevel", "8"),
            ("ChargingScheduleAllowedChargingRateUnit", "Current"),
            ("ChargingScheduleMaxPeriods", "1"),
            ("NumberOfConnectors", "1"),
        ]);
    }
    connect(&scene, Version::V1_6, &shared, "1").await;
    let capability = known(&scene, "it is asked", |known| known["asked"].is_string()).await;
    assert_eq!((&capability["max_stack_level"], &capability["max_periods"]), (&json!(8), &json!(1)));
    assert_eq!((&capability["amperes"], &capability["watts"]), (&json!(true), &json!(false)));
    assert!(capability["untold"].as_array().unwrap().contains(&json!("MaxChargingProfilesInstalled")));

    let csms = connect(&scene, Version::V1_6, &shared, "1").await;
    ordered(&scene, &csms).await;
    let holds = known(&scene, "it is read back", |known| known["purposes"]["Transaction"] == "Holds");
    assert_eq!(holds.await["purposes"], json!({"Transaction": "Holds"}));
    {
        let conduct = shared.lock().unwrap();
        assert_eq!(conduct.asked, 1, "it said the same when it booted again");
        let profile = conduct.told.last().unwrap();
        assert_eq!(profile["stackLevel"], 8);
        assert_eq!(profile["chargingSchedule"]["chargingRateUnit"], "A");
        assert_eq!(profile["chargingSchedule"]["chargingSchedulePeriod"].as_array().unwrap().len(), 1);
    }
    connect(&scene, Version::V1_6, &shared, "2").await;
    let anew = known(&scene, "it is asked anew", |known| known["booted_as"] == "Takara/Optimus//2").await;
    assert_eq!(anew["purposes"], json!({}), "what the old firmware made of profiles says nothing");
    assert_eq!(shared.lock().unwrap().asked, 2);
}

#[tokio::test]
async fn a_refused_purpose_and_one_without_effect_give_way_to_the_next() {
    let scene = scene().await;
    let shared = Shared::default();
    {
        let mut conduct = shared.lock().unwrap();
        conduct.values = Some(vec![("NumberOfConnectors", "1")]);
        conduct.refuses = vec!["TxProfile"];
        conduct.ignores = vec!["TxDefaultProfile"];
    }
    let csms = connect(&scene, Version::V1_6, &shared, "1").await;
    known(&scene, "it is asked", |known| known["asked"].is_string()).await;
    ordered(&scene, &csms).await;
    let purposes = json!({"Transaction": "Refused", "Default": "WithoutEffect", "Station": "Holds"});
    known(&scene, "the last purpose holds", |known| known["purposes"] == purposes).await;
    let conduct = shared.lock().unwrap();
    assert_eq!(conduct.purposes(), ["TxProfile", "TxDefaultProfile", "ChargePointMaxProfile"]);
    assert_eq!((&conduct.told[1]["connector"], &conduct.told[2]["connector"]), (&json!(1), &json!(0)));
    assert!(conduct.told[1].get("transactionId").is_none() && conduct.told[0].get("transactionId").is_some());
}

#[tokio::test]
async fn a_charger_that_says_nothing_is_told_all_the_same() {
    let scene = scene().await;
    let shared = Shared::default();
    let csms = connect(&scene, Version::V1_6, &shared, "1").await;
    let capability = known(&scene, "it is asked", |known| known["asked"].is_string()).await;
    assert_eq!(capability["untold"].as_array().unwrap().len(), 7);
    ordered(&scene, &csms).await;
    eventually("it is told", async || (!shared.lock().unwrap().told.is_empty()).then_some(())).await;
    let conduct = shared.lock().unwrap();
    assert_eq!((conduct.asked, conduct.purposes()), (1, vec!["TxProfile".to_owned()]));
    assert_eq!(conduct.told[0]["stackLevel"], 0);
}

#[tokio::test]
async fn variables_are_asked_one_by_one_where_all_at_once_are_too_many() {
    let scene = scene().await;
    let shared = Shared::default();
    {
        let mut conduct = shared.lock().unwrap();
        conduct.one_at_a_time = true;
        conduct.values = Some(vec![
            ("Enabled", "true"),
            ("RateUnit", "A,W"),
            ("PeriodsPerSchedule", "16"),
            ("Entries", "4"),
        ]);
    }
    connect(&scene, Version::V2_0_1, &shared, "1").await;
    let capability = known(&scene, "it is asked", |known| known["asked"].is_string()).await;
    assert_eq!((&capability["smart_charging"], &capability["max_periods"]), (&json!(true), &json!(16)));
    assert_eq!((&capability["max_profiles"], &capability["single_evse"]), (&json!(4), &json!(true)));
    assert_eq!((&capability["amperes"], &capability["watts"]), (&json!(true), &json!(true)));
    assert_eq!(shared.lock().unwrap().asked, 10);
}
