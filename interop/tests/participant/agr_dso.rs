//! Everything that goes between an AGR and a DSO: a day that is planned, traded, measured and settled.

mod draft;
mod planning;
mod settling;
mod trading;

use anyhow::Result;
use tieline_types::Power;
use tieline_uftp::rules::{CongestionPointTerms, ContractTerms, Terms};
use tieline_uftp::value::{ConversationId, MessageId};
use tieline_uftp::{Accepted, Header, MessageType, Payload};

use crate::coverage::Maker;
use crate::ours::Ours;
use crate::world::{Side, Verdict, World};

pub(crate) use draft::{CONGESTION_POINT, CONTRACT, METER, flex_request, text};

/// What is made wrong of a right message, and the reasons for which it is rejected.
type Wrong<M> = (fn(&mut M), &'static str);

/// What the two have agreed.
pub(crate) fn agree(terms: &mut Terms) {
    let point = CONGESTION_POINT.parse().expect("it is an address");
    terms.congestion_points = Some([(point, CongestionPointTerms::default())].into());
    let reserved = Power::from_watts(-500_000);
    terms.contracts = Some([(text(CONTRACT), ContractTerms { reserved, deadline: None })].into());
    terms.currency = Some("EUR".parse().expect("it is a currency"));
    terms.unsolicited_orders = true;
    terms.metering.meters = Some(METER.map(|ean| ean.parse().expect("it is an EAN")).into());
}

/// An AGR and a DSO, one of ours and one of the library's.
pub(crate) struct Trade<'w> {
    pub(crate) world: &'w mut World,
    pub(crate) agr: Side,
    pub(crate) dso: Side,
}

/// What a story goes on with.
pub(crate) struct Orders {
    /// The offers that were ordered, and those orders.
    pub(crate) ordered: [MessageId; 2],
}

impl Trade<'_> {
    /// The whole day.
    pub(crate) fn run(&mut self) -> Result<()> {
        self.greet()?;
        let prognosis = self.plan()?;
        let orders = self.trade(prognosis)?;
        self.plan_again(&orders)?;
        self.expire()?;
        self.at("2026-06-06T07:00:00Z")?;
        self.measure()?;
        self.settle()
    }

    fn greet(&mut self) -> Result<()> {
        for from in [self.agr, self.dso] {
            let header = self.header(from, None);
            self.ask(from, tieline_uftp::message::TestMessage { header }, &ACCEPTED)?;
        }
        Ok(())
    }

    fn other(&self, side: Side) -> Side {
        if side == self.agr { self.dso } else { self.agr }
    }

    /// The participant of ours.
    fn ours(&self) -> Result<&Ours> {
        let side = if self.agr.0 == Maker::Ours { self.agr } else { self.dso };
        self.world.ours(side.1)
    }

    /// From now on ours has this time, once nothing is owed any more.
    fn at(&self, instant: &str) -> Result<()> {
        self.ours()?.settled()?;
        self.ours()?.clock.set(instant.parse()?);
        Ok(())
    }

    fn header(&mut self, from: Side, conversation: Option<ConversationId>) -> Header {
        let to = self.other(from);
        self.world.header(from, to, conversation)
    }

    fn ask(
        &mut self,
        from: Side,
        request: impl Into<Payload>,
        verdict: &Verdict<'_>,
    ) -> Result<Option<Payload>> {
        let to = self.other(from);
        self.world.ask(from, to, request, verdict)
    }

    /// Rejected by whoever is asked, though nothing is wrong.
    fn turned_down(&mut self, from: Side, request: impl Into<Payload>) -> Result<()> {
        self.ask(from, request, &Verdict::Rejected("Not on a Wednesday")).map(drop)
    }

    fn broken(&mut self, from: Side, request: impl Into<Payload>, reasons: &str) -> Result<()> {
        self.ask(from, request, &Verdict::Broken(reasons)).map(drop)
    }
}

/// Accepted, with nothing more to say.
pub(crate) const ACCEPTED: Verdict<'static> = Verdict::Accepted(Accepted::Plain);

/// What a message's identifier is called where another refers to it, unknown.
fn unknown(message_type: MessageType) -> String {
    format!("Unknown reference {message_type}MessageID")
}

/// One request of each type that goes between the two.
pub(crate) fn each(trade: &mut Trade<'_>) -> Vec<Payload> {
    let (agr, dso) = (trade.agr, trade.dso);
    let by = |trade: &mut Trade<'_>, side| trade.header(side, None);
    let request = flex_request(by(trade, dso), "2026-06-03T16:00:00Z");
    let id = request.header.message_id;
    let offer = draft::flex_offer(by(trade, agr), Some(id), None, draft::isp(draft::FIRST, -400_000));
    let offer_id = offer.header.message_id;
    let item = draft::item("ORDER-1", "12.50", draft::FIRST, [-400_000, 100_000, -400_000, 0]);
    vec![
        tieline_uftp::message::TestMessage { header: by(trade, agr) }.into(),
        draft::d_prognosis(by(trade, agr), 1, vec![draft::isp((1, 96), 500_000)]).into(),
        draft::reservation(by(trade, dso), CONTRACT, vec![draft::isp((1, 4), 0)]).into(),
        draft::flex_order(by(trade, dso), offer_id, "ORDER-1", &offer).into(),
        draft::revocation(by(trade, agr), offer_id).into(),
        draft::metering(by(trade, agr), 1, METER[0]).into(),
        draft::flex_settlement(by(trade, dso), vec![item]).into(),
        request.into(),
        offer.into(),
    ]
}
