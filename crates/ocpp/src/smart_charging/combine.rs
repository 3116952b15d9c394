//! Limits of several purposes at one moment.

use super::composite::CompositeError;
use super::profile::{Limits, Period, RateUnit};
use super::supply::{Rating, Supply, share};
use crate::types::Decimal;
use crate::v21;

/// What one profile says at a moment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Layer<'a> {
    /// The profile's id, to say which one is wrong.
    pub(super) profile: i32,
    pub(super) unit: RateUnit,
    pub(super) period: &'a Period,
}

/// What applies at a moment, in the unit that was asked for.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Moment {
    pub(super) limits: Limits,
    pub(super) discharge: Limits,
    pub(super) number_phases: Option<i32>,
    pub(super) phase_to_use: Option<i32>,
    pub(super) carried: Option<Box<v21::ChargingSchedulePeriod>>,
}

/// Combines what leading profiles say into one unit.
#[derive(Clone, Copy, Debug)]
pub(super) struct Combine {
    pub(super) unit: RateUnit,
    pub(super) supply: Option<Supply>,
}

impl Combine {
    /// What obeys all of the layers, with local generation on top, and never more than the ratings.
    pub(super) fn layers(
        self,
        layers: &[Layer<'_>],
        generation: Option<Layer<'_>>,
        ratings: &[Rating],
    ) -> Result<Moment, CompositeError> {
        let stated = layers.iter().map(|layer| layer.period.number_phases);
        let number_phases = stated.chain(ratings.iter().map(|rating| rating.number_phases)).flatten().min();
        let phases = self.phases(number_phases);
        let mut moment = Moment { number_phases, ..Moment::default() };
        for layer in layers {
            let limits = self.convert(*layer, layer.period.limits, phases)?;
            moment.limits =
                self.both(moment.limits, limits, phases, Decimal::min).ok_or_else(|| layer.too_large())?;
            let discharge = self.convert(*layer, layer.period.discharge, phases)?;
            moment.discharge = self
                .both(moment.discharge, discharge, phases, Decimal::max)
                .ok_or_else(|| layer.too_large())?;
        }
        if let Some(layer) = generation {
            let own = self.phases(layer.period.number_phases);
            let more = self.convert(layer, layer.period.limits, own)?;
            moment.limits = self.add(moment.limits, more, phases).ok_or_else(|| layer.too_large())?;
        }
        for rating in ratings {
            let limits = Limits::uniform(Some(rating.limit));
            let limits = self.in_unit(limits, rating.unit, phases).ok_or(CompositeError::RatingUnit)?;
            moment.limits =
                self.both(moment.limits, limits, phases, Decimal::min).ok_or(CompositeError::RatingUnit)?;
        }
        if number_phases == Some(1) {
            moment.phase_to_use = layers.iter().find_map(|layer| layer.period.phase_to_use);
        }
        if let Some((layer, carried)) =
            layers.iter().find_map(|layer| Some((layer, layer.period.carried.as_ref()?)))
        {
            moment.carried = Some(Box::new(self.carried(*layer, carried, &moment, phases)?));
        }
        Ok(moment)
    }

    /// The phases that are reckoned with: three unless fewer are named or there.
    pub(super) fn phases(self, number_phases: Option<i32>) -> i32 {
        number_phases.unwrap_or(3).min(self.supply.map_or(3, Supply::phases))
    }

    fn in_unit(self, limits: Limits, from: RateUnit, phases: i32) -> Option<Limits> {
        if from == self.unit || limits.is_unlimited() {
            return Some(limits);
        }
        self.supply?.convert(limits, from, self.unit, phases)
    }

    fn convert(self, layer: Layer<'_>, limits: Limits, phases: i32) -> Result<Limits, CompositeError> {
        self.in_unit(limits, layer.unit, phases)
            .ok_or(CompositeError::Unconvertible { profile: layer.profile })
    }

    /// For each phase what `pick` takes of two limits. Where there is one it is taken.
    pub(super) fn both(
        self,
        a: Limits,
        b: Limits,
        phases: i32,
        pick: fn(Decimal, Decimal) -> Decimal,
    ) -> Option<Limits> {
        let pick = |a: Option<Decimal>, b: Option<Decimal>| match (a, b) {
            (Some(a), Some(b)) => Some(pick(a, b)),
            (a, b) => a.or(b),
        };
        if !a.is_split() && !b.is_split() {
            return Some(Limits::uniform(pick(a.limit, b.limit)));
        }
        let (a, b) = (self.split(a, phases)?, self.split(b, phases)?);
        Some(Limits { limit: pick(a.limit, b.limit), l2: pick(a.l2, b.l2), l3: pick(a.l3, b.l3) })
    }

    /// The sum of limits. Without a limit of either there is none of both.
    pub(super) fn sum(self, a: Limits, b: Limits, phases: i32) -> Option<Limits> {
        if b.is_unlimited() { Some(Limits::default()) } else { self.add(a, b, phases) }
    }

    /// Limits with more on top. What has no limit needs none.
    fn add(self, limits: Limits, more: Limits, phases: i32) -> Option<Limits> {
        if limits.is_unlimited() || more.is_unlimited() {
            return Some(limits);
        }
        let add = |a: Option<Decimal>, b: Option<Decimal>| match (a, b) {
            (Some(a), Some(b)) => a.checked_add(b).map(Some),
            (a, _) => Some(a),
        };
        if !limits.is_split() && !more.is_split() {
            return Some(Limits::uniform(add(limits.limit, more.limit)?));
        }
        let (a, b) = (self.split(limits, phases)?, self.split(more, phases)?);
        Some(Limits { limit: add(a.limit, b.limit)?, l2: add(a.l2, b.l2)?, l3: add(a.l3, b.l3)? })
    }

    /// A limit for each phase: amperes are the same on all, watts are shared equally.
    fn split(self, limits: Limits, phases: i32) -> Option<Limits> {
        if limits.is_split() {
            return Some(limits);
        }
        let each = match (limits.limit, self.unit) {
            (Some(total), RateUnit::W) => Some(share(total, phases)?),
            (limit, _) => limit,
        };
        Some(Limits { limit: each, l2: each, l3: each })
    }

    /// What only 2.1 can say, in the unit that was asked for, with set-points within the limits.
    fn carried(
        self,
        layer: Layer<'_>,
        carried: &v21::ChargingSchedulePeriod,
        moment: &Moment,
        phases: i32,
    ) -> Result<v21::ChargingSchedulePeriod, CompositeError> {
        let mut carried = carried.clone();
        let setpoint = Limits { limit: carried.setpoint, l2: carried.setpoint_l2, l3: carried.setpoint_l3 };
        let mut setpoint = self.convert(layer, setpoint, phases)?;
        if !setpoint.is_unlimited() {
            let within = self.both(setpoint, moment.limits, phases, Decimal::min);
            let within = within.and_then(|limits| self.both(limits, moment.discharge, phases, Decimal::max));
            setpoint = within.ok_or_else(|| layer.too_large())?;
        }
        let reactive = Limits {
            limit: carried.setpoint_reactive,
            l2: carried.setpoint_reactive_l2,
            l3: carried.setpoint_reactive_l3,
        };
        let reactive = self.convert(layer, reactive, phases)?;
        (carried.setpoint, carried.setpoint_l2, carried.setpoint_l3) =
            (setpoint.limit, setpoint.l2, setpoint.l3);
        carried.setpoint_reactive = reactive.limit;
        (carried.setpoint_reactive_l2, carried.setpoint_reactive_l3) = (reactive.l2, reactive.l3);
        Ok(carried)
    }
}

impl Layer<'_> {
    fn too_large(self) -> CompositeError {
        CompositeError::Unconvertible { profile: self.profile }
    }
}
