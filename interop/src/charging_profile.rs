//! A charging profile as a charger received it, of any OCPP version.

use std::collections::BTreeMap;
use std::str::FromStr as _;

use anyhow::{Context as _, Result, ensure};
use jiff::{SignedDuration, Timestamp};
use rust_decimal::Decimal;
use serde_json::Value;

use crate::Event;

/// The phases and the voltage of the test charger, for limits in amperes.
const PHASES: i64 = 3;
const VOLTS: i64 = 230;

/// An absolute charging profile with one schedule.
#[derive(Debug, Clone, PartialEq)]
pub struct ChargingProfile {
    /// `TxProfile`, `TxDefaultProfile`, ….
    pub purpose: String,
    /// When its schedule starts.
    pub start: Timestamp,
    /// When its schedule ends, if it says so.
    pub end: Option<Timestamp>,
    /// The unit in which the limits came: `W` or `A`.
    pub unit: String,
    /// The limit in watts from each instant on.
    pub limits: BTreeMap<Timestamp, Decimal>,
}

impl ChargingProfile {
    /// The profile of a `set_charging_profile` event.
    pub(crate) fn read(event: &Event) -> Result<Self> {
        Self::parse(event.value("profile").context("no profile in the event")?)
    }

    /// The profiles of a `profiles` event.
    pub(crate) fn read_all(event: &Event) -> Result<Vec<Self>> {
        let profiles =
            event.value("profiles").and_then(Value::as_array).context("no profiles in the event")?;
        profiles.iter().map(Self::parse).collect()
    }

    fn parse(profile: &Value) -> Result<Self> {
        // A list of one to three in 2.x, one object in 1.6.
        let schedules = &profile["chargingSchedule"];
        ensure!(schedules.as_array().is_none_or(|list| list.len() == 1), "not one schedule: {profile}");
        let schedule = schedules.get(0).unwrap_or(schedules);
        let start: Timestamp = text(schedule, "startSchedule")?.parse().context("startSchedule")?;
        let unit = text(schedule, "chargingRateUnit")?.to_owned();
        let after =
            |seconds: i64| start.checked_add(SignedDuration::from_secs(seconds)).context("beyond time");
        let end = schedule["duration"].as_i64().map(after).transpose()?;
        let periods = schedule["chargingSchedulePeriod"].as_array().context("no periods")?;
        let limits = periods
            .iter()
            .map(|period| {
                let from = period["startPeriod"].as_i64().context("no startPeriod")?;
                Ok((after(from)?, watts(period, &unit)?))
            })
            .collect::<Result<_>>()?;
        Ok(Self { purpose: text(profile, "chargingProfilePurpose")?.to_owned(), start, end, unit, limits })
    }

    /// The limit in watts that applies at an instant, if one does.
    pub fn at(&self, instant: Timestamp) -> Option<Decimal> {
        if self.end.is_some_and(|end| instant >= end) {
            return None;
        }
        self.limits.range(..=instant).next_back().map(|(_, watts)| *watts)
    }
}

fn watts(period: &Value, unit: &str) -> Result<Decimal> {
    let limit = period["limit"].as_number().context("no limit")?.to_string();
    let limit = Decimal::from_str(&limit).with_context(|| format!("limit {limit}"))?;
    let phases = period["numberPhases"].as_i64().unwrap_or(PHASES);
    Ok(if unit == "A" { limit * Decimal::from(phases * VOLTS) } else { limit })
}

fn text<'a>(value: &'a Value, member: &str) -> Result<&'a str> {
    value[member].as_str().with_context(|| format!("no {member} in {value}"))
}
