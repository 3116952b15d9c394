use std::path::PathBuf;

/// Why a configuration can't be run. The text is for the operator who wrote the file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The file, or a file that it names, can't be read.
    #[error("{}: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// Not TOML, an unknown key, a missing one, or a value of the wrong form.
    #[error("{0}")]
    Syntax(String),
    /// A value that is well formed and still can't be used.
    #[error("{key}: {cause}")]
    Invalid {
        /// The key in the file, dotted.
        key: String,
        /// What is wrong with its value.
        cause: String,
    },
}

impl ConfigError {
    pub(crate) fn invalid(key: impl Into<String>, cause: impl std::fmt::Display) -> Self {
        Self::Invalid { key: key.into(), cause: cause.to_string() }
    }
}
