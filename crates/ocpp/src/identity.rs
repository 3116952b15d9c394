//! Who a charging station is.

use std::fmt;
use std::sync::Arc;

use crate::Version;

/// The identity of a charging station: the last segment of the address it connects to, percent-decoded.
///
/// OCPP 2.x allows up to 48 characters and no colon (`identifierString`, Part 2 and A00.FR.204); 1.6 sets no rule, and
/// up to [`MAX_LENGTH_1_6`](Self::MAX_LENGTH_1_6) characters are accepted. Control characters never are.
///
/// ```
/// use tieline_ocpp::{Identity, IdentityError, Version};
///
/// let identity = Identity::parse("CS-001", Version::V2_0_1)?;
/// assert_eq!(identity.as_str(), "CS-001");
/// assert_eq!(Identity::parse("a:b", Version::V2_1), Err(IdentityError::Colon));
/// assert!(Identity::parse("a:b", Version::V1_6).is_ok());
/// # Ok::<(), IdentityError>(())
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Identity(Arc<str>);

impl Identity {
    /// The most characters in OCPP 2.0.1 and 2.1.
    pub const MAX_LENGTH_2: usize = 48;
    /// The most characters that are accepted in OCPP 1.6, which names no limit.
    pub const MAX_LENGTH_1_6: usize = 255;

    /// The text as an identity, by the rules of this version.
    pub fn parse(text: &str, version: Version) -> Result<Self, IdentityError> {
        let longest = if version == Version::V1_6 { Self::MAX_LENGTH_1_6 } else { Self::MAX_LENGTH_2 };
        if text.is_empty() {
            return Err(IdentityError::Empty);
        }
        if text.chars().nth(longest).is_some() {
            return Err(IdentityError::TooLong { longest });
        }
        if text.chars().any(char::is_control) {
            return Err(IdentityError::Control);
        }
        if version != Version::V1_6 && text.contains(':') {
            return Err(IdentityError::Colon);
        }
        Ok(Self(text.into()))
    }

    /// The identity as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&*self.0, f)
    }
}

impl std::borrow::Borrow<str> for Identity {
    fn borrow(&self) -> &str {
        &self.0
    }
}

/// Why a text is no identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IdentityError {
    /// It is empty.
    #[error("an identity cannot be empty")]
    Empty,
    /// It is too long.
    #[error("an identity has at most {longest} characters")]
    TooLong {
        /// The most characters that the version allows.
        longest: usize,
    },
    /// It contains a control character.
    #[error("an identity contains no control characters")]
    Control,
    /// It contains a colon, which would make HTTP Basic credentials ambiguous.
    #[error("an identity contains no colon in OCPP 2.x")]
    Colon,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn length_is_counted_in_characters() {
        assert!(Identity::parse(&"é".repeat(48), Version::V2_0_1).is_ok());
        assert_eq!(
            Identity::parse(&"é".repeat(49), Version::V2_1),
            Err(IdentityError::TooLong { longest: 48 })
        );
        assert!(Identity::parse(&"x".repeat(255), Version::V1_6).is_ok());
        assert!(Identity::parse(&"x".repeat(256), Version::V1_6).is_err());
    }

    #[test]
    fn what_cannot_be_an_identity_is_refused() {
        for version in [Version::V1_6, Version::V2_0_1, Version::V2_1] {
            assert_eq!(Identity::parse("", version), Err(IdentityError::Empty));
            assert_eq!(Identity::parse("a\nb", version), Err(IdentityError::Control));
        }
    }
}
