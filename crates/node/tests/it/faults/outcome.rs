//! What is to be seen in the end: on both sides the same, and each message once.

use std::collections::BTreeMap;
use std::path::PathBuf;

use jiff::civil::Date;
use tieline_node::NodeStorage;
use tieline_store::{Direction, Records as _, verify};
use tieline_uftp::storage::Storage as _;
use tieline_uftp::{
    Exchanged, Fate, History as _, Limits, MessageType, Participant, Payload, RejectionReason, Role,
    SignedMessage, Tolerance, parse,
};

use super::handlers::Handled;
use super::participant::{environment, participant};
use super::plot::{self, Plot};

struct Side {
    storage: NodeStorage,
    counterparty: Participant,
    period: Date,
    /// The messages that went each way, as its journal has them, by identifier.
    sent: BTreeMap<String, Payload>,
    received: BTreeMap<String, Payload>,
}

pub(crate) fn check(agr: PathBuf, dso: PathBuf, period: Date, conversations: u32) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    runtime.block_on(async {
        let agr = Side::open(agr, Role::Dso, period).await;
        let dso = Side::open(dso, Role::Agr, period).await;
        assert_eq!(agr.sent, dso.received, "what the AGR sent is what the DSO received");
        assert_eq!(dso.sent, agr.received, "what the DSO sent is what the AGR received");
        let messages = agr.sent.len() + dso.sent.len();
        println!("{messages} messages, each journalled once by each side; both journals verify");
        let handled = agr.everything_was_handled_once().await + dso.everything_was_handled_once().await;
        println!("{handled} messages with longer work, each done once");
        let mut ends = BTreeMap::<String, u32>::new();
        for number in 0..conversations {
            let end = end(&agr, &dso, number).await;
            *ends.entry(end).or_default() += 1;
        }
        println!("ends: {ends:?}");
    });
}

impl Side {
    async fn open(data: PathBuf, counterparty: Role, period: Date) -> Self {
        let storage = NodeStorage::open(&data, environment()).await.unwrap();
        verify(&**storage.store()).await.unwrap().expect("the journal's chain holds");
        assert!(storage.held().await.unwrap().is_empty());
        let counterparty = participant(counterparty);
        let mut side =
            Self { storage, counterparty, period, sent: BTreeMap::new(), received: BTreeMap::new() };
        let mut after = 0;
        loop {
            let page = side.storage.store().journal(after, 1000).await.unwrap();
            let Some(last) = page.last() else { return side };
            after = last.sequence;
            for entry in page.into_iter().map(|entry| entry.entry) {
                let way = match entry.direction {
                    Direction::Sent => &mut side.sent,
                    Direction::Received => &mut side.received,
                    Direction::Decision => continue,
                };
                let envelope = SignedMessage::parse(&entry.bytes, &Limits::default()).unwrap();
                let payload = parse(&envelope.unverified_payload().unwrap(), &Tolerance::STRICT).unwrap();
                let known = way.insert(entry.message_id, payload);
                assert_eq!(known, None, "it is there once");
            }
        }
    }

    /// All that was received and accepted or noted, but for what only says that a repetition arrived.
    async fn everything_was_handled_once(&self) -> usize {
        let mut handled = 0;
        for (id, payload) in &self.received {
            let expected = self.is_worked_on(payload).await;
            let noted = self.storage.store().record::<Handled>(id).await.unwrap();
            let times = noted.map_or(0, |noted| noted.value.times);
            assert_eq!(times, u32::from(expected), "{payload:?}");
            handled += usize::from(expected);
        }
        handled
    }

    async fn is_worked_on(&self, payload: &Payload) -> bool {
        if let Some((_, response)) = payload.response() {
            !response.reasons().contains(&RejectionReason::AlreadySubmitted)
        } else {
            let id = payload.header().message_id;
            let known = self.storage.message(&self.counterparty, id).await.unwrap().unwrap();
            known.fate == Fate::Accepted
        }
    }

    async fn only(&self, message_type: MessageType, number: u32) -> Option<Exchanged> {
        let point = plot::point(number);
        let about = self.storage.about(&self.counterparty, message_type, &point, self.period).await.unwrap();
        assert!(about.len() <= 1, "{number}: {about:?}");
        about.into_iter().next()
    }

    async fn revocation(&self, offer: &Exchanged) -> Option<Exchanged> {
        let id = offer.payload.header().message_id;
        let about = self.storage.referring_to(&self.counterparty, id).await.unwrap();
        let is_one = |one: &Exchanged| one.payload.message_type() == MessageType::FlexOfferRevocation;
        let mut revocations = about.into_iter().filter(is_one);
        let revocation = revocations.next();
        assert!(revocations.next().is_none());
        revocation
    }

    async fn fates(&self, number: u32) -> [Option<Fate>; 4] {
        let request = self.only(MessageType::FlexRequest, number).await;
        let offer = self.only(MessageType::FlexOffer, number).await;
        let order = self.only(MessageType::FlexOrder, number).await;
        let revocation = self.revocation(offer.as_ref().expect("there is an offer")).await;
        [request, offer, order, revocation].map(|one| one.map(|one| one.fate))
    }
}

/// How a conversation has ended, the same on both sides.
async fn end(agr: &Side, dso: &Side, number: u32) -> String {
    use Fate::{Accepted, Rejected};
    let fates = agr.fates(number).await;
    assert_eq!(fates, dso.fates(number).await, "{number}");
    let [request, offer, order, revocation] = fates;
    assert_eq!(request, Some(Accepted), "{number}");
    let allowed: &[_] = match Plot::of(number) {
        Plot::Ordered => &[(Some(Accepted), Some(Accepted), None)],
        Plot::OrderRejected => &[(Some(Accepted), Some(Rejected), None)],
        Plot::OfferRejected => &[(Some(Rejected), None, None)],
        Plot::Crossing => &[
            (Some(Accepted), Some(Accepted), None),
            (Some(Accepted), None, Some(Accepted)),
            (Some(Accepted), Some(Accepted), Some(Rejected)),
            (Some(Accepted), Some(Rejected), Some(Accepted)),
        ],
    };
    assert!(allowed.contains(&(offer, order, revocation)), "{number}: {fates:?}");
    format!("{:?}: order {order:?}, revocation {revocation:?}", Plot::of(number))
}
