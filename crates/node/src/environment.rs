use std::sync::Arc;

use tieline_edge::virtual_clock::VirtualClock;
use tieline_edge::{Ids, RandomIds, SystemClock};
use tieline_types::{Busy, Clock};

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
