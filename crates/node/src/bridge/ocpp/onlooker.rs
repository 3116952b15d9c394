//! In front of another CSMS: what passes is written into the fleet's book, as if it had come to us.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use tieline_ocpp::frame::Frame;
use tieline_ocpp::proxy::{Origin, ProxiedFrame, ProxiedFrames};
use tieline_ocpp::v16::{StartTransactionRequest, StartTransactionResponse};
use tieline_ocpp::{Answer, ErrorCode, Message, Ocpp, Peer, RawValue};
use tieline_service::{After, Head, Incoming, Reply, Routes};
use tokio_util::sync::CancellationToken;
use tower::Service as _;
use tracing::{error, warn};

use super::{Chargers, v16};

/// The pauses before what could not be written is tried again: nobody sends it anew.
const PAUSES: [Duration; 3] = [Duration::from_millis(100), Duration::from_secs(1), Duration::from_secs(10)];

/// What says something of a session or a charger. The rest is between the charger and its CSMS.
const BOOKED: [&str; 7] = [
    "BootNotification",
    "MeterValues",
    "NotifyEVChargingNeeds",
    "StartTransaction",
    "StatusNotification",
    "StopTransaction",
    "TransactionEvent",
];

/// Looks on as chargers and their CSMS talk. They never wait for it.
pub(crate) struct Onlooker {
    chargers: Chargers,
    routes: Routes<Ocpp>,
    /// What waits for the answer of the CSMS, by session: a station has one CALL to be answered at a time.
    open: BTreeMap<u64, Open>,
}

/// A CALL of a charger that its CSMS has still to answer.
struct Open {
    peer: Peer,
    id: String,
    then: Then,
}

/// What follows from an answer.
enum Then {
    /// A transaction of 1.6 has its number.
    Begin(Box<StartTransactionRequest>),
    /// The charger is registered.
    Follow(After),
}

impl Onlooker {
    pub(crate) fn of(chargers: Chargers) -> Self {
        Self { routes: chargers.clone().routes(), chargers, open: BTreeMap::new() }
    }

    /// Looks on until the node stops.
    pub(crate) async fn watch(mut self, mut frames: ProxiedFrames, stop: CancellationToken) {
        while let Some(Some(passed)) = stop.run_until_cancelled(frames.next()).await {
            match passed {
                Ok(frame) => self.heed(&frame).await,
                Err(missed) => error!(missed, "messages of chargers passed faster than they could be booked"),
            }
        }
    }

    async fn heed(&mut self, passed: &ProxiedFrame) {
        let peer = &passed.peer;
        // Chargers that are not ours are none of our business.
        let Some(listed) = self.chargers.agr.roster.get(peer.identity().as_str()) else { return };
        let Ok(frame) = Frame::parse(passed.text.as_str(), peer.version()) else { return };
        match (passed.from, frame) {
            (
                Origin::ChargingStation,
                Frame::Call { id, action, payload } | Frame::Send { id, action, payload },
            ) if BOOKED.contains(&&*action) => {
                let tolerance = Arc::new(listed.charger.tolerance.clone());
                let message = Message::new(peer.version(), id.as_str(), payload.into_owned(), tolerance);
                if action == "StartTransaction" {
                    self.begins(peer, &message);
                } else {
                    self.book(peer, &action, message).await;
                }
            }
            (Origin::Csms, Frame::CallResult { id, payload }) => {
                self.answered(peer, id.as_str(), &payload).await;
            }
            _ => {}
        }
    }

    fn begins(&mut self, peer: &Peer, message: &Message) {
        match message.decode::<StartTransactionRequest>() {
            Ok(request) => self.wait(peer, message.id(), Then::Begin(Box::new(request))),
            Err(cause) => warn!(charger = %peer.identity(), %cause, "a StartTransaction can't be read"),
        }
    }

    fn wait(&mut self, peer: &Peer, id: &str, then: Then) {
        // Those whose session has ended get no answer any more.
        self.open.retain(|_, open| open.peer.is_connected());
        self.open.insert(peer.generation(), Open { peer: peer.clone(), id: id.to_owned(), then });
    }

    async fn answered(&mut self, peer: &Peer, id: &str, payload: &RawValue) {
        let is_it = self.open.get(&peer.generation()).is_some_and(|open| open.id == id);
        let Some(open) = is_it.then(|| self.open.remove(&peer.generation())).flatten() else { return };
        match open.then {
            Then::Begin(start) => numbered(&self.chargers, peer, &start, payload).await,
            Then::Follow(after) => {
                let accepted = serde_json::from_str::<Registered>(payload.get());
                if accepted.is_ok_and(|registered| registered.status == "Accepted") {
                    let head =
                        Head::<Ocpp>::new(peer.version(), "BootNotification", id.to_owned(), peer.clone());
                    after.run(&head).await;
                }
            }
        }
    }

    /// Handles a message as the charger's own CSMS would. What it would answer is of no interest, but that it is not served.
    async fn book(&mut self, peer: &Peer, action: &str, message: Message) {
        let head = Head::new(peer.version(), action.to_owned(), message.id().to_owned(), peer.clone());
        for pause in PAUSES.map(Some).into_iter().chain([None]) {
            let handled: Result<Reply<Ocpp>, Infallible> =
                self.routes.call(Incoming::new(head.clone(), message.clone())).await;
            let Ok(mut reply) = handled;
            let after = reply.take_after();
            if !after.is_empty() {
                self.wait(peer, message.id(), Then::Follow(after));
            }
            let is_served =
                !matches!(&reply.answer, Answer::Error(error) if error.code == ErrorCode::InternalError);
            let (false, Some(pause)) = (is_served, pause) else { return };
            tokio::time::sleep(pause).await;
        }
    }
}

/// A transaction has the number that the CSMS gave it.
async fn numbered(chargers: &Chargers, peer: &Peer, start: &StartTransactionRequest, payload: &RawValue) {
    let answer: StartTransactionResponse = match serde_json::from_str(payload.get()) {
        Ok(answer) => answer,
        Err(cause) => {
            warn!(charger = %peer.identity(), %cause, "the number of a transaction can't be read");
            return;
        }
    };
    let beginning = v16::beginning(peer, start, answer.transaction_id);
    for pause in PAUSES.map(Some).into_iter().chain([None]) {
        let Err(cause) = chargers.begin(&beginning).await else { return };
        error!(charger = %peer.identity(), %cause, again_in = ?pause, "a transaction could not be booked");
        let Some(pause) = pause else { return };
        tokio::time::sleep(pause).await;
    }
}

/// What counts in the answer to a BootNotification of any version.
#[derive(Deserialize)]
struct Registered {
    status: String,
}
