//! What the station tells of charging: needs, plans, limits from elsewhere.

use serde_json::{Value, json};
use tieline_ocpp::Version;
use tieline_ocpp::charge_point::{ChargingError, IdToken};
use tieline_ocpp::v21::{ChargingNeeds, ChargingProfile, ChargingSchedule, NotifyEVChargingNeedsStatus};

use super::world::World;

const VERSIONS: [Version; 2] = [Version::V2_0_1, Version::V2_1];

fn needs() -> ChargingNeeds {
    serde_json::from_value(json!({
        "requestedEnergyTransfer": "AC_three_phase", "departureTime": "2026-06-01T18:00:00Z", "controlMode": "ScheduledControl",
        "acChargingParameters": {"energyAmount": 30000, "evMinCurrent": 6, "evMaxCurrent": 32, "evMaxVoltage": 230},
    }))
    .unwrap()
}

fn schedule(unit: &str) -> ChargingSchedule {
    let periods = json!([{"startPeriod": 0, "limit": 7000}, {"startPeriod": 3600, "limit": 0}]);
    serde_json::from_value(json!({"id": 1, "chargingRateUnit": unit, "chargingSchedulePeriod": periods}))
        .unwrap()
}

fn limit(id: i32, amperes: i32) -> Value {
    let periods = json!([{"startPeriod": 0, "limit": amperes}]);
    let schedule = json!({"id": 1, "chargingRateUnit": "A", "chargingSchedulePeriod": periods, "startSchedule": "2026-06-01T09:00:00Z"});
    json!({"id": id, "stackLevel": 0, "chargingProfilePurpose": "ChargingStationExternalConstraints",
        "chargingProfileKind": "Absolute", "chargingSchedule": [schedule]})
}

fn profile(value: Value) -> ChargingProfile {
    serde_json::from_value(value).unwrap()
}

#[tokio::test]
async fn the_csms_hears_what_a_vehicle_needs_and_plans() {
    for version in VERSIONS {
        let world = World::start(version).await;
        let (point, csms) = (&world.point, &world.csms);
        csms.answer("NotifyEVChargingNeeds", [Ok(json!({"status": "Processing"}))]);
        let status = point.notify_charging_needs(1, needs(), Some(24)).await.unwrap();
        assert_eq!(status, NotifyEVChargingNeedsStatus::Processing);
        let told = csms.heard("NotifyEVChargingNeeds", 1).await;
        assert_eq!((&told["evseId"], &told["maxScheduleTuples"]), (&json!(1), &json!(24)));
        assert_eq!(told["chargingNeeds"]["acChargingParameters"]["energyAmount"], 30000);
        // 2.0.1 does not know it.
        assert_eq!(told["chargingNeeds"].get("controlMode").is_some(), version == Version::V2_1);
        csms.answer(
            "NotifyEVChargingSchedule",
            [Ok(json!({"status": "Accepted"})), Ok(json!({"status": "Rejected"}))],
        );
        let base = point.link().now();
        assert!(point.notify_charging_schedule(1, base, schedule("W"), None).await.unwrap());
        assert!(!point.notify_charging_schedule(1, base, schedule("W"), Some(1)).await.unwrap());
        let told = csms.heard("NotifyEVChargingSchedule", 2).await;
        assert_eq!(told["chargingSchedule"]["chargingSchedulePeriod"][1]["startPeriod"], 3600);
        let wrong = point.notify_charging_schedule(1, base, schedule("A"), None).await;
        assert!(matches!(wrong, Err(ChargingError::NotInWatts)));
    }
    let world = World::start(Version::V1_6).await;
    assert!(matches!(world.point.notify_charging_needs(1, needs(), None).await, Err(ChargingError::Version)));
}

#[tokio::test]
async fn limits_from_elsewhere_are_obeyed_and_told() {
    for version in VERSIONS {
        let world = World::start(version).await;
        let (point, csms) = (&world.point, &world.csms);
        point.plug_in(1);
        point.present(1, IdToken::card("A")).await;
        csms.heard("TransactionEvent", 1).await;
        point.set_external_limit(0, "EMS", profile(limit(-1, 10)), true).unwrap();
        world.limited("A 10").await;
        let told = csms.heard("NotifyChargingLimit", 1).await;
        assert_eq!(told["chargingLimit"]["chargingLimitSource"], "EMS");
        assert_eq!(told["chargingLimit"]["isGridCritical"], true);
        assert_eq!(told["chargingSchedule"][0]["chargingSchedulePeriod"][0]["limit"], 10);
        assert_eq!(csms.heard("TransactionEvent", 2).await["triggerReason"], "ChargingRateChanged");
        let quiet = json!({"component": {"name": "SmartChargingCtrlr"}, "variable": {"name": "NotifyChargingLimitWithSchedules"}, "attributeValue": "false"});
        csms.call("SetVariables", json!({"setVariableData": [quiet]})).await.unwrap();
        point.set_external_limit(0, "EMS", profile(limit(-1, 8)), false).unwrap();
        world.limited("A 8").await;
        assert!(csms.heard("NotifyChargingLimit", 2).await.get("chargingSchedule").is_none());
        assert!(point.clear_external_limit(0, "EMS"));
        assert!(!point.clear_external_limit(0, "EMS"));
        world.limited("free").await;
        assert_eq!(csms.heard("ClearedChargingLimit", 1).await["chargingLimitSource"], "EMS");
        let mut odd = limit(-2, 8);
        odd["chargingSchedule"][0]["chargingSchedulePeriod"][0]["limit_L2"] = json!(6);
        let refused = point.set_external_limit(1, "EMS", profile(odd), false);
        assert_eq!(
            matches!(refused, Err(ChargingError::Unsayable(_))),
            version == Version::V2_0_1,
            "{refused:?}"
        );
        let mut of_csms = limit(-3, 8);
        of_csms["chargingProfilePurpose"] = json!("TxDefaultProfile");
        assert!(matches!(
            point.set_external_limit(1, "EMS", profile(of_csms), false),
            Err(ChargingError::Limit(_))
        ));
    }
    let world = World::start(Version::V1_6).await;
    let refused = world.point.set_external_limit(0, "EMS", profile(limit(-1, 10)), true);
    assert!(matches!(refused, Err(ChargingError::Version)));
}

#[tokio::test]
async fn a_limit_that_came_while_offline_is_told_later() {
    let world = World::start(Version::V2_1).await;
    world.csms.cut().await;
    world.point.set_external_limit(1, "SO", profile(limit(-1, 10)), true).unwrap();
    assert_eq!(world.csms.heard("NotifyChargingLimit", 1).await["evseId"], 1);
}
