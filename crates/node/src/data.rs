//! The data directory: one node's own.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tieline_store::{SqliteOptions, SqliteStore, Store};

use crate::NodeError;

/// The database of a node whose data directory is `data`.
pub fn database_path(data: &Path) -> PathBuf {
    data.join("tieline.sqlite")
}

/// A data directory that no other node can open while this is held. Whoever only reads the database needs no hold of it.
#[derive(Clone, Debug)]
pub(crate) struct DataDirectory {
    _lock: Arc<File>,
}

/// Opens the database in a data directory, making both if they are not there.
pub(crate) async fn open(data: &Path) -> Result<(Arc<dyn Store>, DataDirectory), NodeError> {
    let data = data.to_owned();
    let opening = tokio::task::spawn_blocking(move || {
        make_private(&data)?;
        let directory = DataDirectory { _lock: Arc::new(lock(&data)?) };
        let store = SqliteStore::open(&database_path(&data), SqliteOptions::default())?;
        Ok::<(Arc<dyn Store>, DataDirectory), NodeError>((Arc::new(store), directory))
    });
    opening.await.map_err(|failure| NodeError::Unusable(failure.to_string()))?
}

fn make_private(data: &Path) -> Result<(), NodeError> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(data).map_err(|source| NodeError::Directory { path: data.display().to_string(), source })
}

/// Locks a file of its own: a lock on the database would be SQLite's.
fn lock(data: &Path) -> Result<File, NodeError> {
    let path = data.join("tieline.lock");
    let fails = |source| NodeError::Directory { path: path.display().to_string(), source };
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(&path).map_err(fails)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(NodeError::InUse { path: data.display().to_string() }),
        Err(TryLockError::Error(source)) => Err(fails(source)),
    }
}
