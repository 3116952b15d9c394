//! How another process tells a node that it has changed the node's database: it knocks at a socket in the data directory.

use std::io;
use std::path::{Path, PathBuf};

use tokio::net::UnixListener;
use tokio_util::sync::CancellationToken;
use tracing::warn;

use crate::bells::Bells;

fn socket(data: &Path) -> PathBuf {
    data.join("wake.sock")
}

/// Has the node that runs on this data directory look at what was changed.
///
/// # Errors
///
/// No node runs there.
pub fn wake(data: &Path) -> io::Result<()> {
    std::os::unix::net::UnixStream::connect(socket(data)).map(drop)
}

/// A door at which others knock. The directory is its owner's alone, so others can't.
#[derive(Debug)]
pub(crate) struct Door {
    listener: UnixListener,
    path: PathBuf,
}

impl Door {
    /// The door of a data directory that this process holds: what an earlier one has left there goes.
    pub(crate) fn of(data: &Path) -> Option<Self> {
        let path = socket(data);
        let _ = std::fs::remove_file(&path);
        match UnixListener::bind(&path) {
            Ok(listener) => Some(Self { listener, path }),
            Err(cause) => {
                warn!(path = %path.display(), %cause, "commands from outside are not heard of at once");
                None
            }
        }
    }

    /// Rings when somebody knocks.
    pub(crate) async fn heed(self, bells: Bells, stop: CancellationToken) {
        while let Some(knock) = stop.run_until_cancelled(self.listener.accept()).await {
            match knock {
                Ok(_) => bells.changed_from_outside(),
                Err(cause) => {
                    warn!(%cause, "commands from outside are not heard of at once any more");
                    break;
                }
            }
        }
        let _ = std::fs::remove_file(&self.path);
    }
}
