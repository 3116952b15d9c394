use std::net::SocketAddr;

use serde::Deserialize;
use tieline_edge::virtual_clock::wire::MAX_NAME;

use super::ConfigError;

/// The virtual clock that a simulation lets the node run by.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct ClockConfig {
    /// The time server.
    pub server: SocketAddr,
    /// The name by which the time server expects this node.
    pub name: String,
}

impl ClockConfig {
    pub(super) fn resolve(self) -> Result<Self, ConfigError> {
        if self.name.is_empty() {
            return Err(ConfigError::invalid("clock.name", "it is empty"));
        }
        if self.name.len() > MAX_NAME {
            return Err(ConfigError::invalid(
                "clock.name",
                format_args!("it is longer than {MAX_NAME} bytes"),
            ));
        }
        Ok(self)
    }
}
