//! The private key.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::Signer as _;
use zeroize::Zeroizing;

use super::{KeyError, VerifyingKey};

/// The key with which a participant signs.
///
/// Read from Base64 of either 64 bytes (seed and public key, as libsodium keeps it) or the 32 bytes of the seed.
/// It is wiped from memory when dropped, and neither `Debug` nor an error shows it.
///
/// ```
/// use tieline_uftp::SigningKey;
///
/// let key: SigningKey = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=".parse()?;
/// assert_eq!(key.verifying_key().to_base64(), "A6EHv/POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg=");
/// # Ok::<(), tieline_uftp::KeyError>(())
/// ```
#[derive(Clone)]
pub struct SigningKey(ed25519_dalek::SigningKey);

impl SigningKey {
    /// The key of a seed of 32 bytes.
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        Self(ed25519_dalek::SigningKey::from_bytes(seed))
    }

    /// The key in 64 bytes (seed and public key) or 32 (seed).
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, KeyError> {
        if let Ok(seed) = bytes.try_into() {
            return Ok(Self::from_seed(seed));
        }
        let pair: &[u8; 64] =
            bytes.try_into().map_err(|_| KeyError::Length { found: bytes.len(), expected: "64 or 32" })?;
        ed25519_dalek::SigningKey::from_keypair_bytes(pair).map(Self).map_err(|_| KeyError::Halves)
    }

    /// The key in 64 bytes and Base64, as libsodium keeps it. It is a secret; the text is wiped when dropped.
    pub fn to_base64(&self) -> Zeroizing<String> {
        let bytes = Zeroizing::new(self.0.to_keypair_bytes());
        Zeroizing::new(STANDARD.encode(bytes.as_slice()))
    }

    /// The public key that belongs to it.
    pub fn verifying_key(&self) -> VerifyingKey {
        VerifyingKey::of(&self.0)
    }

    /// The signature of `message`: always the same for the same bytes.
    pub fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.0.sign(message).to_bytes()
    }
}

impl FromStr for SigningKey {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        let bytes = Zeroizing::new(STANDARD.decode(text.trim()).map_err(|_| KeyError::Base64)?);
        Self::from_bytes(&bytes)
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey(of {})", self.verifying_key())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SEED: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
    const PAIR: &str =
        "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8DoQe/884Qvh1w3RjnS8CZZ+TWMJulDV8d3IZkElUxuA==";

    #[test]
    fn both_forms_are_the_same_key() {
        let (seed, pair): (SigningKey, SigningKey) = (SEED.parse().unwrap(), PAIR.parse().unwrap());
        assert_eq!(seed.sign(b"x"), pair.sign(b"x"));
        assert_eq!(*seed.to_base64(), PAIR);
    }

    #[test]
    fn debug_shows_no_secret() {
        let shown = format!("{:?}", PAIR.parse::<SigningKey>().unwrap());
        assert!(!shown.contains("AAECAwQFBgcI"), "{shown}");
        assert_eq!(shown, "SigningKey(of cs1.A6EHv/POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg=)");
    }

    #[test]
    fn refuses_what_is_no_key() {
        let mut other_half = STANDARD.decode(PAIR).unwrap();
        other_half[63] ^= 1;
        assert_eq!(SigningKey::from_bytes(&other_half).unwrap_err(), KeyError::Halves);
        assert!(matches!(SigningKey::from_bytes(&[0; 33]).unwrap_err(), KeyError::Length { found: 33, .. }));
        assert_eq!("not base64!".parse::<SigningKey>().unwrap_err(), KeyError::Base64);
    }
}
