use jiff::tz::TimeZone;

use crate::{SiteKind, StatedDeparture};

/// What a population is like.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct PopulationConfig {
    /// How many chargers: 1 to 100,000.
    pub chargers: usize,
    /// Where they are: cars come and go by its local clock.
    pub time_zone: TimeZone,
    /// The kinds of site, each with the weight of its share of sites. Default: workplaces 4, streets 5, mixed 1.
    pub sites: Vec<(SiteKind, u16)>,
    /// Chargers of a site, at the least and at the most. Default: 1 to 8.
    pub site_size: (u16, u16),
    /// How many of a thousand chargers speak 2.0.1; the others speak 1.6. Default: 400.
    pub v201: u16,
    /// How many of a thousand are on one phase. Default: 150.
    pub single_phase: u16,
    /// How many of a thousand have 32 A; the others have 16 A. Default: 500.
    pub strong: u16,
    /// How many of a thousand take their profiles in amperes; the others take watts. Default: 500.
    pub in_amperes: u16,
    /// By how much a meter may be wrong either way, in per mille. Default: 10, what class B of EN 50470-3 allows.
    pub meter_error: u16,
    /// How wrong the departures are that drivers state.
    pub stated_departure: StatedDeparture,
    /// What the chargers' identities begin with: 1 to 12 letters, digits and hyphens. Default: `SIM`.
    pub identity_prefix: String,
    /// What the EANs of the connections begin with: 10 digits, to which 7 and a check digit are added. Default: `8716870000`.
    pub ean_prefix: String,
}

/// Why there is no such population or no such day.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PopulationError {
    /// A setting is out of its range.
    #[error("{setting} must be {expected}")]
    Setting {
        /// Which.
        setting: &'static str,
        /// Its range.
        expected: &'static str,
    },
    /// The local day is beyond what the calendar holds.
    #[error("there is no such day: {0}")]
    Day(String),
}

impl PopulationConfig {
    /// So many chargers in this time zone; all else as is usual.
    pub fn new(chargers: usize, time_zone: TimeZone) -> Self {
        Self {
            chargers,
            time_zone,
            sites: vec![(SiteKind::Workplace, 4), (SiteKind::Street, 5), (SiteKind::Mixed, 1)],
            site_size: (1, 8),
            v201: 400,
            single_phase: 150,
            strong: 500,
            in_amperes: 500,
            meter_error: 10,
            stated_departure: StatedDeparture::default(),
            identity_prefix: "SIM".to_owned(),
            ean_prefix: "8716870000".to_owned(),
        }
    }

    /// So many chargers in Amsterdam.
    pub fn amsterdam(chargers: usize) -> Self {
        let zone = TimeZone::get("Europe/Amsterdam").unwrap_or(TimeZone::UTC);
        Self::new(chargers, zone)
    }

    /// The same with sites of one kind only.
    pub fn only(mut self, kind: SiteKind) -> Self {
        self.sites = vec![(kind, 1)];
        self
    }

    pub(super) fn check(&self) -> Result<(), PopulationError> {
        let shares = [self.v201, self.single_phase, self.strong, self.in_amperes, self.meter_error];
        let identity = &self.identity_prefix;
        let identity_fits = (1..=12).contains(&identity.len())
            && identity.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        let checks = [
            ("chargers", "from 1 to 100,000", (1..=100_000).contains(&self.chargers)),
            ("sites", "at least one kind with a weight", self.sites.iter().any(|(_, weight)| *weight > 0)),
            ("site_size", "from 1 to 1,000, the least first", {
                let (least, most) = self.site_size;
                1 <= least && least <= most && most <= 1000
            }),
            ("a share", "at most 1000 per mille", shares.iter().all(|share| *share <= 1000)),
            ("identity_prefix", "1 to 12 letters, digits and hyphens", identity_fits),
            ("ean_prefix", "10 digits", {
                self.ean_prefix.len() == 10 && self.ean_prefix.bytes().all(|byte| byte.is_ascii_digit())
            }),
        ];
        match checks.into_iter().find(|(_, _, holds)| !holds) {
            Some((setting, expected, _)) => Err(PopulationError::Setting { setting, expected }),
            None => Ok(()),
        }
    }
}
