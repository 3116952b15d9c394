//! The composite schedule: what all profiles together allow over time.

use ocpp_kit::standard::reason_codes::ReasonCode;

use super::combine::{Combine, Layer, Moment};
use super::profile::{Limits, Period, Profile, Purpose, RateUnit, second};
use super::segment::Circumstances;
use super::station::{Evse, Station};
use super::supply::Rating;
use super::sweep::{Slot, Sweep};
use crate::types::{DateTime, Decimal};
use crate::v21;

/// What is asked of GetCompositeSchedule, and how much of an answer is borne.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Question {
    /// The EVSE, in 1.6 the connector. 0: the station's connection to the grid.
    pub evse: i32,
    /// From when. Cut to whole seconds, as all instants.
    pub start: DateTime,
    /// For how many seconds, from 1.
    pub duration: i64,
    /// The unit of the answer. Without it that of the profile that comes first.
    pub unit: Option<RateUnit>,
    /// The most periods of an answer. Default: 1024.
    pub most_periods: usize,
    /// The most moments at which a profile says something new, whether or not the answer changes by it. It bounds the
    /// work. Default: 100,000.
    pub most_changes: usize,
}

impl Question {
    /// A question with the default bounds.
    pub const fn new(evse: i32, start: DateTime, duration: i64) -> Self {
        Self { evse, start, duration, unit: None, most_periods: 1024, most_changes: 100_000 }
    }

    /// The same with the answer in this unit.
    pub const fn in_unit(self, unit: RateUnit) -> Self {
        Self { unit: Some(unit), ..self }
    }
}

/// Why there is no composite schedule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CompositeError {
    /// The station has no such EVSE.
    #[error("there is no EVSE {0}")]
    UnknownEvse(i32),
    /// The station does not take this unit (K08.FR.07).
    #[error("schedules in {0:?} are not supported")]
    UnsupportedUnit(RateUnit),
    /// The duration is not positive.
    #[error("a schedule of {0} s has no periods")]
    Duration(i64),
    /// A limit can't be turned into the unit of the answer: no supply is known, or the number is too large. It is not left
    /// out, since what then looks free is not.
    #[error("the limits of profile {profile} can't be turned into the unit that was asked for")]
    Unconvertible {
        /// The profile's id.
        profile: i32,
    },
    /// A rating, or the sum of the EVSEs, can't be turned into the unit of the answer.
    #[error("a rating or a sum can't be turned into the unit that was asked for")]
    RatingUnit,
    /// The answer would be longer than asked for, or would take more work.
    #[error("the bound is reached {after} s after the start")]
    TooLong {
        /// Seconds after the start up to which it was reckoned. With this duration there is an answer.
        after: i64,
    },
    /// Nothing limits, and the message has to name a limit.
    #[error("nothing limits {after} s after the start, and there is no rating")]
    Unlimited {
        /// Seconds after the start.
        after: i64,
    },
}

impl CompositeError {
    /// The reason of 2.x for it (2.1 appendices, chapter 5).
    pub const fn reason(&self) -> ReasonCode {
        match self {
            Self::UnknownEvse(_) => ReasonCode::UnknownEvse,
            Self::Duration(_) => ReasonCode::InvalidValue,
            Self::Unconvertible { .. } | Self::RatingUnit | Self::UnsupportedUnit(_) => {
                ReasonCode::UnsupportedRateUnit
            }
            Self::TooLong { .. } => ReasonCode::ValueTooHigh,
            Self::Unlimited { .. } => ReasonCode::Unspecified,
        }
    }
}

/// What all profiles together allow over time.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Composite {
    /// The EVSE. 0: the station's connection to the grid.
    pub evse: i32,
    /// When it begins, as it was asked.
    pub start: DateTime,
    /// Seconds for which it is.
    pub duration: i64,
    /// The unit of its limits.
    pub unit: RateUnit,
    /// At least one. The first begins at 0, and each differs from the one before it.
    pub periods: Vec<CompositePeriod>,
}

/// A part of a composite schedule, until the next begins.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct CompositePeriod {
    /// Seconds after the start.
    pub start: i64,
    /// How much may be charged. Without it nothing limits: no profile, no rating.
    pub limits: Limits,
    /// How much may be discharged, zero or negative (2.1).
    pub discharge: Limits,
    /// How many phases may be used, if a profile says so.
    pub number_phases: Option<i32>,
    /// Which phase is used if it is one.
    pub phase_to_use: Option<i32>,
    /// Set-points, operation mode and the like of the profile that leads (2.1). Its limits are not to be read.
    pub carried: Option<Box<v21::ChargingSchedulePeriod>>,
}

/// What all profiles together allow for an EVSE or the whole station. Profiles come with the EVSE on which they are installed, in
/// the order in which they were; of two with the same purpose, level and EVSE the later one leads.
///
/// # Errors
///
/// [`CompositeError`]: the question can't be answered, or not within its bounds.
pub fn composite(
    profiles: &[(i32, &Profile)],
    station: &Station,
    question: &Question,
) -> Result<Composite, CompositeError> {
    if question.duration <= 0 {
        return Err(CompositeError::Duration(question.duration));
    }
    let at = second(question.start);
    let mut sweeps = Sweeps::new(profiles, station, question.evse, at)?;
    let unit = question.unit.or_else(|| sweeps.unit()).unwrap_or(RateUnit::A);
    let end = at.saturating_add(question.duration);
    let mut periods: Vec<CompositePeriod> = Vec::new();
    let (mut now, mut changes) = (at, 0);
    while now < end {
        if changes == question.most_changes {
            return Err(CompositeError::TooLong { after: now - at });
        }
        changes += 1;
        let moment = sweeps.moment(unit)?;
        if periods.last().is_none_or(|last| !last.is(&moment)) {
            if periods.len() == question.most_periods {
                return Err(CompositeError::TooLong { after: now - at });
            }
            periods.push(CompositePeriod::new(now - at, moment));
        }
        now = sweeps.until();
        sweeps.move_to(now);
    }
    Ok(Composite { evse: question.evse, start: question.start, duration: question.duration, unit, periods })
}

impl CompositePeriod {
    fn new(start: i64, moment: Moment) -> Self {
        let Moment { limits, discharge, number_phases, phase_to_use, carried } = moment;
        Self { start, limits, discharge, number_phases, phase_to_use, carried }
    }

    fn is(&self, moment: &Moment) -> bool {
        self.limits == moment.limits
            && self.discharge == moment.discharge
            && self.number_phases == moment.number_phases
            && self.phase_to_use == moment.phase_to_use
            && self.carried == moment.carried
    }
}

/// The EVSEs of a question and what they share.
struct Sweeps<'a> {
    station: &'a Station,
    evses: Vec<(&'a Evse, Sweep<'a>)>,
    shared: Sweep<'a>,
    whole: bool,
}

impl<'a> Sweeps<'a> {
    fn new(
        profiles: &[(i32, &'a Profile)],
        station: &'a Station,
        evse: i32,
        at: i64,
    ) -> Result<Self, CompositeError> {
        let whole = evse == 0;
        let evses: Vec<_> = station.evses.iter().filter(|one| whole || one.id == evse).collect();
        if evses.is_empty() && !whole {
            return Err(CompositeError::UnknownEvse(evse));
        }
        let offline_since = station.offline_since.map(second);
        let of_station =
            profiles.iter().filter(|(on, profile)| *on == 0 && Slot::of(profile.purpose, false).is_shared());
        let shared = of_station.map(|(_, profile)| (Slot::of(profile.purpose, false), *profile)).collect();
        let shared = Sweep::new(shared, Circumstances { transaction_start: None, offline_since }, at);
        let evses = evses.into_iter().map(|evse| {
            let transaction_start = evse.transaction.as_ref().map(|transaction| second(transaction.start));
            let applicable = applicable(profiles, evse);
            (evse, Sweep::new(applicable, Circumstances { transaction_start, offline_since }, at))
        });
        Ok(Self { station, evses: evses.collect(), shared, whole })
    }

    /// The unit of what comes first.
    fn unit(&self) -> Option<RateUnit> {
        let mut leading = self.evses.iter().map(|(_, sweep)| sweep).chain([&self.shared]);
        let leads = leading.find_map(|sweep| sweep.leading().layers.first().map(|layer| layer.unit));
        let mut sweeps = self.evses.iter().map(|(_, sweep)| sweep).chain([&self.shared]);
        let mut ratings = self.evses.iter().map(|(evse, _)| evse.rating).chain([self.station.rating]);
        leads
            .or_else(|| sweeps.find_map(|sweep| sweep.first().map(|profile| profile.schedule().unit)))
            .or_else(|| ratings.find_map(|rating| rating.map(|rating| rating.unit)))
    }

    fn until(&self) -> i64 {
        self.evses.iter().map(|(_, sweep)| sweep.until()).fold(self.shared.until(), i64::min)
    }

    fn move_to(&mut self, at: i64) {
        self.shared.move_to(at);
        for (_, sweep) in &mut self.evses {
            sweep.move_to(at);
        }
    }

    fn moment(&self, unit: RateUnit) -> Result<Moment, CompositeError> {
        if self.whole {
            return self.whole_station(unit);
        }
        let (evse, sweep) = &self.evses[0];
        let mut leading = sweep.leading();
        let shared = self.shared.leading();
        leading.layers.extend(shared.layers);
        let ratings: Vec<Rating> = evse.rating.into_iter().chain(self.station.rating).collect();
        let combine = Combine { unit, supply: evse.supply.or(self.station.supply) };
        combine.layers(&leading.layers, leading.generation.or(shared.generation), &ratings)
    }

    /// The sum of the EVSEs, within what the station may do.
    fn whole_station(&self, unit: RateUnit) -> Result<Moment, CompositeError> {
        let combine = Combine { unit, supply: self.station.supply };
        let mut sum: Option<Moment> = None;
        for (evse, sweep) in &self.evses {
            let leading = sweep.leading();
            let own = Combine { unit, supply: evse.supply.or(self.station.supply) };
            let ratings: Vec<Rating> = evse.rating.into_iter().collect();
            let one = own.layers(&leading.layers, leading.generation, &ratings)?;
            sum = Some(match sum {
                None => one,
                Some(sum) => add(combine, &sum, &one).ok_or(CompositeError::RatingUnit)?,
            });
        }
        let sum = sum.unwrap_or_default();
        // A sum uses as many phases as the EVSEs do; whether each of them uses one does not make it one.
        let period = Period {
            start: 0,
            limits: sum.limits,
            discharge: sum.discharge,
            number_phases: None,
            phase_to_use: None,
            carried: None,
        };
        let shared = self.shared.leading();
        let mut layers = vec![Layer { profile: 0, unit, period: &period }];
        layers.extend(shared.layers);
        let ratings: Vec<Rating> = self.station.rating.into_iter().collect();
        combine.layers(&layers, shared.generation, &ratings)
    }
}

fn add(combine: Combine, a: &Moment, b: &Moment) -> Option<Moment> {
    Some(Moment {
        limits: combine.sum(a.limits, b.limits, combine.phases(None))?,
        discharge: combine.sum(a.discharge, b.discharge, combine.phases(None))?,
        ..Moment::default()
    })
}

/// The profiles that bear on an EVSE alone.
fn applicable<'a>(profiles: &[(i32, &'a Profile)], evse: &Evse) -> Vec<(Slot, &'a Profile)> {
    let applies = |on: i32, profile: &Profile| {
        let here = on == evse.id;
        let slot = Slot::of(profile.purpose, here);
        let placed = here || (on == 0 && !slot.is_shared() && slot != Slot::Tx);
        let meant = match profile.purpose {
            Purpose::Tx => evse.transaction.as_ref().is_some_and(|running| {
                profile.transaction.as_ref().is_none_or(|transaction| *transaction == running.id)
            }),
            Purpose::PriorityCharging => evse.priority_charging,
            _ => true,
        };
        (placed && meant).then_some(slot)
    };
    profiles.iter().filter_map(|(on, profile)| Some((applies(*on, profile)?, *profile))).collect()
}

impl Composite {
    /// The limit of all phases in a second after the start, if there is one.
    pub fn limit_at(&self, after: i64) -> Option<Decimal> {
        let begun = self.periods.partition_point(|period| period.start <= after);
        self.periods.get(begun.checked_sub(1)?)?.limits.limit
    }
}
