//! D-Prognosis: from an aggregator's expectation to a grid operator's book.

use tieline_service::{Call, Extension, State};
use tieline_store::{ChangeSet, Records as _, StoreError, Timer};
use tieline_uftp::message::{DPrognosis, DPrognosisResponse, Isp};
use tieline_uftp::value::MessageId;
use tieline_uftp::{Accepted, Noted, Rejected, RejectionReason, Role};
use tracing::{error, info, warn};

use super::window::{flex_message, window};
use super::{AgrMarket, DsoMarket, Verdict, Work, keep, unreadable, unwritable};
use crate::market::{IspPower, Order, Prognosis, PrognosisState, Wanted, message_key};
use crate::role::agr::{PROGNOSE, day_and};
use crate::role::dso::PrognosisRefusal;

impl AgrMarket {
    /// The timer of a point and a day: what is expected is sent, if it was not, or an order has changed it.
    pub(crate) async fn prognose(&self, fired: Timer) -> Result<ChangeSet, StoreError> {
        let mut changes = ChangeSet::new();
        let wanted = Wanted::key_of(PROGNOSE, &fired.subject);
        let wanted = self.agr.context.store.record::<Wanted>(&wanted).await?;
        let reported = day_and(&fired.subject)
            .and_then(|(date, point)| Some((date, self.agr.reported(&point.parse().ok()?)?)));
        if let Some((date, point)) = reported
            && let Some(prognosis) = self.agr.prognosis(point, date).await?
        {
            let message = self.write_prognosis(&prognosis)?;
            info!(dso = %prognosis.counterparty, congestion_point = %point.entity_address, period = %date, revision = prognosis.revision, "a prognosis is sent");
            changes.put(&prognosis)?.append(self.letters.sealed(message, Role::Dso)?);
        }
        if let Some(wanted) = wanted {
            changes.replace(&wanted.value, wanted.version)?;
        }
        changes.clear_timer(fired);
        Ok(changes)
    }

    fn write_prognosis(&self, prognosis: &Prognosis) -> Result<DPrognosis, StoreError> {
        let mut header =
            self.letters.header(&prognosis.counterparty, Role::Dso, Some(prognosis.conversation_id));
        header.message_id = MessageId::from(prognosis.message_id);
        Ok(DPrognosis {
            header,
            flex: flex_message(&prognosis.window, &self.agr.calendar).map_err(|cause| unwritable(&cause))?,
            revision: prognosis.revision,
            isps: prognosis.powers.iter().map(|run| Isp { power: run.power, range: run.isps }).collect(),
        })
    }
}

pub(super) async fn note_response(
    call: Call<DPrognosisResponse>,
    State(market): State<AgrMarket>,
    Extension(work): Extension<Work>,
) -> Result<Noted, Verdict> {
    let id = call.d_prognosis_message_id;
    let dso = &call.header.sender_domain;
    let known = market.agr.context.store.record::<Prognosis>(&message_key(dso, id)).await?;
    let Some(mut prognosis) = known else {
        warn!(%dso, prognosis = %id, "an answer to a prognosis that was never sent");
        return Ok(Noted);
    };
    if prognosis.value.state != PrognosisState::Sent {
        return Ok(Noted);
    }
    let mut changes = ChangeSet::new();
    let point = prognosis.value.window.congestion_point.to_string();
    let mut alarm = |label: &str, cause: String| {
        error!(%dso, congestion_point = point, period = %prognosis.value.window.period, cause, "the prognosis needs attention");
        let conversation = prognosis.value.conversation_id.to_string();
        changes.decide(market.agr.context.now(), "agr", point.clone(), label, conversation, cause);
    };
    prognosis.value.state = if call.response.is_accepted() {
        for status in call.flex_order_statuses.iter().filter(|status| !status.is_validated) {
            let order = status.flex_order_message_id;
            alarm("OrderNotShown", format!("the DSO does not find order {order} in it"));
        }
        PrognosisState::Accepted
    } else {
        let reason = RejectionReason::join(&call.response.reasons());
        alarm("PrognosisRejected", reason.clone());
        PrognosisState::Rejected { reason }
    };
    changes.replace(&prognosis.value, prognosis.version)?;
    keep(&work, changes);
    Ok(Noted)
}

pub(super) async fn take(
    call: Call<DPrognosis>,
    State(market): State<DsoMarket>,
    Extension(work): Extension<Work>,
) -> Result<Accepted, Verdict> {
    let (agr, window) = (&call.header.sender_domain, window(&call.flex));
    let day = market.dso.calendar.day(window.period).map_err(|cause| unreadable(&cause))?;
    let orders = market.dso.orders_to(agr, &window, &day, Order::stands).await?;
    let prognosis = Prognosis {
        message_id: call.header.message_id.uuid(),
        conversation_id: call.header.conversation_id.uuid(),
        counterparty: agr.clone(),
        window,
        span: day.span(),
        revision: call.revision,
        powers: call.isps.iter().map(|isp| IspPower { isps: isp.range, power: isp.power }).collect(),
        orders: orders.iter().map(|order| order.message_id).collect(),
        expected_from: None,
        state: PrognosisState::Accepted,
    };
    if let Some(rejected) = Rejected::for_any(market.dso.prognosis_refusals(&prognosis, &day).map(reason)) {
        return Err(rejected.into());
    }
    let mut changes = ChangeSet::new();
    changes.put(&prognosis)?;
    keep(&work, changes);
    Ok(Accepted::new())
}

fn reason(refusal: PrognosisRefusal) -> RejectionReason {
    match refusal {
        PrognosisRefusal::CongestionPoint => RejectionReason::InvalidCongestionPoint,
        PrognosisRefusal::LackingIsps => RejectionReason::LackingIsps,
    }
}
