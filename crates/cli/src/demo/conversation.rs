use std::sync::Arc;

use jiff::Timestamp;
use tieline_store::{Direction, JournalEntry, Store};
use tieline_uftp::message::{FlexOffer, FlexOrder, FlexRequest, Response};
use tieline_uftp::{Limits, Payload, SignedMessage, Tolerance, parse};

/// What two nodes say to each other, read off their journals.
#[derive(Debug)]
pub(super) struct Conversation {
    sides: [Side; 2],
    over: bool,
}

#[derive(Debug)]
struct Side {
    name: &'static str,
    other: &'static str,
    store: Arc<dyn Store>,
    read: u64,
}

impl Conversation {
    pub(super) fn between(dso: Arc<dyn Store>, agr: Arc<dyn Store>) -> Self {
        Self {
            sides: [
                Side { name: "DSO", other: "AGR", store: dso, read: 0 },
                Side { name: "AGR", other: "DSO", store: agr, read: 0 },
            ],
            over: false,
        }
    }

    /// Whether the order was answered, and the answer has arrived.
    pub(super) fn is_over(&self) -> bool {
        self.over
    }

    /// What was said and decided since the last time, and when.
    pub(super) async fn news(&mut self) -> anyhow::Result<Vec<(Timestamp, String)>> {
        let mut news = Vec::new();
        for side in &mut self.sides {
            for found in side.store.journal(side.read, 64).await? {
                side.read = found.sequence;
                match found.entry.direction {
                    Direction::Sent => news.push((found.entry.at, sentence(side.name, side.other, &found))),
                    Direction::Decision => {
                        let why = String::from_utf8_lossy(&found.entry.bytes);
                        let said =
                            format!("  {} decides            {:<19} {why}", side.name, found.entry.label);
                        news.push((found.entry.at, said));
                    }
                    Direction::Received => self.over |= found.entry.label == "FlexOrderResponse",
                }
            }
        }
        Ok(news)
    }
}

fn sentence(from: &str, to: &str, found: &JournalEntry) -> String {
    let label = &found.entry.label;
    let said = payload(found).map(|payload| summary(&payload)).unwrap_or_default();
    format!("  {from} → {to}   UFTP        {label:<19} {said}")
}

fn payload(found: &JournalEntry) -> Option<Payload> {
    let signed = SignedMessage::parse(&found.entry.bytes, &Limits::default()).ok()?;
    parse(&signed.unverified_payload()?, &Tolerance::STRICT).ok()
}

fn summary(payload: &Payload) -> String {
    match payload {
        Payload::FlexRequest(FlexRequest { isps, .. }) => {
            let each = isps.iter().map(|isp| {
                format!(
                    "ISP {} to {}: {} to {}",
                    isp.range.start(),
                    isp.range.last(),
                    isp.min_power,
                    isp.max_power
                )
            });
            each.collect::<Vec<_>>().join(", ")
        }
        Payload::FlexOffer(FlexOffer { options, currency, .. }) => {
            let each = options
                .iter()
                .map(|option| format!("{} for {} {currency}", powers(&option.isps), option.price));
            each.collect::<Vec<_>>().join(" or ")
        }
        Payload::FlexOrder(FlexOrder { isps, price, currency, order_reference, .. }) => {
            format!("{} for {price} {currency}, order {order_reference}", powers(isps))
        }
        Payload::FlexRequestResponse(answer) => result(&answer.response),
        Payload::FlexOfferResponse(answer) => result(&answer.response),
        Payload::FlexOrderResponse(answer) => result(&answer.response),
        _ => String::new(),
    }
}

fn powers(isps: &[tieline_uftp::message::Isp]) -> String {
    let each =
        isps.iter().map(|isp| format!("ISP {} to {}: {}", isp.range.start(), isp.range.last(), isp.power));
    each.collect::<Vec<_>>().join(", ")
}

fn result(response: &Response) -> String {
    match &response.rejection_reason {
        Some(reason) => format!("{:?}: {reason}", response.result),
        None => format!("{:?}", response.result),
    }
}
