use tieline_edge::EdgeError;
use tieline_edge::virtual_clock::VirtualClockError;
use tieline_store::StoreError;

/// Why a node can't start, or not go on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NodeError {
    /// The data directory can't be made.
    #[error("{path}: {source}")]
    Directory {
        /// The directory.
        path: String,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// Another node runs on the data directory.
    #[error("{path} is in use by another node")]
    InUse {
        /// The directory.
        path: String,
    },
    /// The database can't be opened, or not be read, or can be written no more.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A listener can't be bound, or its certificate not be read.
    #[error(transparent)]
    Edge(#[from] EdgeError),
    /// The time server that the configuration names does not tell the time.
    #[error(transparent)]
    Clock(#[from] VirtualClockError),
    /// A configured value turned out to be unusable only now.
    #[error("{0}")]
    Unusable(String),
}

impl NodeError {
    /// Whether starting again later can succeed without anybody mending anything.
    pub fn retry(&self) -> bool {
        match self {
            Self::Store(failure) => failure.retry(),
            Self::Clock(failure) => failure.retry(),
            Self::Directory { .. } | Self::InUse { .. } | Self::Edge(_) | Self::Unusable(_) => false,
        }
    }
}
