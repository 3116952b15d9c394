//! What participants publish in the domain name system, read. Nothing here asks anybody.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use tieline_edge::dns::TxtRecord;

use super::DiscoveryError;
use crate::{Endpoint, MESSAGE_PATH, Role, VerifyingKey};

/// How a published key begins.
const SUITE: &str = "cs1.";
/// One key, or the old and the new one.
const MOST_KEYS: usize = 2;
/// The major version that is spoken here.
const OUR_MAJOR: u32 = 3;

/// The name whose TXT record has the version of the protocol: `_usef.example.com`.
pub(super) fn version_name(base: &str) -> String {
    format!("_usef.{base}")
}

/// The name whose TXT records have the keys: `_AGR._usef.example.com`.
pub(super) fn keys_name(role: Role, base: &str) -> String {
    format!("_{role}._usef.{base}")
}

/// The name that is an alias for the host: `_http._AGR._usef.example.com`.
pub(super) fn host_name(role: Role, base: &str) -> String {
    format!("_http._{role}._usef.{base}")
}

/// The keys in the TXT records of `name`: all of them, each once.
///
/// Records without a key in them are none of ours. A text with one must have nothing else in it: it is not usable in part.
pub(super) fn keys(name: &str, records: &[TxtRecord]) -> Result<Vec<VerifyingKey>, DiscoveryError> {
    let mut keys = Vec::new();
    for text in records.iter().map(TxtRecord::text).filter(|text| text.contains(SUITE)) {
        // Two keys in two strings of a record come without a space between them. No key but ends with `=`.
        for word in text.replace("=cs1.", "= cs1.").split_whitespace() {
            let broken = |cause| DiscoveryError::Key { name: name.to_owned(), cause };
            // Without `cs1.` it would be read as well, but not so published.
            let key: VerifyingKey = match word.strip_prefix(SUITE) {
                Some(_) => word.parse().map_err(broken)?,
                None => return Err(broken(crate::KeyError::Base64)),
            };
            if !keys.contains(&key) {
                keys.push(key);
            }
        }
    }
    match keys.len() {
        0 => Err(DiscoveryError::NoKeys { name: name.to_owned() }),
        found if found > MOST_KEYS => Err(DiscoveryError::TooManyKeys { name: name.to_owned(), found }),
        _ => Ok(keys),
    }
}

/// The version in the TXT records of `name`: of several the one that is spoken here, else the highest.
pub(super) fn version(name: &str, records: &[TxtRecord]) -> Result<PublishedVersion, DiscoveryError> {
    let read: Vec<_> = records.iter().map(|record| record.text().parse::<PublishedVersion>()).collect();
    let best = read.iter().filter_map(|version| version.as_ref().ok()).max();
    match (best, read.first()) {
        (Some(best), _) => Ok(*best),
        (None, Some(Err(cause))) => {
            Err(DiscoveryError::Version { name: name.to_owned(), cause: cause.clone() })
        }
        (None, _) => Err(DiscoveryError::NoVersion { name: name.to_owned() }),
    }
}

/// Whether a host can have this name: an address in the web can be made of it. Names of services have labels that begin with `_`.
pub(super) fn is_host(name: &str) -> bool {
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    name.len() <= 253 && name.split('.').all(is_label)
}

/// The address on a host: `https`, the port that belongs to it, and the path of the version.
pub(super) fn endpoint(host: &str, version: PublishedVersion) -> Option<Endpoint> {
    format!("https://{host}{}", version.path()).parse().ok()
}

/// The version of the protocol that a participant publishes.
///
/// ```
/// use tieline_uftp::discovery::PublishedVersion;
///
/// let version: PublishedVersion = "3.1.0".parse()?;
/// assert_eq!(version.path(), "/shapeshifter/api/v3/message");
/// # Ok::<(), tieline_uftp::discovery::UnknownVersion>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PublishedVersion {
    /// `X.Y.Z`.
    Release {
        /// `X`: versions that differ in it do not understand each other.
        major: u32,
        /// `Y`.
        minor: u32,
        /// `Z`.
        patch: u32,
    },
    /// A year, as the specification's own example has it (`2015`): written by somebody who copied it, or speaks what was
    /// before Shapeshifter.
    Year(u16),
}

impl PublishedVersion {
    /// The path at which messages are taken: `/shapeshifter/api/v{major}/message`; of a year, that of the version that is
    /// spoken here.
    pub fn path(self) -> String {
        match self {
            Self::Release { major, .. } => format!("/shapeshifter/api/v{major}/message"),
            Self::Year(_) => MESSAGE_PATH.to_owned(),
        }
    }

    /// What tells which one is taken of several.
    fn rank(self) -> (bool, u32, u32, u32) {
        match self {
            Self::Release { major, minor, patch } => (major == OUR_MAJOR, major, minor, patch),
            Self::Year(_) => (false, 0, 0, 0),
        }
    }
}

impl Ord for PublishedVersion {
    /// By which is taken: one that is spoken here is before all others.
    fn cmp(&self, other: &Self) -> Ordering {
        self.rank().cmp(&other.rank()).then_with(|| self.to_string().cmp(&other.to_string()))
    }
}

impl PartialOrd for PublishedVersion {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for PublishedVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Release { major, minor, patch } => write!(f, "{major}.{minor}.{patch}"),
            Self::Year(year) => write!(f, "{year}"),
        }
    }
}

impl FromStr for PublishedVersion {
    type Err = UnknownVersion;

    fn from_str(text: &str) -> Result<Self, UnknownVersion> {
        let text = text.trim();
        let unknown = || UnknownVersion(text.chars().take(64).collect());
        let numbers: Option<Vec<u32>> = text
            .split('.')
            .map(|part| part.bytes().all(|byte| byte.is_ascii_digit()).then(|| part.parse().ok()).flatten())
            .collect();
        match numbers.as_deref() {
            Some(&[major, minor, patch]) => Ok(Self::Release { major, minor, patch }),
            Some(&[year]) if (2000..3000).contains(&year) => {
                u16::try_from(year).map(Self::Year).map_err(|_| unknown())
            }
            _ => Err(unknown()),
        }
    }
}

/// The text is no version of the protocol; its beginning.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is neither X.Y.Z nor a year")]
pub struct UnknownVersion(String);
