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

/// A secret from the one place that the configuration names: a file, or an environment variable.
pub(super) fn secret(
    what: &str,
    base: &Path,
    file: Option<PathBuf>,
    variable: Option<String>,
) -> Result<Zeroizing<String>, ConfigError> {
    match (file, variable) {
        (Some(file), None) => read_secret(&base.join(file)),
        (None, Some(variable)) => {
            #[expect(clippy::disallowed_methods, reason = "the configuration names the variable")]
            let found = std::env::var(&variable).map(Zeroizing::new);
            found.map_err(|error| ConfigError::invalid(what, format_args!("{variable}: {error}")))
        }
        _ => Err(ConfigError::invalid(what, "needs a file or an environment variable, and not both")),
    }
}

/// The signing key in the file or in the environment variable.
pub(super) fn signing_key(
    what: &str,
    base: &Path,
    file: Option<PathBuf>,
    variable: Option<String>,
) -> Result<SigningKey, ConfigError> {
    let source = file.as_ref().map_or_else(|| what.to_owned(), |file| base.join(file).display().to_string());
    secret(what, base, file, variable)?
        .trim()
        .parse()
        .map_err(|error: tieline_uftp::KeyError| ConfigError::invalid(source, error))
}
