//! Orders and revocations that cross: every interleaving of what two participants may do with one offer.
//!
//! Each side has its own history, decides by the rules alone, and sends what the rules let it send, at any moment. Messages
//! are under way in both directions; answers may be lost, and what is not answered is sent again.

use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};

use jiff::{SignedDuration, Timestamp};
use tieline_uftp::message::{
    FlexOffer, FlexOfferResponse, FlexOfferRevocation, FlexOfferRevocationResponse, FlexOrder,
    FlexOrderResponse, Response,
};
use tieline_uftp::rules::check;
use tieline_uftp::value::MessageId;
use tieline_uftp::{Direction, Exchanged, Fate, MemoryHistory, Participant, Payload, RejectionReason};

use crate::rules::{amsterdam, at_once, instant, isps, message_id, participant, recorded, text};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Side {
    Agr,
    Dso,
}

use Side::{Agr, Dso};

impl Side {
    fn other(self) -> Self {
        if self == Agr { Dso } else { Agr }
    }

    fn participant(self) -> Participant {
        participant(if self == Agr { "agr.example.com" } else { "dso.example.com" })
    }
}

/// A message that is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Request {
    Offer,
    /// The first option.
    Order,
    /// The first option again.
    SameOrder,
    /// The other option.
    OtherOrder,
    Revocation,
}

use Request::{Offer, Order, OtherOrder, Revocation, SameOrder};

impl Request {
    fn sender(self) -> Side {
        match self {
            Offer | Revocation => Agr,
            Order | SameOrder | OtherOrder => Dso,
        }
    }

    fn is_order(self) -> bool {
        self.sender() == Dso
    }

    fn id(self) -> MessageId {
        message_id(self as u128 + 1)
    }

    fn payload(self) -> Payload {
        let order = |option: &str, power, price: &str| {
            let mut order: FlexOrder = recorded("FlexOrder");
            order.header.message_id = self.id();
            order.flex_offer_message_id = Some(Offer.id());
            order.d_prognosis_message_id = None;
            order.option_reference = Some(text(option));
            order.isps = vec![isps(41, 8, power)];
            order.price = price.parse().unwrap();
            order.into()
        };
        match self {
            Offer => {
                let mut offer: FlexOffer = recorded("FlexOffer");
                offer.header.message_id = self.id();
                offer.flex_request_message_id = None;
                offer.d_prognosis_message_id = None;
                offer.into()
            }
            Order | SameOrder => order("OPT-1", -400_000, "12.5"),
            OtherOrder => order("OPT-2", -500_000, "20.0001"),
            Revocation => {
                let mut revocation: FlexOfferRevocation = recorded("FlexOfferRevocation");
                revocation.header.message_id = self.id();
                revocation.flex_offer_message_id = Offer.id();
                revocation.into()
            }
        }
    }

    fn answer(self, accepted: bool) -> Payload {
        let response =
            if accepted { Response::ACCEPTED } else { Response::rejected(&[RejectionReason::other("no")]) };
        let mut answer: Payload = match self {
            Offer => {
                let answer: FlexOfferResponse = recorded("FlexOfferResponse");
                FlexOfferResponse { flex_offer_message_id: self.id(), response, ..answer }.into()
            }
            Order | SameOrder | OtherOrder => {
                let answer: FlexOrderResponse = recorded("FlexOrderResponse");
                FlexOrderResponse { flex_order_message_id: self.id(), response, ..answer }.into()
            }
            Revocation => {
                let answer: FlexOfferRevocationResponse = recorded("FlexOfferRevocationResponse");
                FlexOfferRevocationResponse {
                    flex_offer_revocation_message_id: self.id(),
                    response,
                    ..answer
                }
                .into()
            }
        };
        let id = message_id(100 + self as u128);
        match &mut answer {
            Payload::FlexOfferResponse(answer) => answer.header.message_id = id,
            Payload::FlexOrderResponse(answer) => answer.header.message_id = id,
            Payload::FlexOfferRevocationResponse(answer) => answer.header.message_id = id,
            _ => unreachable!("there are no other answers"),
        }
        answer
    }
}

/// What is under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Packet {
    Request(Request),
    Answer(Request, bool),
}

impl Packet {
    fn request(self) -> Request {
        match self {
            Self::Request(request) | Self::Answer(request, _) => request,
        }
    }

    fn goes_to(self) -> Side {
        match self {
            Self::Request(request) => request.sender().other(),
            Self::Answer(request, _) => request.sender(),
        }
    }
}

/// When things happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Phase {
    Valid,
    Expired,
    Operating,
}

impl Phase {
    fn now(self) -> Timestamp {
        match self {
            Self::Valid => instant("2026-06-03T12:00:00Z"),
            Self::Expired => instant("2026-06-03T18:00:01Z"),
            Self::Operating => instant("2026-06-04T08:00:00Z"),
        }
    }

    fn next(self) -> Option<Self> {
        match self {
            Self::Valid => Some(Self::Expired),
            Self::Expired => Some(Self::Operating),
            Self::Operating => None,
        }
    }
}

/// What a side has sent and received, and what has become of it.
type Books = Vec<(Request, Outcome)>;

/// [`Fate`], in an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Outcome {
    Open,
    Accepted,
    Rejected,
}

impl From<bool> for Outcome {
    fn from(accepted: bool) -> Self {
        if accepted { Self::Accepted } else { Self::Rejected }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct State {
    agr: Books,
    dso: Books,
    /// In the order in which it was sent.
    under_way: Vec<Packet>,
    phase: Phase,
    /// How many answers may yet be lost, and requests repeated without need.
    losses: u8,
    repeats: u8,
}

impl State {
    fn books(&self, side: Side) -> &Books {
        if side == Agr { &self.agr } else { &self.dso }
    }

    fn books_mut(&mut self, side: Side) -> &mut Books {
        if side == Agr { &mut self.agr } else { &mut self.dso }
    }

    fn outcome(&self, side: Side, request: Request) -> Option<Outcome> {
        self.books(side).iter().find(|(known, _)| *known == request).map(|(_, outcome)| *outcome)
    }

    fn settle(&mut self, side: Side, request: Request, outcome: Outcome) {
        let known = self.books_mut(side).iter_mut().find(|(known, _)| *known == request);
        known.expect("it was recorded").1 = outcome;
    }

    fn with(&self, change: impl FnOnce(&mut Self)) -> Self {
        let mut next = self.clone();
        change(&mut next);
        next
    }

    fn accepted(&self, side: Side, wanted: impl Fn(Request) -> bool) -> Vec<Request> {
        let books = self.books(side).iter();
        books
            .filter(|(known, outcome)| *outcome == Outcome::Accepted && wanted(*known))
            .map(|(known, _)| *known)
            .collect()
    }

    /// Whether nothing is under way and everything is answered.
    fn is_quiet(&self) -> bool {
        let open = |books: &Books| books.iter().any(|(_, outcome)| *outcome == Outcome::Open);
        self.under_way.is_empty() && !open(&self.agr) && !open(&self.dso)
    }
}

struct Model {
    requests: Vec<Request>,
    /// Whether messages arrive in the order in which they were sent.
    in_order: bool,
    /// Whether the DSO looks at the rules before it orders.
    careful: bool,
    /// What the rules said, since the same question comes many times.
    known: RefCell<BTreeMap<(Books, Side, Payloads, Phase), bool>>,
}

/// What is looked at, and whether it is to be sent.
type Payloads = (Packet, bool);

impl Model {
    /// Whether the rules let `side` send a message, or accept one that has come.
    fn is_right(&self, state: &State, side: Side, packet: Packet, sent: bool) -> bool {
        let question = (state.books(side).clone(), side, (packet, sent), state.phase);
        if let Some(known) = self.known.borrow().get(&question) {
            return *known;
        }
        let history = MemoryHistory::new();
        let counterparty = side.other().participant();
        let start = instant("2026-06-03T10:00:00Z");
        for (place, (request, outcome)) in state.books(side).iter().enumerate() {
            history.record(Exchanged {
                counterparty: counterparty.clone(),
                direction: if request.sender() == side { Direction::Sent } else { Direction::Received },
                at: start + SignedDuration::from_secs(i64::try_from(place).unwrap()),
                payload: request.payload(),
                fate: match outcome {
                    Outcome::Open => Fate::Open,
                    Outcome::Accepted => Fate::Accepted,
                    Outcome::Rejected => Fate::Rejected,
                },
            });
        }
        let payload = match packet {
            Packet::Request(request) => request.payload(),
            Packet::Answer(request, accepted) => request.answer(accepted),
        };
        let direction = if sent { Direction::Sent } else { Direction::Received };
        let now = state.phase.now();
        let reasons =
            at_once(check(&payload, &counterparty, direction, &amsterdam(), &history, now)).unwrap();
        self.known.borrow_mut().insert(question, reasons.is_empty());
        reasons.is_empty()
    }

    /// What must happen some time: messages arrive, are decided on, and are sent again where no answer came.
    fn due(&self, state: &State) -> Vec<State> {
        let mut next = Vec::new();
        for (place, packet) in state.under_way.iter().enumerate() {
            let overtakes =
                state.under_way[..place].iter().any(|earlier| earlier.goes_to() == packet.goes_to());
            if !(self.in_order && overtakes) {
                next.push(state.with(|next| {
                    next.under_way.remove(place);
                    self.arrive(next, *packet);
                }));
            }
        }
        for side in [Agr, Dso] {
            for (request, outcome) in state.books(side) {
                if *outcome != Outcome::Open {
                    continue;
                }
                if request.sender() != side {
                    let packet = Packet::Request(*request);
                    let accepted = self.is_right(state, side, packet, false);
                    next.push(state.with(|next| {
                        next.settle(side, *request, accepted.into());
                        next.under_way.push(Packet::Answer(*request, accepted));
                    }));
                } else if Self::is_lost(state, *request) {
                    next.push(state.with(|next| next.under_way.push(Packet::Request(*request))));
                }
            }
        }
        next
    }

    /// Whether nothing is under way, or being decided, that would answer a request.
    fn is_lost(state: &State, request: Request) -> bool {
        state.under_way.iter().all(|packet| packet.request() != request)
            && state.outcome(request.sender().other(), request) != Some(Outcome::Open)
    }

    fn arrive(&self, state: &mut State, packet: Packet) {
        let side = packet.goes_to();
        match packet {
            Packet::Request(request) => match state.outcome(side, request) {
                None => state.books_mut(side).push((request, Outcome::Open)),
                Some(Outcome::Open) => {}
                // A repeat is answered as it was.
                Some(outcome) => {
                    state.under_way.push(Packet::Answer(request, outcome == Outcome::Accepted));
                }
            },
            Packet::Answer(request, accepted) => {
                assert!(
                    self.is_right(state, side, packet, false),
                    "an answer breaks a rule: {packet:?} in {state:?}"
                );
                state.settle(side, request, accepted.into());
            }
        }
    }

    /// What may happen: new messages, the passing of time, losses and repeats.
    fn possible(&self, state: &State) -> Vec<State> {
        let mut next = Vec::new();
        for request in &self.requests {
            let side = request.sender();
            let is_new = state.outcome(side, *request).is_none();
            // Nobody orders or revokes an offer that it does not know.
            let knows = *request == Offer || state.outcome(side, Offer).is_some();
            let careless = request.is_order() && !self.careful;
            if is_new && knows && (careless || self.is_right(state, side, Packet::Request(*request), true)) {
                next.push(state.with(|next| {
                    next.books_mut(side).push((*request, Outcome::Open));
                    next.under_way.push(Packet::Request(*request));
                }));
            }
            let is_open = state.outcome(side, *request) == Some(Outcome::Open);
            if is_open && state.repeats > 0 {
                next.push(state.with(|next| {
                    next.repeats -= 1;
                    next.under_way.push(Packet::Request(*request));
                }));
            }
        }
        for (place, packet) in state.under_way.iter().enumerate() {
            if matches!(packet, Packet::Answer(..)) && state.losses > 0 {
                next.push(state.with(|next| {
                    next.losses -= 1;
                    next.under_way.remove(place);
                }));
            }
        }
        if let Some(phase) = state.phase.next() {
            next.push(state.with(|next| next.phase = phase));
        }
        next
    }

    /// Holds at any moment.
    fn check(state: &State) {
        for side in [Agr, Dso] {
            let ordered = state.accepted(side, Request::is_order);
            assert!(ordered.len() <= 1, "two orders are accepted: {state:?}");
        }
        let revoked = state.outcome(Dso, Revocation) == Some(Outcome::Accepted);
        let ordered = !state.accepted(Agr, Request::is_order).is_empty();
        assert!(!(revoked && ordered), "a revoked offer is ordered: {state:?}");
        if state.is_quiet() {
            let sorted = |books: &Books| {
                let mut books = books.clone();
                books.sort();
                books
            };
            assert_eq!(sorted(&state.agr), sorted(&state.dso), "the sides disagree");
        }
    }

    /// Brings what is under way into one order for all states that are the same: only what overtakes what matters.
    fn order(&self, state: &mut State) {
        if self.in_order {
            state.under_way.sort_by_key(|packet| packet.goes_to());
        } else {
            state.under_way.sort_unstable();
        }
    }

    /// Visits every state; gives the number of states, and of those the quiet ones.
    fn explore(&self, losses: u8, repeats: u8) -> (usize, usize) {
        let start = State {
            agr: Vec::new(),
            dso: Vec::new(),
            under_way: Vec::new(),
            phase: Phase::Valid,
            losses,
            repeats,
        };
        let mut numbers = BTreeMap::from([(start.clone(), 0_usize)]);
        let mut waiting = VecDeque::from([start]);
        // From which states each is reached.
        let mut from: Vec<Vec<usize>> = vec![Vec::new()];
        let mut quiet = Vec::new();
        while let Some(state) = waiting.pop_front() {
            Self::check(&state);
            let number = numbers[&state];
            let due = self.due(&state);
            assert_eq!(due.is_empty(), state.is_quiet(), "nothing moves: {state:?}");
            if state.is_quiet() {
                quiet.push(number);
            }
            for mut next in due.into_iter().chain(self.possible(&state)) {
                self.order(&mut next);
                let fresh = from.len();
                let known = *numbers.entry(next.clone()).or_insert(fresh);
                if known == fresh {
                    from.push(Vec::new());
                    waiting.push_back(next);
                }
                from[known].push(number);
            }
        }
        // From everywhere there is a way to quiet.
        let count = quiet.len();
        let mut reaches = vec![false; from.len()];
        while let Some(number) = quiet.pop() {
            if !std::mem::replace(&mut reaches[number], true) {
                quiet.extend(&from[number]);
            }
        }
        assert!(reaches.iter().all(|reaches| *reaches), "some states never come to quiet");
        (from.len(), count)
    }
}

#[expect(clippy::print_stdout, reason = "how much was visited is what the run is for")]
fn explore(requests: &[Request], in_order: bool, careful: bool, losses: u8, repeats: u8) {
    let model = Model { requests: requests.to_vec(), in_order, careful, known: RefCell::default() };
    let (states, quiet) = model.explore(losses, repeats);
    let questions = model.known.borrow().len();
    println!(
        "{requests:?}, in order: {in_order}, careful: {careful}: {states} states, {quiet} of them quiet, \
         {questions} questions to the rules"
    );
    assert!(quiet > 10, "a model that goes nowhere proves nothing");
}

const ORDERS: [Request; 4] = [Offer, Order, OtherOrder, Revocation];

#[test]
fn in_order() {
    explore(&ORDERS, true, true, 2, 2);
    explore(&[Offer, Order, SameOrder, Revocation], true, true, 1, 1);
    explore(&[Offer, Order, SameOrder, OtherOrder, Revocation], true, true, 1, 1);
}

#[test]
fn in_any_order() {
    explore(&ORDERS, false, true, 2, 1);
    explore(&[Offer, Order, SameOrder, Revocation], false, true, 1, 1);
    explore(&[Offer, Order, SameOrder, OtherOrder, Revocation], false, true, 1, 1);
}

/// A DSO that orders twice, and an offer that it has not accepted, or that was revoked: the AGR does not fall for it.
#[test]
fn against_a_careless_operator() {
    explore(&ORDERS, true, false, 1, 1);
    explore(&ORDERS, false, false, 1, 0);
}
