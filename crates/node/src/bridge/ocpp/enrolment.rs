use tieline_edge::work::Turn;
use tieline_ocpp::Registry;
use tieline_store::{ChangeSet, StoreError};
use tracing::info;

use super::known::note_there;
use crate::role::agr::Agr;
use crate::roster::Difference;

/// Heeds what an operator adds to the chargers in the store and removes from them while the node runs.
#[derive(Clone, Debug)]
pub(crate) struct Enrolment {
    pub(crate) agr: Agr,
    pub(crate) registry: Registry,
}

impl Enrolment {
    pub(crate) async fn turn(&self) -> Result<Turn, StoreError> {
        let agr = &self.agr;
        let Difference { added, removed } = agr.roster.refresh(&agr.context).await?;
        let mut changes = ChangeSet::new();
        for listed in &removed {
            let charger = &listed.charger;
            info!(charger = charger.identity, "was removed");
            agr.absences.came(&charger.identity);
            if !agr.roster.has_others()
                && let Some(peer) = self.registry.get(&charger.identity)
            {
                peer.close("this charging station was removed");
            }
            // The others make up for it.
            if let Some(point) = agr.congestion_point_of(charger) {
                agr.want_plan(point, &mut changes)?;
            }
        }
        for listed in &added {
            let identity = &listed.charger.identity;
            info!(charger = identity, "was added");
            match self.registry.get(identity) {
                // Another CSMS had let it in before.
                Some(peer) => {
                    agr.absences.came(identity);
                    note_there(&agr.context, &peer).await?;
                }
                None => agr.absences.went(identity, agr.context.now()),
            }
        }
        if !changes.is_empty() {
            agr.context.commit(changes).await?;
        }
        Ok(Turn::Until(None))
    }
}
