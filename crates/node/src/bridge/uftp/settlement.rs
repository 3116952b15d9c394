//! FlexSettlement: from a grid operator's reckoning to an aggregator's check, and back.

use tieline_service::{Call, Extension, State};
use tieline_store::{ChangeSet, Records as _, StoreError, Timer};
use tieline_types::{Amount, IspRange, TimeSpan};
use tieline_uftp::message::{
    AcceptedDisputed, ContractSettlement, FlexOrderSettlement, FlexOrderSettlementIsp,
    FlexOrderSettlementStatus, FlexSettlement, FlexSettlementResponse, Response,
};
use tieline_uftp::value::MessageId;
use tieline_uftp::{Accepted, Noted, RejectionReason, Role, Text};
use tracing::{error, info, warn};

use super::{AgrMarket, DsoMarket, Verdict, Work, keep, unreadable};
use crate::market::{ItemStatus, Settlement, SettlementIsp, SettlementItem, SettlementState, message_key};
use crate::role::agr::Agr;
use crate::role::dso::Settling;

impl DsoMarket {
    /// The timer of an aggregator and a period that is over: what was ordered is settled.
    pub(crate) async fn settle(&self, fired: Timer) -> Result<ChangeSet, StoreError> {
        let now = self.dso.context.now();
        let mut changes = ChangeSet::new();
        let settling = self.dso.settle(&fired.subject).await?;
        let again = self.dso.look_again(&fired);
        changes.clear_timer(fired);
        match settling {
            None => {}
            Some(Settling::Waiting { missing }) => {
                warn!(missing = missing.join(", "), until = %again.due, "a settlement waits");
                changes.set_timer(again);
            }
            Some(Settling::Settled(settlements)) => {
                for (settlement, claims) in settlements {
                    let message = self.write_settlement(&settlement);
                    let agr = settlement.counterparty.to_string();
                    let conversation = settlement.conversation_id.to_string();
                    let unmeasured: Vec<&str> = settlement
                        .items
                        .iter()
                        .filter(|item| !item.unmeasured.is_empty())
                        .map(|item| item.reference.as_str())
                        .collect();
                    if !unmeasured.is_empty() {
                        let grounds = format!(
                            "settled as not delivered, since metering is missing: {}",
                            unmeasured.join(", ")
                        );
                        error!(agr, grounds, "a settlement without metering");
                        changes.decide(now, "dso", agr.clone(), "Unmeasured", conversation.clone(), grounds);
                    }
                    info!(agr, orders = settlement.items.len(), net = %total(&settlement), "settled");
                    let grounds = format!("{} orders, net {}", settlement.items.len(), total(&settlement));
                    changes.decide(now, "dso", agr, "Settled", conversation, grounds);
                    for mut claim in claims {
                        claim.value.settlement = Some(settlement.message_id);
                        changes.replace(&claim.value, claim.version)?;
                    }
                    changes.put(&settlement)?.append(self.letters.sealed(message, Role::Agr)?);
                }
            }
        }
        Ok(changes)
    }

    fn write_settlement(&self, settlement: &Settlement) -> FlexSettlement {
        let mut header =
            self.letters.header(&settlement.counterparty, Role::Agr, Some(settlement.conversation_id));
        header.message_id = MessageId::from(settlement.message_id);
        FlexSettlement {
            header,
            response: Response::ACCEPTED,
            period_start: settlement.period_start,
            period_end: settlement.period_end,
            currency: settlement.currency,
            orders: settlement.items.iter().map(write_item).collect(),
            contracts: vec![ContractSettlement::nothing_reserved(settlement.period_start)],
        }
    }
}

/// What is paid in all.
fn total(settlement: &Settlement) -> Amount {
    let nets = settlement.items.iter().map(|item| item.net.value());
    Amount::rounded(nets.sum())
}

fn write_item(item: &SettlementItem) -> FlexOrderSettlement {
    FlexOrderSettlement {
        order_reference: Some(Text::lossy(&item.reference)),
        period: item.period,
        contract_id: None,
        d_prognosis_message_id: item.prognosis.map(MessageId::from),
        baseline_reference: None,
        congestion_point: item.congestion_point.clone(),
        price: item.price,
        penalty: item.penalty,
        net_settlement: item.net,
        isps: item
            .isps
            .iter()
            .map(|isp| FlexOrderSettlementIsp {
                range: IspRange::single(isp.isp),
                baseline: isp.baseline,
                ordered: isp.ordered,
                actual: isp.actual,
                delivered: isp.delivered,
                deficiency: isp.deficiency,
            })
            .collect(),
    }
}

pub(super) async fn note_response(
    call: Call<FlexSettlementResponse>,
    State(market): State<DsoMarket>,
    Extension(work): Extension<Work>,
) -> Result<Noted, Verdict> {
    let id = call.flex_settlement_message_id;
    let agr = &call.header.sender_domain;
    let known = market.dso.context.store.record::<Settlement>(&message_key(agr, id)).await?;
    let Some(mut settlement) = known else {
        warn!(%agr, settlement = %id, "an answer to a settlement that was never sent");
        return Ok(Noted);
    };
    if settlement.value.state != SettlementState::Sent {
        return Ok(Noted);
    }
    let rejection = (!call.response.is_accepted()).then(|| RejectionReason::join(&call.response.reasons()));
    let mut disputed = Vec::new();
    for item in &mut settlement.value.items {
        item.status = status(item, &call.statuses, rejection.as_deref());
        if let ItemStatus::Disputed { reason } = &item.status {
            disputed.push(format!("{}: {reason}", item.reference));
        }
    }
    let mut changes = ChangeSet::new();
    if !disputed.is_empty() {
        let grounds = disputed.join("\n");
        error!(%agr, settlement = %id, grounds, "the settlement is disputed");
        let conversation = settlement.value.conversation_id.to_string();
        changes.decide(market.dso.context.now(), "dso", agr.to_string(), "Disputed", conversation, grounds);
    }
    settlement.value.state = match rejection {
        None => SettlementState::Answered,
        Some(reason) => SettlementState::Rejected { reason },
    };
    changes.replace(&settlement.value, settlement.version)?;
    keep(&work, changes);
    Ok(Noted)
}

/// What an answer says to an item. A rejection disputes all; what an acceptance does not name is not settled either.
fn status(item: &SettlementItem, told: &[FlexOrderSettlementStatus], rejection: Option<&str>) -> ItemStatus {
    if let Some(reason) = rejection {
        return ItemStatus::Disputed { reason: reason.to_owned() };
    }
    let named = told.iter().find(|status| {
        status.order_reference.as_ref().is_some_and(|known| *known == item.reference.as_str())
    });
    match named {
        Some(status) if status.disposition == AcceptedDisputed::Accepted => ItemStatus::Accepted,
        Some(status) => ItemStatus::Disputed {
            reason: status
                .dispute_reason
                .as_ref()
                .map_or("no reason is given".to_owned(), ToString::to_string),
        },
        None => ItemStatus::Disputed { reason: "the answer does not name it".to_owned() },
    }
}

pub(super) async fn take(
    call: Call<FlexSettlement>,
    State(market): State<AgrMarket>,
    Extension(work): Extension<Work>,
) -> Result<Accepted, Verdict> {
    let agr = &market.agr;
    let mut settlement = read_settlement(&call, agr)?;
    agr.compare(&mut settlement).await?;
    let dso = &settlement.counterparty;
    let mut changes = ChangeSet::new();
    let mut statuses = Vec::with_capacity(settlement.items.len());
    for (item, written) in settlement.items.iter().zip(&call.orders) {
        let reference = written.order_reference.clone();
        statuses.push(match &item.status {
            ItemStatus::Disputed { reason } => {
                error!(%dso, order = item.reference, reason, "a settlement item is disputed");
                let conversation = settlement.conversation_id.to_string();
                let grounds = format!("{}: {reason}", item.reference);
                changes.decide(agr.context.now(), "agr", dso.to_string(), "Disputed", conversation, grounds);
                FlexOrderSettlementStatus::disputed(reference, reason)
            }
            _ => FlexOrderSettlementStatus::accepted(reference),
        });
    }
    info!(%dso, orders = settlement.items.len(), net = %total(&settlement), "settled");
    changes.put(&settlement)?;
    keep(&work, changes);
    Ok(Accepted::Items(statuses))
}

fn read_settlement(message: &FlexSettlement, agr: &Agr) -> Result<Settlement, StoreError> {
    let day = |date| agr.calendar.day(date).map_err(|cause| unreadable(&cause));
    let (start, end) = (day(message.period_start)?.start(), day(message.period_end)?.end());
    let span = TimeSpan::new(start, end).ok_or_else(|| unreadable(&"it ends before it starts"))?;
    Ok(Settlement {
        message_id: message.header.message_id.uuid(),
        conversation_id: message.header.conversation_id.uuid(),
        counterparty: message.header.sender_domain.clone(),
        period_start: message.period_start,
        period_end: message.period_end,
        span,
        currency: message.currency,
        items: message.orders.iter().map(read_item).collect(),
        state: SettlementState::Answered,
    })
}

/// A run of ISPs becomes single ones.
fn read_item(item: &FlexOrderSettlement) -> SettlementItem {
    let single = |isp: &FlexOrderSettlementIsp| {
        let isp = *isp;
        isp.range.iter().map(move |number| SettlementIsp {
            isp: number,
            baseline: isp.baseline,
            ordered: isp.ordered,
            actual: isp.actual,
            delivered: isp.delivered,
            deficiency: isp.deficiency,
        })
    };
    SettlementItem {
        reference: item.order_reference.as_ref().map(ToString::to_string).unwrap_or_default(),
        congestion_point: item.congestion_point.clone(),
        period: item.period,
        prognosis: item.d_prognosis_message_id.map(MessageId::uuid),
        price: item.price,
        penalty: item.penalty,
        net: item.net_settlement,
        isps: item.isps.iter().flat_map(single).collect(),
        unmeasured: Vec::new(),
        status: ItemStatus::Open,
        own: None,
    }
}
