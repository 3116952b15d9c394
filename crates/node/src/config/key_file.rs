use std::path::{Path, PathBuf};

use tieline_uftp::SigningKey;
use zeroize::Zeroizing;

use super::ConfigError;

/// Reads a secret that others on the machine can't read: the file's mode must not grant group or world anything.
pub(super) fn read_secret(path: &Path) -> Result<Zeroizing<String>, ConfigError> {
    let unreadable = |source| ConfigError::Unreadable { path: path.to_owned(), source };
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = std::fs::metadata(path).map_err(unreadable)?.permissions().mode();
        if mode & 0o077 != 0 {
            return Err(ConfigError::invalid(
                path.display().to_string(),
                format_args!("others can read this secret (mode {:o}); chmod it to 600", mode & 0o777),
            ));
        }
    }
    std::fs::read_to_string(path).map(Zeroizing::new).map_err(unreadable)
}

/// Reads a signing key as `tieline uftp keygen` wrote it.
pub(super) fn read_signing_key(path: &Path) -> Result<SigningKey, ConfigError> {
    read_secret(path)?
        .trim()
        .parse()
        .map_err(|error: tieline_uftp::KeyError| ConfigError::invalid(path.display().to_string(), error))
}

/// The signing key in the file or in the environment variable: one of the two is to be named.
pub(super) fn signing_key(
    what: &str,
    base: &Path,
    file: Option<PathBuf>,
    variable: Option<String>,
) -> Result<SigningKey, ConfigError> {
    match (file, variable) {
        (Some(file), None) => read_signing_key(&base.join(file)),
        (None, Some(variable)) => {
            #[expect(clippy::disallowed_methods, reason = "the configuration names the variable")]
            let secret = std::env::var(&variable).map(Zeroizing::new).map_err(|_| {
                ConfigError::invalid(what, format_args!("there is no environment variable {variable}"))
            })?;
            secret
                .trim()
                .parse()
                .map_err(|error: tieline_uftp::KeyError| ConfigError::invalid(variable, error))
        }
        _ => Err(ConfigError::invalid(what, "needs either a file or an environment variable")),
    }
}
