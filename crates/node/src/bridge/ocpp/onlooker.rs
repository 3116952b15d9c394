//! In front of another CSMS: what passes is written into the fleet's book, as if it had come to us.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use tieline_ocpp::frame::Frame;
use tieline_ocpp::proxy::{Origin, ProxiedFrame, ProxiedFrames};
use tieline_ocpp::v16::{StartTransactionRequest, StartTransactionResponse};
use tieline_ocpp::{Answer, ErrorCode, Message, Ocpp, Peer, RawValue, Tolerance, Version};
use tieline_service::{Head, Incoming, Reply, Routes};
use tokio_util::sync::CancellationToken;
use tower::Service as _;
use tracing::{error, warn};

use super::{Chargers, v16};

/// Messages that are kept while the book is slow.
pub(crate) const KEPT: usize = 65_536;

/// The pauses before what could not be written is tried again: nobody sends it anew.
const PAUSES: [Duration; 3] = [Duration::from_millis(100), Duration::from_secs(1), Duration::from_secs(10)];

/// What says something of a session or a charger. The rest is between the charger and its CSMS.
const BOOKED: [&str; 6] = [
    "BootNotification",
    "MeterValues",
    "NotifyEVChargingNeeds",
    "StatusNotification",
    "StopTransaction",
    "TransactionEvent",
];

/// Looks on as chargers and their CSMS talk. They never wait for it.
pub(crate) struct Onlooker {
    chargers: Chargers,
    routes: Routes<Ocpp>,
    tolerances: BTreeMap<String, Arc<Tolerance>>,
    /// Transactions of 1.6 that the CSMS has not numbered yet, by session: a station has one CALL to be answered at a time.
    starts: BTreeMap<u64, Start>,
}

struct Start {
    peer: Peer,
    id: String,
    request: StartTransactionRequest,
}

impl Onlooker {
    pub(crate) fn of(chargers: Chargers) -> Self {
        let tolerance = |charger: &crate::config::ChargerConfig| {
            (charger.identity.clone(), Arc::new(charger.tolerance.clone()))
        };
        let tolerances = chargers.config.chargers.iter().map(tolerance).collect();
        Self { routes: chargers.clone().routes(), chargers, tolerances, starts: BTreeMap::new() }
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
        let Some(tolerance) = self.tolerances.get(peer.identity().as_str()).cloned() else { return };
        let Ok(frame) = Frame::parse(passed.text.as_str(), peer.version()) else { return };
        match (passed.from, frame) {
            (
                Origin::ChargingStation,
                Frame::Call { id, action, payload } | Frame::Send { id, action, payload },
            ) => {
                let message = Message::new(peer.version(), id.as_str(), payload.into_owned(), tolerance);
                if peer.version() == Version::V1_6 && action == "StartTransaction" {
                    self.begins(peer, &message);
                } else if BOOKED.contains(&&*action) {
                    self.book(peer, &action, message).await;
                }
            }
            (Origin::Csms, Frame::CallResult { id, payload }) => {
                self.numbered(peer, id.as_str(), &payload).await;
            }
            _ => {}
        }
    }

    fn begins(&mut self, peer: &Peer, message: &Message) {
        // Those whose session has ended get no answer any more.
        self.starts.retain(|_, start| start.peer.is_connected());
        match message.decode() {
            Ok(request) => {
                let start = Start { peer: peer.clone(), id: message.id().to_owned(), request };
                self.starts.insert(peer.generation(), start);
            }
            Err(cause) => warn!(charger = %peer.identity(), %cause, "a StartTransaction can't be read"),
        }
    }

    /// The CSMS has answered: a transaction has its number.
    async fn numbered(&mut self, peer: &Peer, id: &str, payload: &RawValue) {
        let is_it = self.starts.get(&peer.generation()).is_some_and(|start| start.id == id);
        let Some(start) = is_it.then(|| self.starts.remove(&peer.generation())).flatten() else { return };
        let answer: StartTransactionResponse = match serde_json::from_str(payload.get()) {
            Ok(answer) => answer,
            Err(cause) => {
                warn!(charger = %peer.identity(), %cause, "the number of a transaction can't be read");
                return;
            }
        };
        let beginning = v16::beginning(peer, &start.request, answer.transaction_id);
        for pause in PAUSES.map(Some).into_iter().chain([None]) {
            let Err(cause) = self.chargers.begin(&beginning).await else { return };
            error!(charger = %peer.identity(), %cause, again_in = ?pause, "a transaction could not be booked");
            let Some(pause) = pause else { return };
            tokio::time::sleep(pause).await;
        }
    }

    /// Handles a message as the charger's own CSMS would. What it would answer is of no interest, but that it is not served.
    async fn book(&mut self, peer: &Peer, action: &str, message: Message) {
        let head = Head::new(peer.version(), action.to_owned(), message.id().to_owned(), peer.clone());
        for pause in PAUSES.map(Some).into_iter().chain([None]) {
            let handled: Result<Reply<Ocpp>, Infallible> =
                self.routes.call(Incoming::new(head.clone(), message.clone())).await;
            let Ok(reply) = handled;
            let is_served =
                !matches!(&reply.answer, Answer::Error(error) if error.code == ErrorCode::InternalError);
            let (false, Some(pause)) = (is_served, pause) else { return };
            tokio::time::sleep(pause).await;
        }
    }
}
