use std::path::Path;

use tieline_uftp::SigningKey;

use super::ConfigError;

/// Reads a secret that others on the machine can't read: the file's mode must not grant group or world anything.
pub(super) fn read_secret(path: &Path) -> Result<String, ConfigError> {
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
    std::fs::read_to_string(path).map_err(unreadable)
}

/// Reads a signing key as `tieline uftp keygen` wrote it.
pub(super) fn read_signing_key(path: &Path) -> Result<SigningKey, ConfigError> {
    read_secret(path)?
        .trim()
        .parse()
        .map_err(|error: tieline_uftp::KeyError| ConfigError::invalid(path.display().to_string(), error))
}
