use std::fmt;
use std::sync::Arc;

use tieline_edge::SystemClock;
use tieline_edge::virtual_clock::VirtualClock;
use tieline_types::{Busy, Clock};
use uuid::Uuid;

use crate::{Config, NodeError};

/// What a node takes from the world besides the network and its database: the time, and what must not repeat.
#[derive(Clone, Debug)]
pub struct Environment {
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Identifiers and chance.
    pub ids: Arc<dyn Ids>,
}

impl Environment {
    /// The operating system's chance, and the clock that the configuration names: the wall clock, or that of a time server,
    /// which is asked for the time.
    ///
    /// Hold the guard until the node has [started](crate::Node::start).
    pub async fn connect(config: &Config) -> Result<(Self, Busy), NodeError> {
        let (clock, starting): (Arc<dyn Clock>, Busy) = match &config.clock {
            None => (Arc::new(SystemClock), Busy::unheeded()),
            Some(virtual_clock) => {
                let (clock, starting) =
                    VirtualClock::connect(virtual_clock.server, &virtual_clock.name).await?;
                (Arc::new(clock), starting)
            }
        };
        Ok((Self { clock, ids: Arc::new(RandomIds) }, starting))
    }
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
