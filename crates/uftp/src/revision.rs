//! The revisions of the standard, as data.

use std::fmt;
use std::str::FromStr;

/// The `Version` attribute of a message (`SpecVersion`): three numbers, compared as numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version {
    /// Changes when the wire is no longer compatible.
    pub major: u16,
    /// Changes when something is added.
    pub minor: u16,
    /// Changes when nothing on the wire does.
    pub patch: u16,
}

impl Version {
    /// The release of January 2023.
    pub const V3_0_0: Self = Self { major: 3, minor: 0, patch: 0 };
    /// The release of May 2025.
    pub const V3_1_0: Self = Self { major: 3, minor: 1, patch: 0 };
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

impl FromStr for Version {
    type Err = InvalidVersion;

    fn from_str(text: &str) -> Result<Self, InvalidVersion> {
        let mut parts = text.split('.');
        let mut next = || {
            let part = parts.next().ok_or(InvalidVersion)?;
            if part.is_empty() || !part.bytes().all(|byte| byte.is_ascii_digit()) {
                return Err(InvalidVersion);
            }
            part.parse().map_err(|_| InvalidVersion)
        };
        let version = Self { major: next()?, minor: next()?, patch: next()? };
        parts.next().is_none().then_some(version).ok_or(InvalidVersion)
    }
}

/// The text is not three numbers up to 65535 joined by dots.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not three numbers joined by dots, such as 3.1.0")]
pub struct InvalidVersion;

/// What one revision of the standard says about the messages that differ between revisions.
///
/// Code asks for the rule, never for the version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Revision {
    /// The first version of this revision; patch releases share it.
    pub version: Version,
    /// `FlexOffer` and `FlexOrder` have the attribute `Unsolicited`.
    pub unsolicited: bool,
    /// `FlexOrder` has the attribute `ServiceType`.
    pub service_type_of_order: bool,
    /// `FlexOrder@FlexOfferMessageID` is required: every order is based on an offer.
    pub order_names_offer: bool,
}

impl Revision {
    /// 3.0.0.
    pub const V3_0: Self = Self {
        version: Version::V3_0_0,
        unsolicited: false,
        service_type_of_order: false,
        order_names_offer: true,
    };

    /// 3.1.0.
    pub const V3_1: Self = Self {
        version: Version::V3_1_0,
        unsolicited: true,
        service_type_of_order: true,
        order_names_offer: false,
    };

    /// The newest revision that is spoken here.
    pub const LATEST: Self = Self::V3_1;

    /// The revision that `version` belongs to, or `None` if it is not spoken here.
    pub fn of(version: Version) -> Option<&'static Self> {
        match (version.major, version.minor) {
            (3, 0) => Some(&Self::V3_0),
            (3, 1) => Some(&Self::V3_1),
            _ => None,
        }
    }
}

/// From the text of a version: `3.0.0`.
impl FromStr for Revision {
    type Err = UnknownRevision;

    fn from_str(text: &str) -> Result<Self, UnknownRevision> {
        text.parse().ok().and_then(Self::of).copied().ok_or(UnknownRevision)
    }
}

/// The text is no version that is spoken here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a version that is spoken here: 3.0.0 or 3.1.0")]
pub struct UnknownRevision;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_three_numbers_and_nothing_else() {
        assert_eq!("3.1.0".parse(), Ok(Version::V3_1_0));
        for bad in ["", "3", "3.1", "3.1.0.0", "3..0", "+3.1.0", "3.1.x", " 3.1.0", "3.1.70000", "٣.1.0"] {
            assert_eq!(bad.parse::<Version>(), Err(InvalidVersion), "{bad}");
        }
    }

    #[test]
    fn patch_releases_share_a_revision() {
        assert_eq!(Revision::of(Version { patch: 7, ..Version::V3_0_0 }), Some(&Revision::V3_0));
        assert_eq!(Revision::of(Version::V3_1_0), Some(&Revision::V3_1));
        assert_eq!(Revision::of(Version { major: 9, minor: 9, patch: 9 }), None);
    }
}
