//! Whatever signs for a participant.

use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;

use super::{SigningKey, VerifyingKey};

/// What signs for a participant: a key in memory, or one that never leaves its device (PKCS#11, a key service).
///
/// A signature is Ed25519 over the message itself. It is asked for while a message is being made, and must be there within
/// moments.
pub trait Signer: fmt::Debug + Send + Sync + 'static {
    /// The signature of `message`.
    fn sign(&self, message: &[u8]) -> Result<[u8; 64], SignerError>;

    /// The key with which it is checked.
    fn verifying_key(&self) -> VerifyingKey;
}

/// The signer does not sign now. Nothing is sent meanwhile; what caused it is tried again.
#[derive(Debug, thiserror::Error)]
#[error("the message cannot be signed: {0}")]
pub struct SignerError(#[source] pub Box<dyn std::error::Error + Send + Sync>);

impl Signer for SigningKey {
    fn sign(&self, message: &[u8]) -> Result<[u8; 64], SignerError> {
        Ok(Self::sign(self, message))
    }

    fn verifying_key(&self) -> VerifyingKey {
        Self::verifying_key(self)
    }
}

/// The keys with which a participant signs: one, or two while it changes its key.
///
/// During a change both public keys are published; from an instant on the new one signs.
#[derive(Debug, Clone)]
pub struct OwnKeys {
    current: Arc<dyn Signer>,
    next: Option<(Timestamp, Arc<dyn Signer>)>,
}

impl OwnKeys {
    /// One key.
    pub fn new(key: impl Signer) -> Self {
        Self { current: Arc::new(key), next: None }
    }

    /// The same, and from `instant` on another key in its place.
    pub fn changing_at(mut self, instant: Timestamp, next: impl Signer) -> Self {
        self.next = Some((instant, Arc::new(next)));
        self
    }

    /// The key that signs at `now`.
    pub fn at(&self, now: Timestamp) -> &dyn Signer {
        match &self.next {
            Some((from, next)) if *from <= now => &**next,
            _ => &*self.current,
        }
    }

    /// The public keys to be published, the current one first.
    pub fn published(&self) -> Vec<VerifyingKey> {
        let next = self.next.iter().map(|(_, next)| next.verifying_key());
        std::iter::once(self.current.verifying_key()).chain(next).collect()
    }
}

impl From<SigningKey> for OwnKeys {
    fn from(key: SigningKey) -> Self {
        Self::new(key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_key_signs_from_its_instant_on() {
        let (old, new) = (SigningKey::from_seed(&[1; 32]), SigningKey::from_seed(&[2; 32]));
        let instant = Timestamp::from_second(100).unwrap();
        let keys = OwnKeys::new(old.clone()).changing_at(instant, new.clone());
        let signs = |second| keys.at(Timestamp::from_second(second).unwrap()).verifying_key();
        assert_eq!(signs(99), old.verifying_key());
        assert_eq!(signs(100), new.verifying_key());
        assert_eq!(keys.published(), [old.verifying_key(), new.verifying_key()]);
    }
}
