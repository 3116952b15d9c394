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
    /// The next release, of which there is a text but no date.
    pub const V4_0_0: Self = Self { major: 4, minor: 0, patch: 0 };
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
#[expect(clippy::struct_excessive_bools, reason = "each is a rule of its own")]
pub struct Revision {
    /// The first version of this revision; patch releases share it.
    pub version: Version,
    /// `FlexOffer` and `FlexOrder` have the attribute `Unsolicited`.
    pub unsolicited: bool,
    /// `FlexOrder` has the attribute `ServiceType`.
    pub service_type_of_order: bool,
    /// `FlexOrder@FlexOfferMessageID` is required: every order is based on an offer.
    pub order_names_offer: bool,
    /// An offer or order that does not say whether it is `Unsolicited` is so if it names nothing that it is based on;
    /// otherwise it never is.
    pub unsolicited_if_unsaid: bool,
    /// `FlexSettlement`, a request, has the attributes of an answer: `Result` is required.
    pub result_of_settlement: bool,
    /// `TestMessageResponse` has `Result` and names the message that it answers.
    pub test_message_is_answered_in_full: bool,
    /// Every answer names the message that it answers in `ReferenceMessageID`, whatever the message.
    pub generic_reference: bool,
    /// Rejections have the texts of the unreleased standard.
    pub later_texts: bool,
    /// It was never released: it is spoken only with a peer whose settings say so.
    pub unreleased: bool,
}

impl Revision {
    /// 3.0.0.
    pub const V3_0: Self = Self {
        version: Version::V3_0_0,
        unsolicited: false,
        service_type_of_order: false,
        order_names_offer: true,
        unsolicited_if_unsaid: true,
        result_of_settlement: true,
        test_message_is_answered_in_full: false,
        generic_reference: false,
        later_texts: false,
        unreleased: false,
    };

    /// 3.1.0.
    pub const V3_1: Self = Self {
        version: Version::V3_1_0,
        unsolicited: true,
        service_type_of_order: true,
        order_names_offer: false,
        ..Self::V3_0
    };

    /// What the standard's text has become since 3.1.0, unreleased; it calls itself 4.0.0.
    pub const MAIN: Self = Self {
        version: Version::V4_0_0,
        unsolicited_if_unsaid: false,
        result_of_settlement: false,
        test_message_is_answered_in_full: true,
        generic_reference: true,
        later_texts: true,
        unreleased: true,
        ..Self::V3_1
    };

    /// The newest revision that was released.
    pub const LATEST: Self = Self::V3_1;

    /// The revision that `version` belongs to, or `None` if it is not spoken here.
    pub fn of(version: Version) -> Option<&'static Self> {
        match (version.major, version.minor) {
            (3, 0) => Some(&Self::V3_0),
            (3, 1) => Some(&Self::V3_1),
            (4, 0) => Some(&Self::MAIN),
            _ => None,
        }
    }

    /// The name of the attribute in which an answer names the message that it answers; `name` is that of 3.x.
    pub const fn reference(&self, name: &'static str) -> &'static str {
        if self.generic_reference { "ReferenceMessageID" } else { name }
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
#[error("not a version that is spoken here: 3.0.0, 3.1.0 or, unreleased, 4.0.0")]
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
