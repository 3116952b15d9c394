//! Charging profiles on both versions.

use jiff::{SignedDuration, Timestamp};
use tieline_ocpp::types::{DateTime, Decimal};
use tieline_ocpp::{Version, v16, v201};
use tieline_sim::{
    Behaviour, Fleet, Outcome, PopulationConfig, RateUnit, SessionOutcome, SiteKind, VOLTAGE, Violation,
};
use tieline_types::Power;

use crate::day::{Day, assert_told};

/// Limits a session to so many amperes per phase of its charger from `start` on, an hour long if it ends at all.
async fn limit(day: &Day, session: &SessionOutcome, start: Timestamp, amperes: i64, ends: bool) -> bool {
    let charger = &day.population.chargers()[session.spec.charger];
    let peer = day.server.peer(&session.charger).unwrap();
    let watts = amperes * VOLTAGE * i64::from(charger.phases.min(session.spec.vehicle.phases));
    let limit = Decimal::from(if charger.unit == RateUnit::Watts { watts } else { amperes });
    let start = Some(DateTime::from_timestamp(start));
    if charger.version == Version::V1_6 {
        let unit =
            if charger.unit == RateUnit::Watts { v16::ChargingRateUnit::W } else { v16::ChargingRateUnit::A };
        let mut schedule = v16::ChargingSchedule::new(unit, vec![v16::ChargingSchedulePeriod::new(0, limit)]);
        schedule.duration = ends.then_some(3600);
        schedule.start_schedule = start;
        let (purpose, kind) = (v16::ChargingProfilePurpose::TxProfile, v16::ChargingProfileKind::Absolute);
        let mut profile = v16::ChargingProfile::new(1, 0, purpose, kind, schedule);
        profile.transaction_id = session.number;
        let answer = peer.call(v16::SetChargingProfileRequest::new(1, profile)).await.unwrap();
        answer.status == v16::ChargingProfileStatus::Accepted
    } else {
        let unit = if charger.unit == RateUnit::Watts {
            v201::ChargingRateUnit::W
        } else {
            v201::ChargingRateUnit::A
        };
        let periods = vec![v201::ChargingSchedulePeriod::new(0, limit)];
        let mut schedule = v201::ChargingSchedule::new(1, unit, periods);
        schedule.duration = ends.then_some(3600);
        schedule.start_schedule = start;
        let (purpose, kind) = (v201::ChargingProfilePurpose::TxProfile, v201::ChargingProfileKind::Absolute);
        let mut profile = v201::ChargingProfile::new(1, 0, purpose, kind, vec![schedule]);
        profile.transaction_id = Some(session.transaction.clone());
        let answer = peer.call(v201::SetChargingProfileRequest::new(1, profile)).await.unwrap();
        answer.status == v201::ChargingProfileStatus::Accepted
    }
}

/// Those who stay until then and would not be full within two hours.
fn hungry(day: &Day, outcome: &Outcome, until: Timestamp) -> Vec<SessionOutcome> {
    let hungry = outcome.sessions.iter().filter(|session| {
        let charger = &day.population.chargers()[session.spec.charger];
        let maximum = session.spec.vehicle.maximum(charger.phases, charger.maximum_current);
        let two_hours = maximum.for_duration(SignedDuration::from_mins(130)).unwrap();
        !session.ended && session.spec.departure() > until && session.missing() > two_hours
    });
    hungry.cloned().collect()
}

/// Forty chargers in streets: in the evening there are cars that come hungry and stay.
fn street() -> Day {
    Day::of(PopulationConfig::amsterdam(40).only(SiteKind::Street))
}

async fn in_the_evening(day: &Day, fleet: &Fleet) -> Vec<SessionOutcome> {
    fleet.ready().await;
    day.run_until(day.hour(19)).await;
    hungry(day, &fleet.outcome(), day.hour(22))
}

fn power_at(session: &SessionOutcome, at: Timestamp) -> Power {
    let segments = session.trace.segments().iter();
    segments.filter(|segment| segment.span.contains(at)).map(|one| one.power).next().unwrap_or(Power::ZERO)
}

fn after(outcome: &Outcome, session: &SessionOutcome) -> SessionOutcome {
    outcome.sessions.iter().find(|one| one.transaction == session.transaction).unwrap().clone()
}

#[tokio::test]
async fn limits_apply_from_their_start_to_their_end_on_both_versions_and_units() {
    let day = street();
    let fleet = day.fleet(&[]);
    let sessions = in_the_evening(&day, &fleet).await;
    let versions: Vec<_> =
        sessions.iter().map(|one| day.population.chargers()[one.spec.charger].version).collect();
    assert!(versions.contains(&Version::V1_6) && versions.contains(&Version::V2_0_1), "{versions:?}");
    let (start, minute) = (day.hour(20), SignedDuration::from_mins(1));
    for session in &sessions {
        assert!(limit(&day, session, start, 8, true).await);
    }
    day.run_until(day.hour(22)).await;
    let outcome = fleet.stop().await;
    for session in &sessions {
        let session = after(&outcome, session);
        let charger = &day.population.chargers()[session.spec.charger];
        let phases = i64::from(charger.phases.min(session.spec.vehicle.phases));
        let maximum = session.spec.vehicle.maximum(charger.phases, charger.maximum_current);
        let limited = Power::from_watts(8 * VOLTAGE * phases);
        assert_eq!(power_at(&session, start - minute), maximum, "{session:?}");
        assert_eq!(power_at(&session, start), limited);
        assert_eq!(power_at(&session, start + minute * 59), limited);
        assert_eq!(power_at(&session, start + minute * 60), maximum);
        let limits: Vec<_> = session.limits.iter().map(|one| (one.at, one.limit)).collect();
        assert_eq!(limits, [(start, Some(limited)), (start + minute * 60, None)]);
        assert!(session.violations.is_empty());
    }
    assert_told(&day.server.book, &outcome, &day);
}

#[tokio::test]
async fn what_no_car_can_follow_and_what_never_ends_is_found() {
    let day = street();
    let fleet = day.fleet(&[]);
    let session = in_the_evening(&day, &fleet).await.remove(0);
    assert!(limit(&day, &session, day.hour(19), 5, false).await);
    day.run_until(day.hour(20)).await;
    let outcome = after(&fleet.stop().await, &session);
    assert_eq!(power_at(&outcome, day.hour(19)), Power::ZERO);
    assert_eq!(
        outcome.violations,
        [
            Violation::WithoutEnd { at: day.hour(19), profile: 1 },
            Violation::BelowMinimum { at: day.hour(19), milliamperes: 5000, profile: 1 }
        ]
    );
}

#[tokio::test]
async fn those_who_refuse_say_so_and_those_who_ignore_do_not() {
    for (behaviour, accepts) in [(Behaviour::Refuses, false), (Behaviour::Ignores, true)] {
        let day = street();
        let fleet = day.fleet(&vec![behaviour; 40]);
        let sessions = in_the_evening(&day, &fleet).await;
        for session in &sessions {
            assert_eq!(limit(&day, session, day.hour(20), 8, true).await, accepts);
        }
        day.run_until(day.hour(21)).await;
        let outcome = fleet.stop().await;
        assert!(outcome.sessions.iter().all(|session| session.limits.is_empty()));
        let told: u64 = outcome.chargers.iter().map(|charger| charger.profiles).sum();
        assert_eq!(told, sessions.len() as u64);
    }
}

#[tokio::test]
async fn a_limit_can_be_read_back_and_cleared() {
    let day = street();
    let fleet = day.fleet(&[]);
    let sessions = in_the_evening(&day, &fleet).await;
    for session in &sessions {
        assert!(limit(&day, session, day.hour(19), 8, true).await);
        let charger = &day.population.chargers()[session.spec.charger];
        let peer = day.server.peer(&session.charger).unwrap();
        let watts = |amperes: i64| Decimal::from(amperes * VOLTAGE * i64::from(charger.phases));
        let phases = charger.phases.min(session.spec.vehicle.phases);
        // A limit in watts was meant for the car's phases, one in amperes is for each phase.
        let limited = if charger.unit == RateUnit::Watts {
            Decimal::from(8 * VOLTAGE * i64::from(phases))
        } else {
            watts(8)
        };
        let expected = [(0, limited), (3600, watts(charger.maximum_current.into()))];
        let (read, cleared) = if charger.version == Version::V1_6 {
            let mut read = v16::GetCompositeScheduleRequest::new(1, 7200);
            read.charging_rate_unit = Some(v16::ChargingRateUnit::W);
            let read = peer.call(read).await.unwrap().charging_schedule.unwrap();
            let mut clear = v16::ClearChargingProfileRequest::new();
            clear.id = Some(1);
            let cleared = peer.call(clear).await.unwrap().status == v16::ClearChargingProfileStatus::Accepted;
            let periods = read.charging_schedule_period.iter().map(|one| (one.start_period, one.limit));
            (periods.collect::<Vec<_>>(), cleared)
        } else {
            let mut read = v201::GetCompositeScheduleRequest::new(7200, 1);
            read.charging_rate_unit = Some(v201::ChargingRateUnit::W);
            let read = peer.call(read).await.unwrap().schedule.unwrap();
            let mut clear = v201::ClearChargingProfileRequest::new();
            clear.charging_profile_id = Some(1);
            let cleared =
                peer.call(clear).await.unwrap().status == v201::ClearChargingProfileStatus::Accepted;
            let periods = read.charging_schedule_period.iter().map(|one| (one.start_period, one.limit));
            (periods.collect(), cleared)
        };
        assert_eq!(read, expected, "{charger:?}");
        assert!(cleared);
    }
    day.run_until(day.hour(20)).await;
    let outcome = fleet.stop().await;
    for session in &sessions {
        let session = after(&outcome, session);
        let charger = &day.population.chargers()[session.spec.charger];
        let maximum = session.spec.vehicle.maximum(charger.phases, charger.maximum_current);
        assert_eq!(power_at(&session, day.hour(19) + SignedDuration::from_mins(30)), maximum);
    }
}
