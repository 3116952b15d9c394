//! What a station remembers over a restart.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::display::DisplayMessage;
use super::evse::Kept;
use super::monitoring::SavedMonitors;
use super::networks::Networks;
use super::profiles::SavedProfiles;
use crate::v21::SetDERControlRequest;

/// Where a station keeps what it must remember over a restart, beside the messages that it owes: what was set, who
/// may charge, reservations and running transactions.
pub trait SnapshotStore: fmt::Debug + Send + Sync + 'static {
    /// What was saved last, if anything.
    ///
    /// # Errors
    ///
    /// It cannot be read.
    fn load(&self) -> io::Result<Option<String>>;

    /// Saves anew. Afterwards a power cut finds this, and at no time anything but the last or this.
    ///
    /// # Errors
    ///
    /// It cannot be written; the last is still there.
    fn save(&self, snapshot: &str) -> io::Result<()>;
}

/// Remembers nothing: a station that begins anew each time.
#[derive(Clone, Copy, Debug, Default)]
pub struct Forgetful;

impl SnapshotStore for Forgetful {
    fn load(&self) -> io::Result<Option<String>> {
        Ok(None)
    }

    fn save(&self, _: &str) -> io::Result<()> {
        Ok(())
    }
}

/// A file, which is replaced as a whole.
#[derive(Clone, Debug)]
pub struct SnapshotFile(PathBuf);

impl SnapshotFile {
    /// The file with this path. Its directory must exist.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self(path.into())
    }
}

impl SnapshotStore for SnapshotFile {
    fn load(&self) -> io::Result<Option<String>> {
        match std::fs::read_to_string(&self.0) {
            Ok(text) => Ok(Some(text)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn save(&self, snapshot: &str) -> io::Result<()> {
        let new = self.0.with_extension("new");
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true);
        // It may hold the station's password.
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(&new)?;
        file.write_all(snapshot.as_bytes())?;
        file.sync_all()?;
        std::fs::rename(&new, &self.0)?;
        match self.0.parent().filter(|parent| !parent.as_os_str().is_empty()) {
            Some(directory) => File::open(directory)?.sync_all(),
            None => File::open(".")?.sync_all(),
        }
    }
}

/// What is in a snapshot.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Snapshot {
    pub(crate) evses: BTreeMap<i32, Kept>,
    /// Configuration keys of 1.6 that were set.
    pub(crate) keys: BTreeMap<String, String>,
    /// Variables of 2.x that were set.
    pub(crate) variables: Vec<Variable>,
    pub(crate) list_version: i32,
    pub(crate) list: BTreeMap<String, Listed>,
    /// The last number that one of our transactions had.
    pub(crate) last_number: i32,
    /// The numbers of the CSMS (1.6) for ours, as long as messages are owed.
    pub(crate) numbers: BTreeMap<i32, i32>,
    pub(crate) profiles: Option<SavedProfiles>,
    pub(crate) monitors: Option<SavedMonitors>,
    pub(crate) messages: Vec<DisplayMessage>,
    pub(crate) networks: Option<Networks>,
    /// Controls of distributed energy resources (2.1).
    pub(crate) der: Vec<SetDERControlRequest>,
}

/// A variable that was set.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Variable {
    pub(crate) component: String,
    pub(crate) component_instance: Option<String>,
    pub(crate) evse: Option<u32>,
    pub(crate) connector: Option<u32>,
    pub(crate) name: String,
    pub(crate) instance: Option<String>,
    pub(crate) attribute: String,
    pub(crate) value: String,
}

/// An entry of the local list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Listed {
    pub(crate) status: String,
    pub(crate) expires: Option<jiff::Timestamp>,
    pub(crate) group: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_holds_the_last_that_was_saved() {
        let directory = tempfile::tempdir().unwrap();
        let file = SnapshotFile::new(directory.path().join("station.json"));
        assert_eq!(file.load().unwrap(), None);
        file.save("one").unwrap();
        file.save("two").unwrap();
        assert_eq!(file.load().unwrap().as_deref(), Some("two"));
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let permissions = std::fs::metadata(directory.path().join("station.json")).unwrap().permissions();
            assert_eq!(permissions.mode() & 0o777, 0o600);
        }
        assert!(SnapshotFile::new(directory.path().join("no/where")).save("x").is_err());
    }
}
