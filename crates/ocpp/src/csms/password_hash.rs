//! Passwords that are known by their salted hash alone.

use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;

use aws_lc_rs::pbkdf2;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;

/// The octets of a salt.
pub const SALT_LENGTH: usize = 16;

const HASH_LENGTH: usize = 32;

/// The least that RFC 7677 §4 allows. A password of OCPP has at least 16 octets and is mostly a random one; a fleet that comes back at
/// once, on the other hand, has each of its passwords tried within seconds.
const ITERATIONS: NonZeroU32 = NonZeroU32::new(4096).unwrap();

/// The most that is tried: whoever writes a hash must not be able to keep a CSMS busy.
const MAX_ITERATIONS: u32 = 1_000_000;

/// The salted hash of a password: PBKDF2 with HMAC-SHA-256 (RFC 8018 §5.2).
///
/// Its text is that of the PHC string format, `$pbkdf2-sha256$i=4096$salt$hash`. `Debug` does not show it.
///
/// ```
/// use tieline_ocpp::csms::PasswordHash;
///
/// let hash = PasswordHash::of(b"open sesame 4711", [7; 16]);
/// assert!(hash.is_of(b"open sesame 4711") && !hash.is_of(b"open sesame 4712"));
/// assert_eq!(hash.to_string().parse(), Ok(hash));
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash {
    iterations: NonZeroU32,
    salt: [u8; SALT_LENGTH],
    hash: [u8; HASH_LENGTH],
}

/// The text is no hash of a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is no hash of a password")]
pub struct InvalidPasswordHash;

impl PasswordHash {
    /// The hash of a password. The salt must be random and of this password alone.
    pub fn of(password: &[u8], salt: [u8; SALT_LENGTH]) -> Self {
        let mut hash = [0; HASH_LENGTH];
        pbkdf2::derive(pbkdf2::PBKDF2_HMAC_SHA256, ITERATIONS, &salt, password, &mut hash);
        Self { iterations: ITERATIONS, salt, hash }
    }

    /// Whether it is the hash of this password. The comparison takes the same time for all hashes.
    pub fn is_of(&self, password: &[u8]) -> bool {
        pbkdf2::verify(pbkdf2::PBKDF2_HMAC_SHA256, self.iterations, &self.salt, password, &self.hash).is_ok()
    }
}

impl fmt::Display for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (salt, hash) = (STANDARD_NO_PAD.encode(self.salt), STANDARD_NO_PAD.encode(self.hash));
        write!(f, "$pbkdf2-sha256$i={}${salt}${hash}", self.iterations)
    }
}

impl FromStr for PasswordHash {
    type Err = InvalidPasswordHash;

    fn from_str(text: &str) -> Result<Self, InvalidPasswordHash> {
        let parts: Vec<&str> = text.split('$').collect();
        let ["", "pbkdf2-sha256", iterations, salt, hash] = parts[..] else {
            return Err(InvalidPasswordHash);
        };
        let iterations = iterations.strip_prefix("i=").and_then(|count| count.parse::<NonZeroU32>().ok());
        Ok(Self {
            iterations: iterations
                .filter(|count| count.get() <= MAX_ITERATIONS)
                .ok_or(InvalidPasswordHash)?,
            salt: octets(salt)?,
            hash: octets(hash)?,
        })
    }
}

fn octets<const N: usize>(text: &str) -> Result<[u8; N], InvalidPasswordHash> {
    let octets = STANDARD_NO_PAD.decode(text).map_err(|_| InvalidPasswordHash)?;
    octets.try_into().map_err(|_| InvalidPasswordHash)
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PasswordHash").field("iterations", &self.iterations).finish_non_exhaustive()
    }
}

impl serde::Serialize for PasswordHash {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for PasswordHash {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_test_vector_of_rfc_7677_is_reproduced() {
        // §3: user "user", password "pencil", salt W22ZaJ0SNY7soEsUEjb6gQ==, i=4096; the server's key follows from the salted password.
        let salt: [u8; 16] = base64::engine::general_purpose::STANDARD
            .decode("W22ZaJ0SNY7soEsUEjb6gQ==")
            .unwrap()
            .try_into()
            .unwrap();
        let salted = PasswordHash::of(b"pencil", salt).hash;
        let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, &salted);
        let server_key = aws_lc_rs::hmac::sign(&key, b"Server Key");
        let message = "n=user,r=rOprNGfwEbeRWgbNEkqO,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,\
                       s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
        let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, server_key.as_ref());
        let signature = aws_lc_rs::hmac::sign(&key, message.as_bytes());
        let expected = "6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=";
        assert_eq!(base64::engine::general_purpose::STANDARD.encode(signature), expected);
    }

    #[test]
    fn a_password_of_any_octets_is_known_by_its_hash_alone() {
        let key: Vec<u8> = (0..16).chain([0xFF; 4]).collect();
        let hash = PasswordHash::of(&key, [1; 16]);
        assert!(hash.is_of(&key));
        assert!(!hash.is_of(&key[..19]) && !hash.is_of(b""));
        assert_ne!(hash, PasswordHash::of(&key, [2; 16]), "the salt counts");
        let text = serde_json::to_string(&hash).unwrap();
        assert_eq!(serde_json::from_str::<PasswordHash>(&text).unwrap(), hash);
        assert!(!format!("{hash:?}").contains('$'));
    }

    #[test]
    fn what_is_no_hash_is_refused() {
        let good = PasswordHash::of(b"open sesame 4711", [7; 16]).to_string();
        for bad in [
            String::new(),
            good.replace("sha256", "sha1"),
            good.replace("i=4096", "i=0"),
            good.replace("i=4096", "i=4000000000"),
            good[..good.len() - 4].to_owned(),
            format!("{good}$"),
        ] {
            assert_eq!(bad.parse::<PasswordHash>(), Err(InvalidPasswordHash), "{bad}");
        }
    }
}
