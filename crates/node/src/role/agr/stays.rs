//! How long drivers stay, learned from sessions that are over.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tieline_flex::{Stay, StayDistribution};
use tieline_store::{ChangeSet, Records as _, StoreError};
use tieline_types::EntityAddress;

use super::Agr;
use crate::fleet::{Session, SessionKey};

/// How long the drivers at a congestion point stay.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Stays {
    congestion_point: EntityAddress,
    distribution: StayDistribution,
}

record!(Stays, "stays", |this| {
    key: this.congestion_point.to_string(),
    subject: this.congestion_point.to_string(),
    span: None,
    open: false,
});

/// A session that has ended, until the next plan learns from it: when a whole site ends at once, each report writes a record of
/// its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct EndedStay {
    session: SessionKey,
    congestion_point: EntityAddress,
    arrival: Timestamp,
    departure: Timestamp,
    /// When the driver had said to leave.
    stated: Option<Timestamp>,
    is_learned: bool,
}

record!(EndedStay, "ended-stay", |this| {
    key: this.session.to_string(),
    subject: this.congestion_point.to_string(),
    span: None,
    open: !this.is_learned,
});

impl Agr {
    /// How long drivers stay, as far as it was learned.
    pub(super) async fn stays(&self, point: &EntityAddress) -> Result<StayDistribution, StoreError> {
        let known = self.context.store.record::<Stays>(point.as_str()).await?;
        Ok(known.map_or_else(|| self.nothing_learned(), |known| known.value.distribution))
    }

    fn nothing_learned(&self) -> StayDistribution {
        StayDistribution::new(self.calendar.time_zone().clone())
    }

    /// Has the next plan learn from a session that has ended; once, even if its end is corrected later.
    pub(crate) async fn learn_stay(
        &self,
        session: &Session,
        changes: &mut ChangeSet,
    ) -> Result<(), StoreError> {
        let Some(departure) = session.ended else { return Ok(()) };
        let known = self.context.store.record::<EndedStay>(&session.key.to_string()).await?;
        if known.is_some_and(|known| known.value.is_learned) {
            return Ok(());
        }
        changes.put(&EndedStay {
            session: session.key.clone(),
            congestion_point: session.congestion_point.clone(),
            arrival: session.started,
            departure,
            stated: session.stated.and_then(|stated| stated.departure),
            is_learned: false,
        })?;
        Ok(())
    }

    /// Learns from the sessions that have ended at a congestion point since the last time.
    pub(super) async fn learn_stays(
        &self,
        point: &EntityAddress,
        changes: &mut ChangeSet,
    ) -> Result<(), StoreError> {
        let mut ended = self.context.store.open_records::<EndedStay>().await?;
        ended.retain(|stay| stay.value.congestion_point == *point);
        if ended.is_empty() {
            return Ok(());
        }
        let known = self.context.store.record::<Stays>(point.as_str()).await?;
        let (mut distribution, version) = known
            .map_or_else(|| (self.nothing_learned(), 0), |known| (known.value.distribution, known.version));
        for stay in ended {
            let EndedStay { arrival, departure, stated, .. } = stay.value;
            distribution.learn(&Stay { arrival, departure, stated });
            changes.replace(&EndedStay { is_learned: true, ..stay.value }, stay.version)?;
        }
        changes.replace(&Stays { congestion_point: point.clone(), distribution }, version)?;
        Ok(())
    }
}
