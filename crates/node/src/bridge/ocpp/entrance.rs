use std::sync::Arc;

use tieline_ocpp::csms::Csms;
use tieline_ocpp::proxy::Proxy;
use tieline_ocpp::{Limits, Registry};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::{Admission, Chargers, Onlooker};
use crate::NodeError;
use crate::config::ProxyConfig;

/// Messages that are kept for the book while it is slow.
const KEPT: usize = 65_536;

/// What takes chargers' connections, and who is connected: their CSMS, or what stands in front of another one.
pub(crate) struct Entrance {
    pub(crate) registry: Registry,
    pub(crate) service: axum::Router,
}

impl Entrance {
    /// It closes when the node stops.
    pub(crate) fn of(
        chargers: Chargers,
        stop: &CancellationToken,
        tasks: &TaskTracker,
    ) -> Result<Self, NodeError> {
        match chargers.config.proxy.clone() {
            Some(behind) => Self::in_front(chargers, behind, stop, tasks),
            None => Ok(Self::own(chargers, stop, tasks)),
        }
    }

    fn own(chargers: Chargers, stop: &CancellationToken, tasks: &TaskTracker) -> Self {
        let (config, context) = (Arc::clone(&chargers.config), chargers.agr.context.clone());
        let roster = chargers.agr.roster.clone();
        let clock = Arc::clone(&context.environment.clock);
        let csms = Csms::builder(chargers.routes())
            .limits(limits(&config))
            .authenticate(Admission { context, roster })
            .prefix(config.path.clone())
            .clock(clock)
            .build();
        let (sessions, stop) = (csms.clone(), stop.clone());
        tasks.spawn(async move {
            stop.cancelled().await;
            sessions.shut_down().await;
        });
        Self { registry: csms.registry().clone(), service: axum::Router::new().fallback_service(csms) }
    }

    fn in_front(
        chargers: Chargers,
        behind: ProxyConfig,
        stop: &CancellationToken,
        tasks: &TaskTracker,
    ) -> Result<Self, NodeError> {
        let proxy = Proxy::builder(&behind.csms).map_err(|cause| NodeError::Unusable(cause.to_string()))?;
        let proxy = proxy
            .prefix(chargers.config.path.clone())
            .connector(behind.connector)
            .limits(limits(&chargers.config))
            .kept_frames(KEPT)
            .build();
        tasks.spawn(Onlooker::of(chargers).watch(proxy.frames(), stop.clone()));
        let (sessions, stop) = (proxy.clone(), stop.clone());
        tasks.spawn(async move {
            stop.cancelled().await;
            sessions.shut_down().await;
        });
        Ok(Self { registry: proxy.registry().clone(), service: axum::Router::new().fallback_service(proxy) })
    }
}

fn limits(config: &crate::config::OcppConfig) -> Limits {
    let mut limits = Limits::default();
    limits.message_rate = config.message_rate;
    limits
}
