//! Identifiers and chance.

use std::fmt;

use uuid::Uuid;

/// Where identifiers and chance come from; a seeded one makes a run repeatable.
pub trait Ids: fmt::Debug + Send + Sync + 'static {
    /// A UUID that nobody has used.
    fn uuid(&self) -> Uuid;

    /// Any number, for jitter.
    fn random(&self) -> u64;
}

/// The operating system's randomness.
#[derive(Clone, Copy, Debug, Default)]
pub struct RandomIds;

impl Ids for RandomIds {
    #[expect(clippy::disallowed_methods, reason = "this is the edge that randomness enters by")]
    fn uuid(&self) -> Uuid {
        Uuid::new_v4()
    }

    fn random(&self) -> u64 {
        self.uuid().as_u64_pair().1
    }
}
