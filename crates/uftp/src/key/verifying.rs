//! The public key.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::Signature;

use super::KeyError;

/// How a published key begins: cipher suite 1, Ed25519.
const SUITE: &str = "cs1.";

/// The key with which a participant's signatures are checked.
///
/// Read from Base64 of its 32 bytes, with or without `cs1.` before it, or from the published form of 64 bytes
/// whose second half is a key for encryption, which nobody uses. Written with `cs1.` and 32 bytes.
///
/// ```
/// use tieline_uftp::VerifyingKey;
///
/// let key: VerifyingKey = "cs1.A6EHv/POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg=".parse()?;
/// assert_eq!(key, "A6EHv/POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg=".parse()?);
/// # Ok::<(), tieline_uftp::KeyError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct VerifyingKey(ed25519_dalek::VerifyingKey);

impl VerifyingKey {
    pub(super) fn of(key: &ed25519_dalek::SigningKey) -> Self {
        Self(key.verifying_key())
    }

    /// The key in 32 bytes. A key of small order, with which anybody could sign, is refused.
    pub fn from_bytes(bytes: &[u8; 32]) -> Result<Self, KeyError> {
        match ed25519_dalek::VerifyingKey::from_bytes(bytes) {
            Ok(key) if !key.is_weak() => Ok(Self(key)),
            _ => Err(KeyError::Point),
        }
    }

    /// The 32 bytes.
    pub fn to_bytes(&self) -> [u8; 32] {
        self.0.to_bytes()
    }

    /// The 32 bytes in Base64, without `cs1.`.
    pub fn to_base64(&self) -> String {
        STANDARD.encode(self.0.as_bytes())
    }

    /// Whether `signature` is this key's signature of `message`.
    ///
    /// Refuses what libsodium refuses: a scalar that is not reduced, and points of small order.
    pub fn verifies(&self, message: &[u8], signature: &[u8; 64]) -> bool {
        self.0.verify_strict(message, &Signature::from_bytes(signature)).is_ok()
    }
}

impl FromStr for VerifyingKey {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        let text = text.trim();
        let published = text.strip_prefix(SUITE);
        let bytes = STANDARD.decode(published.unwrap_or(text)).map_err(|_| KeyError::Base64)?;
        let (key, rest) =
            bytes.split_first_chunk::<32>().ok_or(KeyError::Length { found: bytes.len(), expected: "32" })?;
        match rest.len() {
            0 => Self::from_bytes(key),
            32 if published.is_some() => Self::from_bytes(key),
            _ => Err(KeyError::Length {
                found: bytes.len(),
                expected: if published.is_some() { "32 or 64" } else { "32" },
            }),
        }
    }
}

impl fmt::Display for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{SUITE}{}", self.to_base64())
    }
}

impl fmt::Debug for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VerifyingKey({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: &str = "JUO5L/EJVRFHatyDadtt3JM2ZaEZeN2hQE7hBmypVZ0=";
    const BOTH_HALVES: &str =
        "cs1.JUO5L/EJVRFHatyDadtt3JM2ZaEZeN2hQE7hBmypVZ0AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA==";

    #[test]
    fn every_published_form_is_the_same_key() {
        let plain: VerifyingKey = PLAIN.parse().unwrap();
        assert_eq!(BOTH_HALVES.parse(), Ok(plain));
        assert_eq!(format!("cs1.{PLAIN}").parse(), Ok(plain));
        assert_eq!(plain.to_string().parse(), Ok(plain));
    }

    #[test]
    fn refuses_what_is_no_key() {
        assert_eq!("cs2.x".parse::<VerifyingKey>(), Err(KeyError::Base64));
        assert_eq!(
            BOTH_HALVES[4..].parse::<VerifyingKey>(),
            Err(KeyError::Length { found: 64, expected: "32" })
        );
        assert!(matches!("cs1.AAAA".parse::<VerifyingKey>(), Err(KeyError::Length { found: 3, .. })));
        // The neutral element, and a y that no point has.
        let mut neutral = [0; 32];
        neutral[0] = 1;
        assert_eq!(VerifyingKey::from_bytes(&neutral), Err(KeyError::Point));
        let mut off_curve = [0; 32];
        off_curve[0] = 2;
        assert_eq!(VerifyingKey::from_bytes(&off_curve), Err(KeyError::Point));
    }

    #[test]
    fn a_signature_holds_for_its_message_only() {
        let key = super::super::SigningKey::from_seed(&[7; 32]);
        let mut signature = key.sign(b"message");
        assert!(key.verifying_key().verifies(b"message", &signature));
        assert!(!key.verifying_key().verifies(b"massage", &signature));
        signature[63] |= 0xf0;
        assert!(!key.verifying_key().verifies(b"message", &signature));
    }
}
