use std::fmt;
use std::sync::Arc;

use tieline_types::Clock;
use uuid::Uuid;

/// What a node takes from the world besides the network and its database: the time, and what must not repeat.
#[derive(Clone, Debug)]
pub struct Environment {
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Identifiers and chance.
    pub ids: Arc<dyn Ids>,
}

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
