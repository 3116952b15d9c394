use serde::Deserialize;
use tieline_edge::ServeConfig;
use tieline_edge::listener::HandshakeLimits;

use super::{ConfigError, Interval};

/// What a listener bears of peers who have not shown yet who they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct ListenerLimits {
    /// Connections that may be open at once; further peers wait.
    pub connections: u32,
    /// How long a peer may take to send a request's head, and how long an idle connection is kept.
    pub header_timeout: Interval,
    /// The largest request line and headers together, in bytes; at least 8192.
    pub header_bytes: usize,
    /// The most headers of a request.
    pub headers: usize,
    /// How long a peer may take nothing of what it is sent.
    pub write_timeout: Interval,
    /// How long requests under way may go on when the node stops.
    pub grace: Interval,
    /// TLS handshakes that may be under way.
    pub handshakes: usize,
    /// How long a TLS handshake may take.
    pub handshake_timeout: Interval,
}

/// The smallest buffer for a head that the HTTP library takes.
const LEAST_HEADER_BYTES: usize = 8192;

impl Default for ListenerLimits {
    fn default() -> Self {
        Self {
            connections: 16 * 1024,
            header_timeout: Interval::from_secs(30),
            header_bytes: 16 * 1024,
            headers: 64,
            write_timeout: Interval::from_secs(60),
            grace: Interval::from_secs(20),
            handshakes: 512,
            handshake_timeout: Interval::from_secs(10),
        }
    }
}

impl ListenerLimits {
    /// Refuses limits under which nobody could be served.
    pub(super) fn check(self, table: &str) -> Result<Self, ConfigError> {
        let wrong =
            |key: &str, cause: String| Err(ConfigError::invalid(format!("{table}.limits.{key}"), cause));
        let counts = [
            ("connections", u64::from(self.connections), 1),
            ("headers", self.headers as u64, 1),
            ("handshakes", self.handshakes as u64, 1),
            ("header_bytes", self.header_bytes as u64, LEAST_HEADER_BYTES as u64),
        ];
        for (key, count, least) in counts {
            if count < least {
                return wrong(key, format!("is {least} or more"));
            }
        }
        let times = [
            ("header_timeout", self.header_timeout),
            ("write_timeout", self.write_timeout),
            ("handshake_timeout", self.handshake_timeout),
        ];
        for (key, time) in times {
            if time.get().is_zero() {
                return wrong(key, "is longer than 0".to_owned());
            }
        }
        Ok(self)
    }

    pub(crate) fn serve(self) -> ServeConfig {
        ServeConfig::default()
            .with_max_connections(self.connections)
            .with_header_timeout(self.header_timeout.get())
            .with_max_header_size(self.header_bytes)
            .with_max_headers(self.headers)
            .with_write_timeout(self.write_timeout.get())
            .with_grace(self.grace.get())
    }

    pub(crate) fn handshakes(self) -> HandshakeLimits {
        HandshakeLimits::default().with_timeout(self.handshake_timeout.get()).with_in_flight(self.handshakes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_those_of_the_edge() {
        let limits = ListenerLimits::default();
        assert_eq!(limits.serve(), ServeConfig::default());
        assert_eq!(limits.handshakes(), HandshakeLimits::default());
    }
}
