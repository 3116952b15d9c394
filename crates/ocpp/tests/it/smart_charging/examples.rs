//! Examples of the standards, and one test for each choice where they are silent.

use tieline_ocpp::smart_charging::{
    Composite, CompositeError, Evse, Limits, Profile, Question, RateUnit, Rating, Station, Supply,
    Transaction, answer, composite,
};
use tieline_ocpp::types::{DateTime, Decimal};
use tieline_ocpp::{Version, v16, v21};

fn at(text: &str) -> DateTime {
    text.parse().unwrap()
}

fn decimal(text: &str) -> Decimal {
    text.parse().unwrap()
}

const VERSIONS: [Version; 3] = [Version::V1_6, Version::V2_0_1, Version::V2_1];

/// A profile as 1.6 writes it, in the words of a version.
fn read_as(version: Version, mut profile: serde_json::Value) -> Profile {
    if version == Version::V1_6 {
        return Profile::from_v16(&serde_json::from_value(profile).unwrap()).unwrap();
    }
    let members = profile.as_object_mut().unwrap();
    let id = members.remove("chargingProfileId").unwrap();
    members.insert("id".to_owned(), id);
    if members["chargingProfilePurpose"] == "ChargePointMaxProfile" {
        members.insert("chargingProfilePurpose".to_owned(), "ChargingStationMaxProfile".into());
    }
    let mut schedule = members.remove("chargingSchedule").unwrap();
    schedule["id"] = 1.into();
    members.insert("chargingSchedule".to_owned(), vec![schedule].into());
    match version {
        Version::V2_0_1 => Profile::from_v201(&serde_json::from_value(profile).unwrap()).unwrap(),
        _ => read_21(profile),
    }
}

fn read_21(profile: serde_json::Value) -> Profile {
    Profile::from_v21(&serde_json::from_value(profile).unwrap()).unwrap()
}

fn station(start: &str) -> Station {
    Station {
        evses: vec![Evse::new(1).with_transaction(Transaction::new("1", at(start))), Evse::new(2)],
        supply: Some(Supply::new(Decimal::from_i64(230), 3).unwrap()),
        ..Station::default()
    }
}

fn steps(composite: &Composite) -> Vec<(i64, Option<Decimal>)> {
    composite.periods.iter().map(|period| (period.start, period.limits.limit)).collect()
}

fn limits(steps: &[(i64, &str)]) -> Vec<(i64, Option<Decimal>)> {
    steps.iter().map(|(start, limit)| (*start, Some(decimal(limit)))).collect()
}

/// The example of 1.6 (edition 2, §3.13.7), in every version: a default for every day, with less power from 8 to 20 h.
#[test]
fn a_daily_default() {
    let profile = |version| {
        read_as(
            version,
            serde_json::json!({
                "chargingProfileId": 100, "stackLevel": 0, "chargingProfilePurpose": "TxDefaultProfile",
                "chargingProfileKind": "Recurring", "recurrencyKind": "Daily",
                "chargingSchedule": {
                    "duration": 86400, "startSchedule": "2013-01-01T00:00:00Z", "chargingRateUnit": "W",
                    "chargingSchedulePeriod": [
                        { "startPeriod": 0, "limit": 11000, "numberPhases": 3 },
                        { "startPeriod": 28800, "limit": 6000, "numberPhases": 3 },
                        { "startPeriod": 72000, "limit": 11000, "numberPhases": 3 }
                    ]
                }
            }),
        )
    };
    let question = Question::new(1, at("2026-06-01T06:00:00Z"), 86_400);
    let told =
        |version| composite(&[(0, &profile(version))], &station("2026-06-01T05:00:00Z"), &question).unwrap();
    for version in VERSIONS {
        let told = told(version);
        assert_eq!(steps(&told), limits(&[(0, "11000"), (7200, "6000"), (50_400, "11000")]), "{version}");
        assert_eq!(told.unit, RateUnit::W, "without a unit in the question it is the profile's");
    }
    let told = told(Version::V1_6);
    let told = answer::v16(&Ok(told)).charging_schedule.unwrap();
    assert_eq!(told.start_schedule, Some(question.start));
    assert_eq!(told.duration, Some(86_400));
    assert_eq!(
        told.charging_schedule_period[1],
        v16::ChargingSchedulePeriod::new(7200, 6000).with_number_phases(3)
    );
}

const HOUR: i64 = 3600;

/// Full power from 23 to 6 h on weekdays and all day at the weekend, less at other times; a schedule of one week that begins
/// on a Monday, and comes again each week.
fn week(version: Version) -> Profile {
    let mut periods = vec![(0, 11_000)];
    for day in 0..5 {
        periods.push((24 * day + 6, 4000));
        periods.push((24 * day + 23, 11_000));
    }
    let periods: Vec<_> = periods
        .into_iter()
        .map(|(hour, limit)| serde_json::json!({ "startPeriod": HOUR * hour, "limit": limit }))
        .collect();
    read_as(
        version,
        serde_json::json!({
            "chargingProfileId": 0, "stackLevel": 0, "chargingProfilePurpose": "TxDefaultProfile",
            "chargingProfileKind": "Recurring", "recurrencyKind": "Weekly",
            "chargingSchedule": {
                "duration": 7 * 24 * HOUR, "startSchedule": "2026-01-05T00:00:00Z", "chargingRateUnit": "W",
                "chargingSchedulePeriod": periods
            }
        }),
    )
}

/// The calendar that 1.6 describes (edition 2, §3.13.2), and 2.x after it: a week, and on top of it a profile for a holiday, here Whit Monday.
#[test]
fn a_week_with_an_exception_for_a_holiday() {
    for version in VERSIONS {
        week_with_a_holiday(version);
    }
}

fn week_with_a_holiday(version: Version) {
    let week = week(version);
    let holiday = read_as(
        version,
        serde_json::json!({
            "chargingProfileId": 1, "stackLevel": 1, "chargingProfilePurpose": "TxDefaultProfile",
            "chargingProfileKind": "Absolute", "validFrom": "2026-05-25T00:00:00Z", "validTo": "2026-05-26T00:00:00Z",
            "chargingSchedule": {
                "startSchedule": "2026-05-25T00:00:00Z", "chargingRateUnit": "W",
                "chargingSchedulePeriod": [{ "startPeriod": 0, "limit": 11_000 }]
            }
        }),
    );
    let from_friday = Question::new(1, at("2026-05-22T12:00:00Z"), 5 * 86_400);
    let station = station("2026-05-22T11:00:00Z");
    let friday_evening = (11 * HOUR, "11000");
    let told = composite(&[(0, &week)], &station, &from_friday).unwrap();
    let with_monday = [
        (0, "4000"),
        friday_evening,
        (66 * HOUR, "4000"),
        (83 * HOUR, "11000"),
        (90 * HOUR, "4000"),
        (107 * HOUR, "11000"),
        (114 * HOUR, "4000"),
    ];
    assert_eq!(steps(&told), limits(&with_monday));
    let told = composite(&[(0, &week), (0, &holiday)], &station, &from_friday).unwrap();
    let with_holiday =
        [(0, "4000"), friday_evening, (90 * HOUR, "4000"), (107 * HOUR, "11000"), (114 * HOUR, "4000")];
    assert_eq!(steps(&told), limits(&with_holiday));
}

/// A schedule that is shorter than its recurrence leaves the rest of the day to a lower level, or to no profile at all; what is
/// longer than the recurrence is not executed (errata 4.0 §3.43).
#[test]
fn the_rest_of_a_day_falls_back() {
    for version in VERSIONS {
        rest_of_a_day(version);
    }
}

fn rest_of_a_day(version: Version) {
    let daily = |level: i32, duration: i64, periods: serde_json::Value| {
        read_as(
            version,
            serde_json::json!({
                "chargingProfileId": level, "stackLevel": level, "chargingProfilePurpose": "TxDefaultProfile",
                "chargingProfileKind": "Recurring", "recurrencyKind": "Daily",
                "chargingSchedule": {
                    "duration": duration, "startSchedule": "2026-01-01T18:00:00Z", "chargingRateUnit": "A",
                    "chargingSchedulePeriod": periods
                }
            }),
        )
    };
    let evening = daily(1, 3 * HOUR, serde_json::json!([{ "startPeriod": 0, "limit": 8 }]));
    let long = [(0, 10), (20 * HOUR, 12), (30 * HOUR, 32)];
    let long: Vec<_> = long
        .iter()
        .map(|(start, limit)| serde_json::json!({ "startPeriod": start, "limit": limit }))
        .collect();
    let all_day = daily(0, 40 * HOUR, long.into());
    let question = Question::new(1, at("2026-06-01T17:00:00Z"), 86_400);
    let station = station("2026-06-01T16:00:00Z");

    let told = composite(&[(0, &evening)], &station, &question).unwrap();
    assert_eq!(steps(&told), [(0, None), (HOUR, Some(decimal("8"))), (4 * HOUR, None)]);
    let told = composite(&[(0, &evening), (0, &all_day)], &station, &question).unwrap();
    let expected = [(0, "12"), (HOUR, "8"), (4 * HOUR, "10"), (21 * HOUR, "12")];
    assert_eq!(steps(&told), limits(&expected));
}

/// Purposes are merged by their lowest value, whatever the lengths of their intervals (edition 2, §3.13.3).
#[test]
fn purposes_are_merged_by_their_lowest_value() {
    for version in VERSIONS {
        merged(version);
    }
}

fn merged(version: Version) {
    let profile = |purpose: &str, periods: serde_json::Value| {
        read_as(
            version,
            serde_json::json!({
                "chargingProfileId": 1, "stackLevel": 0, "chargingProfilePurpose": purpose,
                "chargingProfileKind": "Absolute",
                "chargingSchedule": {
                    "startSchedule": NOON, "chargingRateUnit": "A", "chargingSchedulePeriod": periods
                }
            }),
        )
    };
    let max = profile(
        "ChargePointMaxProfile",
        serde_json::json!([{ "startPeriod": 0, "limit": 20 }, { "startPeriod": 500, "limit": 10 }]),
    );
    let default = profile(
        "TxDefaultProfile",
        serde_json::json!([
            { "startPeriod": 0, "limit": 16 },
            { "startPeriod": 300, "limit": 32 },
            { "startPeriod": 700, "limit": 6 }
        ]),
    );
    let told =
        composite(&[(0, &max), (0, &default)], &station(NOON), &Question::new(1, at(NOON), 900)).unwrap();
    assert_eq!(steps(&told), limits(&[(0, "16"), (300, "20"), (500, "10"), (700, "6")]));
}

fn absolute(purpose: &str, level: i32, duration: Option<i32>, periods: &[(i32, i64, i32)]) -> Profile {
    let periods: Vec<_> = periods
        .iter()
        .map(|(start, limit, phases)| {
            serde_json::json!({ "startPeriod": start, "limit": limit, "numberPhases": phases })
        })
        .collect();
    let mut schedule = serde_json::json!({
        "id": 1, "chargingRateUnit": "A", "startSchedule": "2026-06-01T12:00:00Z", "chargingSchedulePeriod": periods
    });
    if let Some(duration) = duration {
        schedule["duration"] = duration.into();
    }
    let mut profile = serde_json::json!({
        "id": 1, "stackLevel": level, "chargingProfilePurpose": purpose, "chargingProfileKind": "Absolute",
        "chargingSchedule": [schedule]
    });
    if purpose == "TxProfile" {
        profile["transactionId"] = "1".into();
    }
    read_21(profile)
}

const NOON: &str = "2026-06-01T12:00:00Z";

#[test]
fn a_schedule_that_has_ended_leaves_the_place_to_a_lower_level() {
    let short = absolute("TxDefaultProfile", 5, Some(60), &[(0, 6, 3)]);
    let long = absolute("TxDefaultProfile", 0, None, &[(0, 16, 3)]);
    let question = Question::new(1, at(NOON), 120);
    let told = composite(&[(0, &short), (0, &long)], &station(NOON), &question).unwrap();
    assert_eq!(steps(&told), limits(&[(0, "6"), (60, "16")]));
}

#[test]
fn ten_amperes_on_three_phases_keep_sixteen_on_one_to_ten_on_one() {
    let max = absolute("ChargingStationMaxProfile", 0, None, &[(0, 10, 3)]);
    let own = absolute("TxProfile", 0, None, &[(0, 16, 1)]);
    let installed = [(0, &max), (1, &own)];
    let amperes = Question::new(1, at(NOON), 60).in_unit(RateUnit::A);
    let told = composite(&installed, &station(NOON), &amperes).unwrap();
    assert_eq!(steps(&told), limits(&[(0, "10")]));
    assert_eq!(told.periods[0].number_phases, Some(1));
    let told = composite(&installed, &station(NOON), &amperes.in_unit(RateUnit::W)).unwrap();
    assert_eq!(steps(&told), limits(&[(0, "2300")]));
}

#[test]
fn the_whole_station_is_the_sum_within_its_maximum() {
    let max = absolute("ChargingStationMaxProfile", 0, Some(60), &[(0, 25, 3)]);
    let default = absolute("TxDefaultProfile", 0, None, &[(0, 16, 3)]);
    let question = Question::new(0, at(NOON), 120);
    let told = composite(&[(0, &max), (0, &default)], &station(NOON), &question).unwrap();
    assert_eq!(steps(&told), limits(&[(0, "25"), (60, "32")]));
}

#[test]
fn a_limit_that_cannot_be_converted_is_an_error() {
    let own = absolute("TxProfile", 0, None, &[(0, 16, 1)]);
    let unknown = Station { supply: None, ..station(NOON) };
    let watts = Question::new(1, at(NOON), 60).in_unit(RateUnit::W);
    let told = composite(&[(1, &own)], &unknown, &watts);
    assert_eq!(told, Err(CompositeError::Unconvertible { profile: 1 }));
    let rejected = answer::v21(&told);
    assert_eq!(rejected.status, v21::GenericStatus::Rejected);
    assert_eq!(rejected.status_info.unwrap().reason_code, "UnsupportedRateUnit");
}

#[test]
fn without_any_limit_the_rating_is_told_or_the_question_rejected() {
    let mut station = station(NOON);
    let question = Question::new(2, at(NOON), 60).in_unit(RateUnit::A);
    let told = composite(&[], &station, &question);
    assert_eq!(steps(told.as_ref().unwrap()), [(0, None)]);
    assert_eq!(answer::v16(&told).status, v16::GetCompositeScheduleStatus::Rejected);
    assert_eq!(answer::v21(&told).status, v21::GenericStatus::Rejected);

    station.evses[1].rating =
        Some(Rating { limit: Decimal::from_i64(11_040), unit: RateUnit::W, number_phases: None });
    let told = composite(&[], &station, &question).unwrap();
    assert_eq!(steps(&told), limits(&[(0, "16")]));
}

#[test]
fn an_unknown_evse_and_an_empty_duration_are_errors() {
    let ask = |evse, duration| composite(&[], &station(NOON), &Question::new(evse, at(NOON), duration));
    assert_eq!(ask(3, 60), Err(CompositeError::UnknownEvse(3)));
    assert_eq!(ask(-1, 60), Err(CompositeError::UnknownEvse(-1)));
    assert_eq!(ask(1, 0), Err(CompositeError::Duration(0)));
    assert_eq!(ask(1, -5), Err(CompositeError::Duration(-5)));
}

fn period_21(purpose: &str, period: &serde_json::Value) -> Profile {
    read_21(serde_json::json!({
        "id": 2, "stackLevel": 0, "chargingProfilePurpose": purpose, "chargingProfileKind": "Absolute",
        "chargingSchedule": [{
            "id": 1, "chargingRateUnit": "W", "startSchedule": NOON, "chargingSchedulePeriod": [period]
        }]
    }))
}

#[test]
fn phases_with_limits_of_their_own_are_compared_one_by_one() {
    let split = serde_json::json!({ "startPeriod": 0, "limit": 2300, "limit_L2": 1150, "limit_L3": 4600 });
    let split = period_21("TxDefaultProfile", &split);
    let max = absolute("ChargingStationMaxProfile", 0, None, &[(0, 10, 3)]);
    let question = Question::new(1, at(NOON), 60);
    let told = composite(&[(1, &split), (0, &max)], &station(NOON), &question).unwrap();
    let mut expected = Limits::uniform(Some(decimal("2300")));
    (expected.l2, expected.l3) = (Some(decimal("1150")), Some(decimal("2300")));
    assert_eq!(told.periods[0].limits, expected);

    let amperes =
        composite(&[(1, &split), (0, &max)], &station(NOON), &question.in_unit(RateUnit::A)).unwrap();
    let told_201 = answer::v201(&Ok(amperes)).schedule.unwrap();
    assert_eq!(
        told_201.charging_schedule_period[0].limit,
        decimal("5"),
        "one number for all is that of the least"
    );
}

#[test]
fn a_set_point_stays_within_the_limits_and_in_the_unit_of_the_answer() {
    let period = serde_json::json!({
        "startPeriod": 0, "operationMode": "CentralSetpoint", "setpoint": -9200, "dischargeLimit": -6900, "limit": 11040
    });
    let v2x = period_21("TxDefaultProfile", &period);
    let question = Question::new(1, at(NOON), 60).in_unit(RateUnit::A);
    let told = answer::v21(&composite(&[(1, &v2x)], &station(NOON), &question)).schedule.unwrap();
    let told = &told.charging_schedule_period[0];
    assert_eq!(told.operation_mode, Some(v21::OperationMode::CentralSetpoint));
    assert_eq!(told.limit, Some(decimal("16")));
    assert_eq!(told.discharge_limit, Some(decimal("-10")));
    assert_eq!(told.setpoint, Some(decimal("-10")));
}

#[test]
fn what_is_cut_is_cut_towards_zero_on_both_sides() {
    let period = serde_json::json!({ "startPeriod": 0, "limit": 1000, "dischargeLimit": -1000 });
    let v2x = period_21("TxDefaultProfile", &period);
    let question = Question::new(1, at(NOON), 60).in_unit(RateUnit::A);
    let told = composite(&[(1, &v2x)], &station(NOON), &question).unwrap();
    // 1000 W on three phases of 230 V are 1.4492… A.
    assert_eq!(told.periods[0].limits.limit, Some(decimal("1.449")));
    assert_eq!(told.periods[0].discharge.limit, Some(decimal("-1.449")));
    let told = answer::v201(&Ok(told)).schedule.unwrap();
    assert_eq!(told.charging_schedule_period[0].limit, decimal("1.4"));
}

#[test]
fn a_mode_without_limit_leads_and_limits_nothing() {
    let period = serde_json::json!({ "startPeriod": 0, "operationMode": "ExternalLimits" });
    let mut free = period_21("TxDefaultProfile", &period);
    free.stack_level = 3;
    let limited = absolute("TxDefaultProfile", 0, None, &[(0, 6, 3)]);
    let question = Question::new(1, at(NOON), 60);
    let told = composite(&[(1, &free), (1, &limited)], &station(NOON), &question).unwrap();
    assert_eq!(steps(&told), [(0, None)]);
    let told = answer::v21(&Ok(told));
    assert_eq!(told.status, v21::GenericStatus::Accepted);
    assert_eq!(told.schedule.unwrap().charging_schedule_period[0].limit, None);
}
