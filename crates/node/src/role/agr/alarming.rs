//! Calls a person where an order can't be kept.

use tieline_flex::{Plan, Shortfall};
use tieline_store::{ChangeSet, Records as _, StoreError};
use tieline_types::{EntityAddress, Power};
use tracing::{error, warn};

use super::Agr;
use super::planning::Promised;
use crate::market::ReportedShortfall;

/// What a plan may miss an order by, in percent of what was ordered, before a person is called.
const TOLERABLE: i64 = 5;

impl Agr {
    /// Notes where the plan misses an order on the wrong side, and calls a person where that matters: UFTP wants the grid
    /// operator told "through direct means" then. Once for each ISP and reason, however often the plan is made.
    pub(super) async fn report(
        &self,
        point: &EntityAddress,
        promises: &[Promised],
        plan: &Plan,
        changes: &mut ChangeSet,
    ) -> Result<(), StoreError> {
        for shortfall in &plan.shortfalls {
            let ordered = promises.iter().find(|known| known.target.span.encloses(shortfall.span));
            let Some(ordered) = ordered else { continue };
            let missed = missed(ordered, shortfall);
            if missed > Power::ZERO {
                let is_grave = missed.watts() > tolerable(ordered.change);
                self.note(point, ordered, shortfall, is_grave, changes).await?;
            }
        }
        Ok(())
    }

    async fn note(
        &self,
        point: &EntityAddress,
        ordered: &Promised,
        shortfall: &Shortfall,
        is_grave: bool,
        changes: &mut ChangeSet,
    ) -> Result<(), StoreError> {
        let Shortfall { target, planned, reason, .. } = shortfall;
        let isp = ordered.target.span;
        let key = ReportedShortfall::key_of(point, isp.start());
        let known = self.context.store.record::<ReportedShortfall>(&key).await?.map(|known| known.value);
        let (warned, alarmed) = known.map_or_else(Default::default, |known| (known.warned, known.alarmed));
        let mut reported = ReportedShortfall {
            congestion_point: point.clone(),
            span: isp,
            target: *target,
            planned: *planned,
            reason: reason.to_string(),
            warned,
            alarmed,
        };
        let promised = ordered.target.power;
        if reported.note(is_grave) {
            let label = if is_grave {
                error!(congestion_point = %point, from = %isp.start(), %promised, %target, %planned, %reason, "an order can't be kept: call the grid operator");
                "Alarm"
            } else {
                warn!(congestion_point = %point, from = %isp.start(), %promised, %target, %planned, %reason, "an order can't be kept exactly");
                "Shortfall"
            };
            let (start, end) = (isp.start(), isp.end());
            let grounds = format!(
                "{start} to {end}: promised {promised}, from now on {target}, planned {planned}: {reason}"
            );
            changes.decide(self.context.now(), "agr", point.to_string(), label, "", grounds);
        }
        changes.put(&reported)?;
        Ok(())
    }
}

/// What is missing of a reduction or an increase. Missing an order on the other side does no harm.
fn missed(ordered: &Promised, shortfall: &Shortfall) -> Power {
    let Shortfall { target, planned, .. } = shortfall;
    if ordered.change > Power::ZERO {
        target.saturating_sub(*planned)
    } else {
        planned.saturating_sub(*target)
    }
}

fn tolerable(change: Power) -> i64 {
    i64::try_from(change.magnitude()).unwrap_or(i64::MAX).saturating_mul(TOLERABLE) / 100
}
