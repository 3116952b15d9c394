use tieline_store::{Records as _, Store, StoreError};
use tieline_types::{Amount, EntityAddress, IspDay};

use super::day::{LedgerAmounts, LedgerSettlement, LedgerSettlementIsp, LedgerSettlementItem};
use super::isps::Books;
use crate::market::{ItemStatus, Settlement, SettlementItem, SettlementState};

/// The settlements that have items of a day at a point, with these items only.
pub(super) async fn settlements(
    store: &dyn Store,
    books: &Books,
    point: &EntityAddress,
    day: &IspDay,
) -> Result<Vec<LedgerSettlement>, StoreError> {
    let mut settlements = Vec::new();
    for counterparty in books.counterparties() {
        let found = store.records_of::<Settlement>(counterparty.as_str(), Some(day.span())).await?;
        for settlement in found.into_iter().map(|stored| stored.value) {
            let here = |item: &&SettlementItem| item.congestion_point == *point && item.period == day.date();
            let items: Vec<LedgerSettlementItem> = settlement.items.iter().filter(here).map(item).collect();
            if !items.is_empty() {
                settlements.push(LedgerSettlement {
                    counterparty: settlement.counterparty,
                    period_start: settlement.period_start,
                    period_end: settlement.period_end,
                    currency: settlement.currency,
                    state: match settlement.state {
                        SettlementState::Sent => "sent".to_owned(),
                        SettlementState::Answered => "answered".to_owned(),
                        SettlementState::Rejected { reason } => format!("rejected: {reason}"),
                        SettlementState::Undeliverable { cause } => format!("undeliverable: {cause}"),
                    },
                    net: Amount::rounded(items.iter().map(|item| item.net.value()).sum()),
                    items,
                });
            }
        }
    }
    Ok(settlements)
}

fn item(item: &SettlementItem) -> LedgerSettlementItem {
    let (accepted, dispute) = match &item.status {
        ItemStatus::Open => (None, None),
        ItemStatus::Accepted => (Some(true), None),
        ItemStatus::Disputed { reason } => (Some(false), Some(reason.clone())),
    };
    LedgerSettlementItem {
        reference: item.reference.clone(),
        price: item.price,
        penalty: item.penalty,
        net: item.net,
        own: item.own.map(|own| LedgerAmounts { price: own.price, penalty: own.penalty, net: own.net }),
        accepted,
        dispute,
        unmeasured: !item.unmeasured.is_empty(),
        isps: item
            .isps
            .iter()
            .map(|isp| LedgerSettlementIsp {
                isp: isp.isp,
                baseline: isp.baseline,
                ordered: isp.ordered,
                actual: isp.actual,
                delivered: isp.delivered,
                deficiency: isp.deficiency,
            })
            .collect(),
    }
}
