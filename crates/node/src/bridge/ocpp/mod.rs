//! OCPP: sessions in, set-points out, in all three versions.

mod admission;
mod booking;
mod commanding;
mod enrolment;
mod entrance;
mod known;
mod onlooker;
mod probing;
mod steering;
mod v16;
mod v2x;

use std::sync::Arc;

use tieline_ocpp::types::DateTime;
use tieline_ocpp::{CallError, ErrorCode, Ocpp, Peer};
use tieline_service::{After, HoldTime, Router, Routes, Trace};
use tieline_store::StoreError;
use tieline_types::Clock as _;
use tokio::sync::Mutex;

use self::known::note_boot;
use crate::config::OcppConfig;
use crate::fleet::Made;
use crate::role::agr::Agr;

use admission::Admission;
use onlooker::Onlooker;

pub(crate) use commanding::Commanding;
pub(crate) use enrolment::Enrolment;
pub(crate) use entrance::Entrance;
pub(crate) use known::nobody_is_there;
pub(crate) use probing::{Probing, Questions};
pub(crate) use steering::Steering;

/// The chargers' side of an aggregator.
#[derive(Clone, Debug)]
pub(crate) struct Chargers {
    pub(crate) agr: Agr,
    pub(crate) config: Arc<OcppConfig>,
    /// Whose turn it is to number a transaction.
    numbering: Arc<Mutex<()>>,
    questions: Questions,
}

impl Chargers {
    pub(crate) fn of(agr: Agr, config: Arc<OcppConfig>, questions: Questions) -> Self {
        Self { agr, config, numbering: Arc::default(), questions }
    }

    /// A charger has booted: it is noted, and once it knows that it is accepted, it may be asked what it can do.
    async fn booted(&self, peer: &Peer, made: Made) -> Result<After, StoreError> {
        note_boot(&self.agr.context, peer, &made).await?;
        let (chargers, peer) = (self.clone(), peer.clone());
        Ok(After::new(async move {
            chargers.questions.on_boot(&chargers.agr, peer.identity().as_str(), peer.version(), &made);
        }))
    }

    /// The CSMS: what chargers ask, in every version.
    pub(crate) fn routes(self) -> Routes<Ocpp> {
        let router = v2x::routes(v16::routes(Router::new()));
        let clock = Arc::clone(&self.agr.context.environment.clock);
        router.layer(Trace::new()).layer(HoldTime::new(clock)).with_state(self)
    }

    fn now(&self) -> DateTime {
        DateTime::from_timestamp(self.agr.context.environment.clock.now())
    }

    fn heartbeat_seconds(&self) -> i32 {
        i32::try_from(self.config.heartbeat_interval.get().as_secs()).unwrap_or(i32::MAX)
    }
}

/// The charger's message is not served now; it will repeat it.
#[derive(Debug)]
pub(crate) struct NotServed(StoreError);

impl From<StoreError> for NotServed {
    fn from(failure: StoreError) -> Self {
        Self(failure)
    }
}

impl From<NotServed> for tieline_ocpp::Answer {
    fn from(NotServed(failure): NotServed) -> Self {
        tracing::error!(cause = %failure, "a charger's message was not served");
        CallError::new(ErrorCode::InternalError, "The message could not be stored").into()
    }
}
