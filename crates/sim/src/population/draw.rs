use tieline_ocpp::Version;
use tieline_types::{EntityAddress, Power};

use super::{ChargerSpec, ConnectionSpec, Population, PopulationConfig, PopulationError, RateUnit};
use crate::vehicle::VOLTAGE;
use crate::{Chance, SiteKind};

/// Fuses of three-phase connections, in amperes.
const FUSES: [i64; 9] = [25, 35, 50, 63, 80, 125, 160, 250, 400];

impl Population {
    /// Draws a population: the same seed gives the same one.
    pub fn draw(seed: u64, config: PopulationConfig) -> Result<Self, PopulationError> {
        config.check()?;
        let mut chargers = Vec::with_capacity(config.chargers);
        let mut connections = Vec::new();
        while chargers.len() < config.chargers {
            let site = connections.len();
            let mut chance = Chance::of(seed, "site", site as u64);
            let (least, most) = config.site_size;
            let count = usize::try_from(chance.between(least.into(), most.into())).unwrap_or(1);
            let first = chargers.len();
            for index in first..config.chargers.min(first + count) {
                chargers.push(charger(seed, &config, site, index));
            }
            let maximum: i64 = chargers[first..].iter().map(|charger| charger.maximum().watts()).sum();
            connections.push(ConnectionSpec {
                address: ean(&config.ean_prefix, site),
                site: chance.weighted(&config.sites).unwrap_or(SiteKind::Street),
                limit: limit(maximum),
            });
        }
        Ok(Self { seed, config, chargers, connections })
    }
}

fn charger(seed: u64, config: &PopulationConfig, connection: usize, index: usize) -> ChargerSpec {
    let mut chance = Chance::of(seed, "charger", index as u64);
    let error = i64::from(config.meter_error);
    ChargerSpec {
        identity: format!("{}{:05}", config.identity_prefix, index + 1),
        connection,
        version: if chance.per_mille(config.v201) { Version::V2_0_1 } else { Version::V1_6 },
        phases: if chance.per_mille(config.single_phase) { 1 } else { 3 },
        maximum_current: if chance.per_mille(config.strong) { 32 } else { 16 },
        unit: if chance.per_mille(config.in_amperes) { RateUnit::Amperes } else { RateUnit::Watts },
        meter_error: i16::try_from(chance.between(-error, error)).unwrap_or(0),
        register: u32::try_from(chance.below(20_000_000)).unwrap_or(0),
    }
}

/// The smallest three-phase fuse that carries two thirds of what the chargers could draw: sites are not built for all at once.
fn limit(maximum: i64) -> Power {
    let watts = |amperes: i64| 3 * VOLTAGE * amperes;
    let fuse = FUSES.into_iter().map(watts).find(|limit| *limit >= maximum * 2 / 3);
    Power::from_watts(fuse.unwrap_or(maximum))
}

/// An EAN of 18 digits with its check digit.
fn ean(prefix: &str, site: usize) -> EntityAddress {
    let digits = format!("{prefix}{site:07}");
    let weighted = |(place, digit): (usize, u8)| u32::from(digit - b'0') * if place % 2 == 0 { 3 } else { 1 };
    let sum: u32 = digits.bytes().rev().enumerate().map(weighted).sum();
    let check = (10 - sum % 10) % 10;
    format!("ean.{digits}{check}").parse().expect("18 digits are an EAN")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn a_population_has_the_stated_shares_and_every_name_once() {
        let population = Population::draw(7, PopulationConfig::amsterdam(2000)).unwrap();
        let chargers = population.chargers();
        let share = |of: &dyn Fn(&ChargerSpec) -> bool| chargers.iter().filter(|charger| of(charger)).count();
        for (count, expected) in [
            (share(&|charger| charger.version == Version::V2_0_1), 800),
            (share(&|charger| charger.phases == 1), 300),
            (share(&|charger| charger.maximum_current == 32), 1000),
            (share(&|charger| charger.unit == RateUnit::Amperes), 1000),
        ] {
            assert!(count.abs_diff(expected) < 80, "{count} for {expected}");
        }
        let identities: BTreeSet<_> = chargers.iter().map(|charger| &charger.identity).collect();
        let addresses: BTreeSet<_> =
            population.connections().iter().map(|one| one.address.as_str()).collect();
        assert_eq!((identities.len(), addresses.len()), (2000, population.connections().len()));
        assert!(addresses.iter().all(|address| address.len() == "ean.".len() + 18));
        for kind in [SiteKind::Workplace, SiteKind::Street, SiteKind::Mixed] {
            assert!(population.connections().iter().any(|connection| connection.site == kind));
        }
    }

    #[test]
    fn the_check_digit_is_right() {
        assert_eq!(ean("8716859000", 1_263_654).as_str(), "ean.871685900012636543");
    }

    #[test]
    fn a_charger_stays_the_same_when_there_are_more_of_them() {
        let few = Population::draw(7, PopulationConfig::amsterdam(10)).unwrap();
        let many = Population::draw(7, PopulationConfig::amsterdam(20)).unwrap();
        assert_eq!(few.chargers(), &many.chargers()[..10]);
        assert_ne!(few.chargers(), Population::draw(8, PopulationConfig::amsterdam(10)).unwrap().chargers());
    }

    #[test]
    fn settings_out_of_range_are_refused() {
        let mut none = PopulationConfig::amsterdam(0);
        assert!(Population::draw(1, none.clone()).unwrap_err().to_string().contains("chargers must be"));
        none.chargers = 1;
        none.ean_prefix = "87".to_owned();
        assert!(Population::draw(1, none.clone()).unwrap_err().to_string().contains("ean_prefix"));
        none.ean_prefix = "8716870000".to_owned();
        none.identity_prefix = "a/b".to_owned();
        assert!(Population::draw(1, none).unwrap_err().to_string().contains("identity_prefix"));
    }
}
