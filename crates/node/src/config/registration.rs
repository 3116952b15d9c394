use jiff::civil::Time;
use serde::Deserialize;
use tieline_types::Domain;
use tieline_uftp::Role;

use super::{ConfigError, UftpConfig};

/// The common reference operator with whom an aggregator or a grid operator registers what it has.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct RegistrationConfig {
    /// The operator, a peer with role CRO.
    #[serde(rename = "domain")]
    pub cro: Domain,
    /// The local time at which it is asked what it says of the next day.
    #[serde(default = "default_at")]
    pub at: Time,
}

/// Before the prognoses of the next day are made.
const fn default_at() -> Time {
    Time::constant(9, 0, 0, 0)
}

impl RegistrationConfig {
    /// It is somebody whom this node can know, and not the node itself.
    pub(super) fn check(uftp: &UftpConfig) -> Result<(), ConfigError> {
        let Some(registration) = &uftp.registration else { return Ok(()) };
        if uftp.role == Role::Cro {
            return Err(ConfigError::invalid("uftp.cro", "this node is a CRO itself"));
        }
        if !uftp.can_know(Role::Cro, &registration.cro) {
            let cause = format_args!("{} is no uftp.peer with role CRO", registration.cro);
            return Err(ConfigError::invalid("uftp.cro domain", cause));
        }
        Ok(())
    }
}
