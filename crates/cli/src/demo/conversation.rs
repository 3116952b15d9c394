use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::Path;

use jiff::Timestamp;
use tieline_node::database_path;
use tieline_store::{Direction, JournalEntry, SqliteOptions, SqliteStore, Store as _};
use tieline_uftp::message::{FlexOffer, FlexOrder, FlexRequest, FlexSettlement, Isp, Response};
use tieline_uftp::{Limits, MessageType, Payload, SignedMessage, Tolerance, parse};

/// How many entries of a journal are read at a time.
const PAGE: usize = 256;

/// What the nodes say to each other, read off their journals while they write them.
#[derive(Debug)]
pub(super) struct Conversation {
    sides: [Side; 3],
    /// Identifiers of the messages that were shown.
    shown: BTreeSet<String>,
    over: bool,
}

#[derive(Debug)]
struct Side {
    name: &'static str,
    store: SqliteStore,
    read: u64,
    /// What was read and is not shown yet.
    next: VecDeque<JournalEntry>,
}

impl Conversation {
    /// That of the nodes whose data is in `directory`.
    pub(super) fn of(directory: &Path) -> anyhow::Result<Self> {
        let side = |name, data| -> anyhow::Result<Side> {
            let path = database_path(&directory.join(data));
            let store = SqliteStore::open(&path, SqliteOptions::default())?;
            Ok(Side { name, store, read: 0, next: VecDeque::new() })
        };
        let sides = [side("DSO", "dso")?, side("AGR", "agr")?, side("CRO", "cro")?];
        Ok(Self { sides, shown: BTreeSet::new(), over: false })
    }

    /// Whether the settlement was answered, and the answer has arrived.
    pub(super) fn is_over(&self) -> bool {
        self.over
    }

    /// What was said and decided since the last time, and when; of what is said often, how often.
    ///
    /// All of a conversation may be of one instant, so its order is that of cause and effect: what one side heard before
    /// it said something, the other has said before.
    pub(super) async fn news(&mut self) -> anyhow::Result<Vec<(Timestamp, String)>> {
        for side in &mut self.sides {
            side.read().await?;
        }
        let mut news: Vec<(Timestamp, String)> = Vec::new();
        let mut often: BTreeMap<String, (usize, u32)> = BTreeMap::new();
        while let Some((from, found)) = self.next() {
            let label = &found.entry.label;
            // The role comes first.
            let to = found.entry.peer.split(' ').next().unwrap_or_default();
            if found.entry.direction == Direction::Decision {
                let why = String::from_utf8_lossy(&found.entry.bytes);
                news.push((found.entry.at, format!("{from} decides   {label:<26} {why}")));
            } else if is_often(label) {
                let (place, times) = often.entry(label.clone()).or_insert((news.len(), 0));
                *times += 1;
                let said = (found.entry.at, format!("{from} → {to}     {label:<26} {times} times"));
                match news.get_mut(*place) {
                    Some(known) => *known = said,
                    None => news.push(said),
                }
            } else {
                news.push((found.entry.at, sentence(from, to, &found)));
            }
        }
        Ok(news)
    }

    /// The next thing to show, and whose it is. What was heard of is not shown; that it was said is.
    fn next(&mut self) -> Option<(&'static str, JournalEntry)> {
        loop {
            let shown = &self.shown;
            let can_be_next = |found: &JournalEntry| {
                found.entry.direction != Direction::Received || shown.contains(&found.entry.message_id)
            };
            let side = self.sides.iter_mut().find(|side| side.next.front().is_some_and(can_be_next))?;
            let speaker = side.name;
            let found = side.next.pop_front()?;
            match found.entry.direction {
                Direction::Received => {
                    self.over |= found.entry.label == MessageType::FlexSettlementResponse.as_str();
                }
                Direction::Sent => {
                    self.shown.insert(found.entry.message_id.clone());
                    return Some((speaker, found));
                }
                Direction::Decision => return Some((speaker, found)),
            }
        }
    }
}

impl Side {
    async fn read(&mut self) -> anyhow::Result<()> {
        loop {
            let page = self.store.journal(self.read, PAGE).await?;
            let Some(last) = page.last() else { return Ok(()) };
            self.read = last.sequence;
            self.next.extend(page);
        }
    }
}

/// One for each connection.
fn is_often(label: &str) -> bool {
    [MessageType::Metering, MessageType::MeteringResponse].iter().any(|kind| kind.as_str() == label)
}

fn sentence(from: &str, to: &str, found: &JournalEntry) -> String {
    let label = &found.entry.label;
    let said = payload(found).map(|payload| summary(&payload)).unwrap_or_default();
    format!("{from} → {to}     {label:<26} {said}").trim_end().to_owned()
}

fn payload(found: &JournalEntry) -> Option<Payload> {
    let signed = SignedMessage::parse(&found.entry.bytes, &Limits::default()).ok()?;
    parse(&signed.unverified_payload()?, &Tolerance::LENIENT).ok()
}

fn summary(payload: &Payload) -> String {
    match payload {
        Payload::DPrognosis(prognosis) => {
            let peak = prognosis.isps.iter().map(|isp| isp.power).max();
            let peak = peak.map(|peak| format!(", {peak} at the most")).unwrap_or_default();
            format!("{}, revision {}{peak}", prognosis.flex.period, prognosis.revision)
        }
        Payload::FlexRequest(FlexRequest { isps, .. }) => {
            let requested = isps.iter().filter(|isp| isp.max_power.watts() < 0);
            powers(requested.map(|isp| (isp.range.start(), isp.range.last(), isp.max_power)))
        }
        Payload::FlexOffer(FlexOffer { options, currency, .. }) => {
            let each = options
                .iter()
                .map(|option| format!("{} for {} {currency}", of_isps(&option.isps), option.price));
            each.collect::<Vec<_>>().join(" or ")
        }
        Payload::FlexOrder(FlexOrder { isps, price, currency, order_reference, .. }) => {
            format!("{} for {price} {currency}, {order_reference}", of_isps(isps))
        }
        Payload::FlexSettlement(FlexSettlement { orders, currency, .. }) => {
            let each = orders.iter().map(|item| {
                let reference = item.order_reference.as_ref().map(ToString::to_string).unwrap_or_default();
                format!("{reference}: net {} {currency}", item.net_settlement)
            });
            each.collect::<Vec<_>>().join(", ")
        }
        Payload::FlexRequestResponse(answer) => result(&answer.response),
        Payload::FlexOfferResponse(answer) => result(&answer.response),
        Payload::FlexOrderResponse(answer) => result(&answer.response),
        Payload::DPrognosisResponse(answer) => result(&answer.response),
        Payload::FlexSettlementResponse(answer) => result(&answer.response),
        Payload::AgrPortfolioUpdate(update) => count(update.connections.len(), "connection"),
        Payload::DsoPortfolioUpdate(update) => {
            let connections = update.congestion_points.iter().map(|point| point.connections.len()).sum();
            let points = count(update.congestion_points.len(), "congestion point");
            format!("{points} with {}", count(connections, "connection"))
        }
        Payload::AgrPortfolioQuery(query) => query.period.to_string(),
        Payload::DsoPortfolioQuery(query) => query.period.to_string(),
        Payload::AgrPortfolioUpdateResponse(answer) => result(&answer.response),
        Payload::DsoPortfolioUpdateResponse(answer) => result(&answer.response),
        Payload::AgrPortfolioQueryResponse(answer) => result(&answer.response),
        Payload::DsoPortfolioQueryResponse(answer) => result(&answer.response),
        _ => String::new(),
    }
}

fn count(number: usize, of: &str) -> String {
    format!("{number} {of}{}", if number == 1 { "" } else { "s" })
}

fn of_isps(isps: &[Isp]) -> String {
    powers(isps.iter().map(|isp| (isp.range.start(), isp.range.last(), isp.power)))
}

/// The first and the last ISP, and the greatest power.
fn powers<N: Ord + Copy + std::fmt::Display>(
    isps: impl Iterator<Item = (N, N, tieline_types::Power)>,
) -> String {
    let isps: Vec<_> = isps.collect();
    let first = isps.iter().map(|(first, ..)| *first).min();
    let last = isps.iter().map(|(_, last, _)| *last).max();
    let greatest = isps.iter().map(|(.., power)| *power).max_by_key(|power| power.magnitude());
    match (first, last, greatest) {
        (Some(first), Some(last), Some(greatest)) => format!("ISP {first} to {last}: up to {greatest}"),
        _ => String::new(),
    }
}

fn result(response: &Response) -> String {
    match &response.rejection_reason {
        Some(reason) => format!("{:?}: {reason}", response.result),
        None => format!("{:?}", response.result),
    }
}
