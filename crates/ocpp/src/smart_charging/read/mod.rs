//! Profiles from the messages of each version, and what they all must keep to.

mod v16;
mod v201;
mod v21;

pub(super) use v16::{purpose as v16_purpose, unit as v16_unit};
pub(super) use v21::{purpose as v21_purpose, unit as v21_unit};
pub(super) use v201::{purpose as v201_purpose, unit as v201_unit};

use super::profile::{Kind, Limits, Period, Profile, Schedule, second};
use super::profile_error::ProfileError;

/// What no version's schema says of a profile and all of them demand.
fn check(profile: Profile) -> Result<Profile, ProfileError> {
    if profile.stack_level < 0 {
        return Err(ProfileError::StackLevel(profile.stack_level));
    }
    if profile.schedules.is_empty() || profile.schedules.len() > 3 {
        return Err(ProfileError::Schedules(profile.schedules.len()));
    }
    if let (Some(from), Some(to)) = (profile.valid_from, profile.valid_to)
        && second(to) <= second(from)
    {
        return Err(ProfileError::NeverValid);
    }
    for schedule in &profile.schedules {
        check_start(profile.kind, schedule)?;
        if schedule.periods.is_empty() {
            return Err(ProfileError::NoPeriods);
        }
        let mut before = None;
        for period in &schedule.periods {
            check_period(period, before)?;
            before = Some(period.start);
        }
    }
    let one_period = profile.schedules.len() == 1 && profile.schedules[0].periods.len() == 1;
    if profile.kind == Kind::Dynamic && !one_period {
        return Err(ProfileError::Dynamic);
    }
    Ok(profile)
}

fn check_start(kind: Kind, schedule: &Schedule) -> Result<(), ProfileError> {
    match (kind, schedule.start) {
        (Kind::Absolute | Kind::Recurring(_), None) => Err(ProfileError::NoStart),
        (Kind::Relative, Some(_)) => Err(ProfileError::Start),
        _ => Ok(()),
    }
}

fn check_period(period: &Period, before: Option<i64>) -> Result<(), ProfileError> {
    let start = i32::try_from(period.start).expect("it was made from an i32");
    match before {
        None if start != 0 => return Err(ProfileError::FirstPeriod(start)),
        Some(before) if period.start <= before => return Err(ProfileError::Order(start)),
        _ => {}
    }
    if let Some(phases) = period.number_phases
        && !(1..=3).contains(&phases)
    {
        return Err(ProfileError::NumberPhases(phases));
    }
    if let Some(phase) = period.phase_to_use
        && (!(1..=3).contains(&phase) || period.number_phases != Some(1))
    {
        return Err(ProfileError::PhaseToUse(phase));
    }
    let some_phases = |limits: Limits| {
        limits.is_split() && (limits.limit.is_none() || limits.l2.is_none() || limits.l3.is_none())
    };
    if some_phases(period.limits) || some_phases(period.discharge) {
        return Err(ProfileError::SomePhases(start));
    }
    Ok(())
}

/// Seconds, or what is wrong with them.
fn seconds(member: &'static str, value: Option<i32>) -> Result<Option<i64>, ProfileError> {
    match value {
        Some(value) if value < 0 => Err(ProfileError::Negative { member, value }),
        value => Ok(value.map(i64::from)),
    }
}

fn unknown<T>(member: &'static str, value: &impl ToString) -> Result<T, ProfileError> {
    Err(ProfileError::UnknownValue { member, value: value.to_string() })
}
