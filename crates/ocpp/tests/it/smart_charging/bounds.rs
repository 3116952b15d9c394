//! Long questions.

use tieline_ocpp::smart_charging::{
    CompositeError, Evse, Profile, Question, RateUnit, Station, Transaction, answer, composite,
};
use tieline_ocpp::types::Decimal;
use tieline_ocpp::{Version, v16};

use super::spec::{BASE, Kind, Purpose, Spec, Step, instant};

const TEN_YEARS: i64 = 10 * 365 * 86_400;

fn daily(limits: &[i64]) -> Profile {
    let steps = limits.iter().zip(0..).map(|(tenths, index)| Step {
        start: index * 900,
        tenths: *tenths,
        phases: None,
    });
    let spec = Spec {
        id: 1,
        evse: 1,
        level: 0,
        purpose: Purpose::Default,
        kind: Kind::Daily,
        transaction: None,
        valid_from: None,
        valid_to: None,
        start: Some(BASE * 1000),
        duration: None,
        amperes: true,
        steps: steps.collect(),
        updated: None,
        max_offline: None,
    };
    spec.profile(Version::V1_6)
}

fn station() -> Station {
    Station {
        evses: vec![Evse::new(1).with_transaction(Transaction::new("1", instant(BASE * 1000)))],
        ..Station::default()
    }
}

#[test]
fn a_daily_recurrence_over_ten_years_ends_at_the_bound_of_periods() {
    let profile = daily(&(0..96).map(|quarter| 60 + quarter).collect::<Vec<_>>());
    let mut question = Question::new(1, instant(BASE * 1000), TEN_YEARS);
    let error = composite(&[(1, &profile)], &station(), &question).unwrap_err();
    // 96 periods a day: the 1025th would begin in the quarter 1024.
    assert_eq!(error, CompositeError::TooLong { after: 1024 * 900 });
    assert_eq!(answer::v16(&Err(error)).status, v16::GetCompositeScheduleStatus::Rejected);

    question.duration = 1024 * 900;
    assert_eq!(composite(&[(1, &profile)], &station(), &question).unwrap().periods.len(), 1024);
}

#[test]
fn a_bound_of_a_million_periods_is_reached_by_ten_years_of_days() {
    let profile = daily(&(0..96).map(|quarter| 60 + quarter).collect::<Vec<_>>());
    let mut question = Question::new(1, instant(BASE * 1000), TEN_YEARS);
    question.most_periods = 1_000_000;
    question.most_changes = 1_000_000;
    let composite = composite(&[(1, &profile)], &station(), &question).unwrap();
    assert_eq!(composite.periods.len(), 3650 * 96);
}

#[test]
fn changes_that_make_no_period_are_bounded_too() {
    let profile = daily(&[160; 96]);
    let mut question = Question::new(1, instant(BASE * 1000), TEN_YEARS);
    let error = composite(&[(1, &profile)], &station(), &question).unwrap_err();
    assert_eq!(error, CompositeError::TooLong { after: 100_000 * 900 });

    question.duration = 1000 * 86_400;
    let composite = composite(&[(1, &profile)], &station(), &question).unwrap();
    assert_eq!(composite.periods.len(), 1);
    assert_eq!(composite.limit_at(999 * 86_400), Some(Decimal::from_i64(16)));
    assert_eq!(composite.unit, RateUnit::A);
}
