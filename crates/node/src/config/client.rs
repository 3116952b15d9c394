use std::path::{Path, PathBuf};

use serde::Deserialize;
use tieline_edge::tls::{CertifiedKeyFiles, ClientTls, TrustedRoots};
use tieline_edge::{HttpClient, Proxy};

use super::key_file::secret;
use super::{ConfigError, Interval};

/// The table `[uftp.client]`: how peers, and the address book of GOPACS, are posted to.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ClientFile {
    #[serde(default)]
    authorities: Vec<PathBuf>,
    #[serde(default)]
    authorities_only: bool,
    certificate: Option<PathBuf>,
    private_key: Option<PathBuf>,
    proxy: Option<String>,
    proxy_file: Option<PathBuf>,
    proxy_env: Option<String>,
    connect_timeout: Option<Interval>,
    timeout: Option<Interval>,
}

impl ClientFile {
    /// Files are read and the client is made once, so that a mistake is told before anything is bound.
    pub(super) fn resolve(self, base: &Path) -> Result<HttpClient, ConfigError> {
        let mut http = HttpClient::new(self.tls(base)?);
        for (key, timeout) in [("connect_timeout", self.connect_timeout), ("timeout", self.timeout)] {
            if timeout.is_some_and(|timeout| timeout.get().is_zero()) {
                return Err(ConfigError::invalid(format!("uftp.client.{key}"), "is longer than 0"));
            }
        }
        http.connect_timeout = self.connect_timeout.map_or(http.connect_timeout, Interval::get);
        if let Some(timeout) = self.timeout.map(Interval::get) {
            (http.read_timeout, http.timeout) = (http.read_timeout.min(timeout), timeout);
        }
        http.proxy = self.proxy(base)?;
        http.build().map_err(|cause| ConfigError::invalid("uftp.client", cause))?;
        Ok(http)
    }

    fn tls(&self, base: &Path) -> Result<ClientTls, ConfigError> {
        let tls = trusting("uftp.client", base, &self.authorities, self.authorities_only)?;
        match (&self.certificate, &self.private_key) {
            (Some(certificate), Some(key)) => {
                Ok(tls.with_identity(CertifiedKeyFiles::new(base.join(certificate), base.join(key))))
            }
            (None, None) => Ok(tls),
            _ => Err(ConfigError::invalid("uftp.client", "needs certificate and private_key, or neither")),
        }
    }

    /// One whose address has a password is named in a file or in the environment.
    fn proxy(&self, base: &Path) -> Result<Option<Proxy>, ConfigError> {
        let hidden = (self.proxy_file.clone(), self.proxy_env.clone());
        match (&self.proxy, hidden) {
            (None, (None, None)) => Ok(None),
            (Some(proxy), (None, None)) if proxy.contains('@') => Err(ConfigError::invalid(
                "uftp.client.proxy",
                "holds a password: put it into proxy_file or proxy_env",
            )),
            (Some(proxy), (None, None)) => Ok(Some(Proxy::new(proxy))),
            (None, (file, variable)) => {
                let address = secret("uftp.client.proxy", base, file, variable)?;
                Ok(Some(Proxy::new(address.trim())))
            }
            _ => Err(ConfigError::invalid("uftp.client.proxy", "is named twice")),
        }
    }
}

/// TLS of a client that trusts these authorities, beside the platform's or alone.
pub(super) fn trusting(
    key: &str,
    base: &Path,
    authorities: &[PathBuf],
    only: bool,
) -> Result<ClientTls, ConfigError> {
    let authorities: Vec<PathBuf> = authorities.iter().map(|path| base.join(path)).collect();
    if only && authorities.is_empty() {
        let cause = "trusts nobody without authorities";
        return Err(ConfigError::invalid(format!("{key}.authorities_only"), cause));
    }
    let roots = if only { TrustedRoots::Only(authorities) } else { TrustedRoots::PlatformAnd(authorities) };
    Ok(ClientTls::platform().with_roots(roots))
}
