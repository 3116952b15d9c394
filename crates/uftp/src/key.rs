//! Ed25519 keys as UFTP writes them down.

mod signer;
mod signing;
mod verifying;

pub use signer::{OwnKeys, Signer, SignerError};
pub use signing::SigningKey;
pub use verifying::VerifyingKey;

/// A text or a number of bytes that is no key.
///
/// It repeats nothing of what it was made from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// The text is not Base64.
    #[error("the key is not Base64")]
    Base64,
    /// The number of bytes is wrong.
    #[error("the key has {found} bytes, not {expected}")]
    Length {
        /// How many bytes there are.
        found: usize,
        /// How many there should be.
        expected: &'static str,
    },
    /// The second half of a private key is not the public key of its first half.
    #[error("the public half of the private key does not belong to its secret half")]
    Halves,
    /// The bytes are no point of the curve, or one of small order with which anybody can sign.
    #[error("the public key is not a valid Ed25519 point")]
    Point,
}
