use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Deserialize;
use tieline_edge::websocket::Connector;
use tieline_ocpp::proxy::Proxy;

use super::ConfigError;
use super::client::trusting;

/// The CSMS that a node stands in front of.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ProxyConfig {
    /// Its `ws` or `wss` address, to which the identity of each charger is added.
    pub csms: String,
    /// How it is reached.
    pub connector: Connector,
}

/// The table `[ocpp.proxy]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ProxyFile {
    csms: String,
    #[serde(default)]
    plaintext: bool,
    #[serde(default)]
    authorities: Vec<PathBuf>,
    #[serde(default)]
    authorities_only: bool,
}

impl ProxyFile {
    /// Files are read now, so that a mistake is told before anything is bound.
    pub(super) fn resolve(self, base: &Path) -> Result<ProxyConfig, ConfigError> {
        Proxy::builder(&self.csms).map_err(|cause| ConfigError::invalid("ocpp.proxy.csms", cause))?;
        let is_plain = self.csms.get(..3).is_some_and(|scheme| scheme.eq_ignore_ascii_case("ws:"));
        if is_plain != self.plaintext {
            let cause = if is_plain {
                "has no TLS: write plaintext = true if that is meant"
            } else {
                "has TLS, and plaintext = true is written"
            };
            return Err(ConfigError::invalid("ocpp.proxy.csms", cause));
        }
        let tls = trusting("ocpp.proxy", base, &self.authorities, self.authorities_only)?;
        let tls = tls.load().map_err(|cause| ConfigError::invalid("ocpp.proxy", cause))?;
        Ok(ProxyConfig { csms: self.csms, connector: Connector::default().with_tls(Arc::new(tls)) })
    }
}
