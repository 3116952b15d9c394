//! The profiles that bear on one EVSE, moved forward through time.

use super::combine::Layer;
use super::profile::{Profile, Purpose};
use super::segment::{Circumstances, Segment};

/// Where a profile stands. Of those up to `DefaultAll` the first that says something is followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Slot {
    PriorityHere,
    PriorityAll,
    Tx,
    DefaultHere,
    DefaultAll,
    ExternalHere,
    ExternalAll,
    Max,
    GenerationHere,
    GenerationAll,
}

impl Slot {
    /// Where a profile stands for an EVSE. `here`: it is installed there and not for the whole station.
    pub(super) const fn of(purpose: Purpose, here: bool) -> Self {
        match (purpose, here) {
            (Purpose::PriorityCharging, true) => Self::PriorityHere,
            (Purpose::PriorityCharging, false) => Self::PriorityAll,
            (Purpose::Tx, _) => Self::Tx,
            (Purpose::TxDefault, true) => Self::DefaultHere,
            (Purpose::TxDefault, false) => Self::DefaultAll,
            (Purpose::ExternalConstraints, true) => Self::ExternalHere,
            (Purpose::ExternalConstraints, false) => Self::ExternalAll,
            (Purpose::StationMax, _) => Self::Max,
            (Purpose::LocalGeneration, true) => Self::GenerationHere,
            (Purpose::LocalGeneration, false) => Self::GenerationAll,
        }
    }

    /// Whether it is about the connection to the grid and not about one EVSE.
    pub(super) const fn is_shared(self) -> bool {
        matches!(self, Self::ExternalAll | Self::Max | Self::GenerationAll)
    }
}

#[derive(Debug)]
struct Cursor<'a> {
    slot: Slot,
    profile: &'a Profile,
    segment: Segment<'a>,
}

/// Profiles at a moment.
#[derive(Debug)]
pub(super) struct Sweep<'a> {
    circumstances: Circumstances,
    cursors: Vec<Cursor<'a>>,
}

/// What leads at a moment.
#[derive(Debug, Default)]
pub(super) struct Leading<'a> {
    /// The session's, then the ceilings.
    pub(super) layers: Vec<Layer<'a>>,
    pub(super) generation: Option<Layer<'a>>,
}

impl<'a> Sweep<'a> {
    /// Profiles in the order in which they were installed, at a second.
    pub(super) fn new(profiles: Vec<(Slot, &'a Profile)>, circumstances: Circumstances, at: i64) -> Self {
        let cursors = profiles.into_iter().rev();
        let mut cursors: Vec<_> = cursors
            .map(|(slot, profile)| Cursor { slot, profile, segment: profile.segment(at, circumstances) })
            .collect();
        cursors.sort_by_key(|cursor| (cursor.slot, -i64::from(cursor.profile.stack_level)));
        Self { circumstances, cursors }
    }

    /// The profile that is first in the order of precedence, whether or not it says something.
    pub(super) fn first(&self) -> Option<&'a Profile> {
        self.cursors.first().map(|cursor| cursor.profile)
    }

    /// The second at which something changes at the earliest.
    pub(super) fn until(&self) -> i64 {
        self.cursors.iter().map(|cursor| cursor.segment.until).min().unwrap_or(i64::MAX)
    }

    /// Goes on to a second that is not before the last.
    pub(super) fn move_to(&mut self, at: i64) {
        for cursor in &mut self.cursors {
            if cursor.segment.until <= at {
                cursor.segment = cursor.profile.segment(at, self.circumstances);
            }
        }
    }

    /// Of each purpose the profile with the highest stack level of those that say something now.
    pub(super) fn leading(&self) -> Leading<'a> {
        let mut leading = Leading::default();
        let mut seen = None;
        let mut session = false;
        for cursor in &self.cursors {
            let Some(period) = cursor.segment.period.filter(|_| seen != Some(cursor.slot)) else { continue };
            let layer = Layer { profile: cursor.profile.id, unit: cursor.profile.schedule().unit, period };
            match cursor.slot {
                slot if slot <= Slot::DefaultAll && session => {}
                Slot::GenerationHere | Slot::GenerationAll => {
                    leading.generation = leading.generation.or(Some(layer));
                }
                _ => leading.layers.push(layer),
            }
            session |= cursor.slot <= Slot::DefaultAll;
            seen = Some(cursor.slot);
        }
        leading
    }
}
