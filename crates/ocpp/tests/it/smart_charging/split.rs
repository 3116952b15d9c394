//! Limits of single phases, discharge limits and set-points: whatever is combined, nobody's limit is exceeded.

use serde_json::{Value, json};
use tieline_ocpp::smart_charging::{Evse, Profile, Question, RateUnit, Station, Supply, composite};
use tieline_ocpp::types::Decimal;
use tieline_ocpp::v21;

use super::chance::Chance;
use super::spec::{BASE, instant};

const STACKS: u64 = 20_000;

struct Drawn {
    profile: Profile,
    amperes: bool,
    /// Tenths: one, or one for each phase.
    limits: Vec<i64>,
    discharge: Vec<i64>,
    phases: Option<i32>,
}

fn tenths(tenths: i64) -> Value {
    serde_json::from_str(&Decimal::new(tenths, 1).to_string()).unwrap()
}

fn drawn(chance: &mut Chance, id: i32, purpose: &str) -> Drawn {
    let amperes = chance.one_in(2);
    let scale = if amperes { 1 } else { 300 };
    let count = chance.of(&[1, 3]);
    let limits: Vec<_> = (0..count).map(|_| chance.between(0, 400) * scale).collect();
    let count = chance.of(&[0, 1, 3]);
    let discharge: Vec<_> = (0..count).map(|_| -chance.between(0, 400) * scale).collect();
    let phases = chance.phases();
    let mut period = json!({ "startPeriod": 0 });
    let names =
        [["limit", "limit_L2", "limit_L3"], ["dischargeLimit", "dischargeLimit_L2", "dischargeLimit_L3"]];
    for (names, values) in names.iter().zip([&limits, &discharge]) {
        for (name, value) in names.iter().zip(values) {
            period[name] = tenths(*value);
        }
    }
    if let Some(phases) = phases {
        period["numberPhases"] = phases.into();
    }
    if chance.one_in(2) {
        period["operationMode"] = "CentralSetpoint".into();
        period["setpoint"] = tenths(chance.between(-500, 500) * scale);
    }
    let profile = json!({
        "id": id, "stackLevel": 0, "chargingProfilePurpose": purpose, "chargingProfileKind": "Absolute",
        "chargingSchedule": [{
            "id": 1, "chargingRateUnit": if amperes { "A" } else { "W" },
            "startSchedule": instant(BASE * 1000).to_string(), "chargingSchedulePeriod": [period]
        }]
    });
    let message: v21::ChargingProfile = serde_json::from_value(profile).unwrap();
    Drawn { profile: Profile::from_v21(&message).unwrap(), amperes, limits, discharge, phases }
}

/// Thousandths of a number with at most three digits after the point.
fn thousandths(value: Decimal) -> i64 {
    value.rescale(3).unwrap().mantissa()
}

/// What is told for each phase and for all, in microwatts: exact for every number of three digits times volts.
fn told(
    limit: Decimal,
    l2: Option<Decimal>,
    l3: Option<Decimal>,
    unit: RateUnit,
    phases: i64,
) -> (Vec<i64>, i64) {
    const VOLTS: i64 = 230;
    let factor = if unit == RateUnit::A { VOLTS } else { 1 };
    match (l2, l3, unit) {
        (Some(l2), Some(l3), _) => {
            let each: Vec<_> =
                [limit, l2, l3].iter().map(|limit| thousandths(*limit) * factor * phases).collect();
            // The sum of as many phases as are used, at most that of the greatest.
            let mut sorted = each.clone();
            sorted.sort_unstable_by_key(|value| -value.abs());
            let used = usize::try_from(phases).unwrap();
            let sum = sorted.iter().take(used).sum::<i64>() / phases;
            (each, sum)
        }
        (_, _, RateUnit::A) => {
            (vec![thousandths(limit) * factor * phases; 3], thousandths(limit) * factor * phases)
        }
        (_, _, RateUnit::W) => (vec![thousandths(limit); 3], thousandths(limit)),
    }
}

/// Whether what is told is within one profile's limits, `side` being 1 for charging and -1 for discharging.
fn keeps(values: &[i64], amperes: bool, told: &(Vec<i64>, i64), phases: i64, side: i64) -> bool {
    const VOLTS: i64 = 230;
    let (each, sum) = told;
    // Everything times the number of phases, so that a share of a total is a whole number.
    let own = |tenths: i64| tenths * 100 * if amperes { VOLTS } else { 1 } * phases * side;
    match values {
        [] => true,
        [one] if amperes => each.iter().all(|each| each * side <= own(*one)),
        [one] => sum * side <= one * 100 * side,
        all => each.iter().zip(all).all(|(each, value)| each * side <= own(*value)),
    }
}

#[test]
fn nobodys_limit_is_exceeded_on_any_phase() {
    let mut chance = Chance::new(0x5717_0001);
    let mut split = 0;
    for stack in 0..STACKS {
        let profiles: Vec<_> =
            ["TxDefaultProfile", "ChargingStationMaxProfile", "ChargingStationExternalConstraints"]
                .into_iter()
                .zip(1..)
                .map(|(purpose, id)| drawn(&mut chance, id, purpose))
                .collect();
        let station = Station {
            evses: vec![Evse::new(1)],
            supply: Some(Supply::new(Decimal::from_i64(230), 3).unwrap()),
            ..Station::default()
        };
        let installed: Vec<_> = profiles.iter().map(|one| (0, &one.profile)).collect();
        let unit = chance.of(&[RateUnit::A, RateUnit::W]);
        let question = Question::new(1, instant(BASE * 1000), 60).in_unit(unit);
        let composite = composite(&installed, &station, &question).unwrap();
        let period = &composite.periods[0];
        let phases = i64::from(profiles.iter().filter_map(|one| one.phases).min().unwrap_or(3));
        split += u64::from(period.limits.l2.is_some());
        let charge = told(period.limits.limit.unwrap(), period.limits.l2, period.limits.l3, unit, phases);
        let discharge = period
            .discharge
            .limit
            .map(|limit| told(limit, period.discharge.l2, period.discharge.l3, unit, phases));
        for one in &profiles {
            let (limits, profile) = (&one.limits, &one.profile);
            let kept = keeps(limits, one.amperes, &charge, phases, 1);
            assert!(kept, "stack {stack}: {limits:?} of {profile:?} in {composite:?}");
            let kept = match &discharge {
                Some(discharge) => keeps(&one.discharge, one.amperes, discharge, phases, -1),
                None => one.discharge.is_empty(),
            };
            assert!(kept, "stack {stack}: {:?} of {profile:?} in {composite:?}", one.discharge);
        }
        if let Some(setpoint) = period.carried.as_ref().and_then(|carried| carried.setpoint) {
            assert!(setpoint <= period.limits.limit.unwrap(), "stack {stack}: {composite:?}");
            assert!(
                period.discharge.limit.is_none_or(|least| setpoint >= least),
                "stack {stack}: {composite:?}"
            );
        }
    }
    assert!(split > STACKS / 4, "many stacks have limits of single phases: {split}");
}
