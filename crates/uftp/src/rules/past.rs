//! What was exchanged, without the message that is looked at.

use std::collections::BTreeSet;

use jiff::civil::Date;

use super::flex_settlement::{Settled, with_answers};
use crate::message::{FlexMessage, FlexOrder, FlexSettlement};
use crate::value::MessageId;
use crate::{Exchanged, History, HistoryError, MessageType, Participant, Payload};

/// What was exchanged with the counterparty, but for the message that is looked at itself.
pub(super) struct Past<'a, H> {
    pub(super) counterparty: &'a Participant,
    pub(super) history: &'a H,
    /// The message that is looked at.
    pub(super) own: MessageId,
}

type Found<T> = Result<T, HistoryError>;

impl<H: History> Past<'_, H> {
    pub(super) async fn message(&self, id: Option<MessageId>) -> Found<Option<Exchanged>> {
        match id.filter(|id| *id != self.own) {
            Some(id) => self.history.message(self.counterparty, id).await,
            None => Ok(None),
        }
    }

    pub(super) async fn referring_to(&self, id: Option<MessageId>) -> Found<Vec<Exchanged>> {
        let Some(id) = id else { return Ok(Vec::new()) };
        Ok(self.others(self.history.referring_to(self.counterparty, id).await?))
    }

    pub(super) async fn about(&self, message_type: MessageType, flex: &FlexMessage) -> Found<Vec<Exchanged>> {
        let FlexMessage { congestion_point, period, .. } = flex;
        let found = self.history.about(self.counterparty, message_type, congestion_point, *period).await?;
        Ok(self.others(found))
    }

    /// Those of the same type, point and day.
    pub(super) async fn alike(&self, payload: &Payload) -> Found<Vec<Exchanged>> {
        match payload.flex_message() {
            Some(flex) => self.about(payload.message_type(), flex).await,
            None => Ok(Vec::new()),
        }
    }

    /// Those of the same type, place and day.
    pub(super) async fn at_place(&self, payload: &Payload) -> Found<Vec<Exchanged>> {
        let (Some(place), Some(periods)) = (payload.place(), payload.periods()) else {
            return Ok(Vec::new());
        };
        let (message_type, period) = (payload.message_type(), *periods.start());
        Ok(self.others(self.history.about(self.counterparty, message_type, &place, period).await?))
    }

    pub(super) async fn within(
        &self,
        message_type: MessageType,
        first: Date,
        last: Date,
    ) -> Found<Vec<Exchanged>> {
        if first > last {
            return Ok(Vec::new());
        }
        Ok(self.others(self.history.within(self.counterparty, message_type, first, last).await?))
    }

    pub(super) async fn orders_of(&self, settlement: &FlexSettlement) -> Found<Vec<Exchanged>> {
        self.within(MessageType::FlexOrder, settlement.period_start, settlement.period_end).await
    }

    /// The settlements of days of the same period, with their answers.
    pub(super) async fn settled(&self, settlement: &FlexSettlement) -> Found<Vec<Settled>> {
        let (first, last) = (settlement.period_start, settlement.period_end);
        let settlements = self.within(MessageType::FlexSettlement, first, last).await?;
        let mut answers = Vec::new();
        for settlement in &settlements {
            answers.extend(self.referring_to(Some(settlement.payload.header().message_id)).await?);
        }
        Ok(with_answers(settlements, &answers))
    }

    /// The prognoses that the items of a settlement, or the orders, name.
    pub(super) async fn prognoses_of(
        &self,
        settlement: &FlexSettlement,
        orders: &[Exchanged],
    ) -> Found<Vec<Exchanged>> {
        let of_items = settlement.orders.iter().filter_map(|item| item.d_prognosis_message_id);
        self.messages(of_items.chain(named_by(orders)).collect()).await
    }

    /// The prognoses for a day that were made before one, as far as they are looked at, and all that the orders name.
    pub(super) async fn prognoses_before(
        &self,
        prognosis: &Payload,
        orders: &[Exchanged],
    ) -> Found<Vec<Exchanged>> {
        let mut found = self.alike(prognosis).await?;
        let mut named: BTreeSet<MessageId> = named_by(orders).collect();
        for known in &found {
            named.remove(&known.payload.header().message_id);
        }
        found.extend(self.messages(named).await?);
        found.sort_by_key(|known| known.at);
        Ok(found)
    }

    async fn messages(&self, ids: BTreeSet<MessageId>) -> Found<Vec<Exchanged>> {
        let mut found = Vec::new();
        for id in ids {
            found.extend(self.message(Some(id)).await?);
        }
        Ok(found)
    }

    fn others(&self, mut found: Vec<Exchanged>) -> Vec<Exchanged> {
        found.retain(|known| known.payload.header().message_id != self.own);
        found
    }
}

/// The prognoses that orders name.
fn named_by(orders: &[Exchanged]) -> impl Iterator<Item = MessageId> {
    orders.iter().filter_map(|order| order.payload.try_as::<FlexOrder>()?.d_prognosis_message_id)
}
