use jiff::SignedDuration;
use tieline_types::TimeSpan;

use crate::{Chance, Population};

/// How a charger deals with what it is told, and with the truth.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Behaviour {
    /// It does what it is told.
    #[default]
    Obeys,
    /// It answers every charging profile with Rejected.
    Refuses,
    /// It answers every charging profile with Accepted, and does nothing.
    Ignores,
    /// For this while it has no connection. It goes on charging as its last profile or its default says, and reports it all afterwards.
    Disappears(TimeSpan),
    /// Its clock is wrong by so much, positive where it is ahead: it applies profiles early or late and stamps what it reports wrongly.
    Drifts(SignedDuration),
    /// It delivers meter values late, and so out of order.
    LateMessages {
        /// How many of a thousand meter values.
        share: u16,
        /// How late, at the most.
        longest: SignedDuration,
    },
    /// Its readings are wrong by up to so many per mille, apart from the error of its meter.
    Noise(u16),
}

/// How many chargers misbehave in which way, each in per mille of all. What is left obeys.
///
/// Which ones do is drawn from the population's seed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Scenario {
    /// [`Behaviour::Refuses`]
    pub refuse: u16,
    /// [`Behaviour::Ignores`]
    pub ignore: u16,
    /// [`Behaviour::Disappears`]: at some instant, for a time between 5 min and `longest_absence`.
    pub disappear: u16,
    /// Default: 2 h.
    pub longest_absence: SignedDuration,
    /// [`Behaviour::Drifts`]: either way, by up to `largest_drift`.
    pub drift: u16,
    /// Default: 3 min.
    pub largest_drift: SignedDuration,
    /// [`Behaviour::LateMessages`]: a quarter of the meter values, by up to `longest_delay`.
    pub late: u16,
    /// Default: 30 min.
    pub longest_delay: SignedDuration,
    /// [`Behaviour::Noise`]: by up to 2 %.
    pub noise: u16,
}

impl Default for Scenario {
    /// All obey.
    fn default() -> Self {
        Self {
            refuse: 0,
            ignore: 0,
            disappear: 0,
            longest_absence: SignedDuration::from_hours(2),
            drift: 0,
            largest_drift: SignedDuration::from_mins(3),
            late: 0,
            longest_delay: SignedDuration::from_mins(30),
            noise: 0,
        }
    }
}

/// Noise of a charger that has some, in per mille.
const NOISE: u16 = 20;
/// The share of meter values that a charger with late messages holds back, in per mille.
const LATE: u16 = 250;
const SHORTEST_ABSENCE: SignedDuration = SignedDuration::from_mins(5);

impl Scenario {
    /// Chargers as they are: 2 % each refuse, ignore, and have a wrong clock, 3 % disappear, 5 % each deliver late and with noise.
    pub fn usual() -> Self {
        Self { refuse: 20, ignore: 20, disappear: 30, drift: 20, late: 50, noise: 50, ..Self::default() }
    }

    /// How each charger of a population behaves in this time.
    pub fn behaviours(&self, population: &Population, span: TimeSpan) -> Vec<Behaviour> {
        let chargers = 0..population.chargers().len();
        chargers.map(|charger| self.behaviour(population.seed(), charger, span)).collect()
    }

    fn behaviour(&self, seed: u64, charger: usize, span: TimeSpan) -> Behaviour {
        let mut chance = Chance::of(seed, "behaviour", charger as u64);
        let mut left = chance.below(1000);
        let mut falls = |share: u16| {
            let hit = left < u64::from(share);
            left = left.saturating_sub(u64::from(share));
            hit
        };
        if falls(self.refuse) {
            Behaviour::Refuses
        } else if falls(self.ignore) {
            Behaviour::Ignores
        } else if falls(self.disappear) {
            absence(span, self.longest_absence, &mut chance).map_or(Behaviour::Obeys, Behaviour::Disappears)
        } else if falls(self.drift) {
            let largest = self.largest_drift.as_secs();
            Behaviour::Drifts(SignedDuration::from_secs(chance.between(-largest, largest)))
        } else if falls(self.late) {
            Behaviour::LateMessages { share: LATE, longest: self.longest_delay }
        } else if falls(self.noise) {
            Behaviour::Noise(NOISE)
        } else {
            Behaviour::Obeys
        }
    }
}

fn absence(span: TimeSpan, longest: SignedDuration, chance: &mut Chance) -> Option<TimeSpan> {
    let start = SignedDuration::from_secs(chance.between(0, span.duration().as_secs() - 1));
    let length = chance.between(SHORTEST_ABSENCE.as_secs(), longest.as_secs());
    let start = span.start() + start;
    TimeSpan::new(start, start.checked_add(SignedDuration::from_secs(length)).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::PopulationConfig;

    #[test]
    fn as_many_misbehave_as_the_scenario_says() {
        let population = Population::draw(7, PopulationConfig::amsterdam(5000)).unwrap();
        let span: TimeSpan = "2026-06-03T22:00:00Z/2026-06-04T22:00:00Z".parse().unwrap();
        let behaviours = Scenario::usual().behaviours(&population, span);
        let share = |of: fn(&Behaviour) -> bool| behaviours.iter().filter(|one| of(one)).count() / 5;
        for (share, expected) in [
            (share(|one| *one == Behaviour::Refuses), 20),
            (share(|one| *one == Behaviour::Ignores), 20),
            (share(|one| matches!(one, Behaviour::Disappears(_))), 30),
            (share(|one| matches!(one, Behaviour::Drifts(_))), 20),
            (share(|one| matches!(one, Behaviour::LateMessages { .. })), 50),
            (share(|one| matches!(one, Behaviour::Noise(_))), 50),
            (share(|one| *one == Behaviour::Obeys), 810),
        ] {
            assert!(share.abs_diff(expected) <= 10 + expected / 50, "{share} for {expected}");
        }
        for behaviour in &behaviours {
            match behaviour {
                Behaviour::Disappears(absence) => {
                    assert!(
                        span.contains(absence.start()) && absence.duration() <= SignedDuration::from_hours(2)
                    );
                }
                Behaviour::Drifts(drift) => assert!(drift.as_secs().abs() <= 180),
                _ => {}
            }
        }
        assert!(Scenario::default().behaviours(&population, span).iter().all(|one| *one == Behaviour::Obeys));
    }
}
