//! A CSMS that keeps what it is told, and can be killed.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::Timestamp;
use tieline_edge::listener::{Listener as _, PlainListener};
use tieline_edge::{ServeConfig, serve};
use tieline_ocpp::csms::{Anyone, Csms};
use tieline_ocpp::types::DateTime;
use tieline_ocpp::{Ocpp, Peer, Registry, v16, v201};
use tieline_service::{Call, Router, State};
use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;

/// What is kept when the CSMS is killed, as on a disk.
#[derive(Clone, Default)]
pub(crate) struct Book(Arc<Mutex<Pages>>);

#[derive(Default)]
pub(crate) struct Pages {
    /// Every message that says something about a transaction: one that comes twice is one.
    pub(crate) said: BTreeSet<Said>,
    /// The same in the order in which it came, repetitions included.
    pub(crate) order: Vec<Said>,
    /// The numbers of the transactions of 1.6, by charger and start.
    numbers: BTreeMap<(String, Timestamp), i32>,
    /// The last status of each connector.
    pub(crate) status: BTreeMap<String, String>,
    pub(crate) heartbeats: usize,
    /// Whose needs were told: the departure.
    pub(crate) needs: BTreeMap<String, (Timestamp, i32)>,
    /// Drivers are not accepted.
    pub(crate) denies: bool,
    /// How many BootNotifications are still to be answered with Pending.
    pub(crate) pending: usize,
    /// How many MeterValues and TransactionEvents are still to be refused.
    pub(crate) refuses: usize,
}

/// Something about a transaction.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Said {
    pub(crate) charger: String,
    pub(crate) transaction: String,
    pub(crate) at: Timestamp,
    pub(crate) what: &'static str,
    /// In watt-hours.
    pub(crate) register: i64,
    pub(crate) sequence: Option<i32>,
    pub(crate) offline: bool,
}

impl Book {
    pub(crate) fn pages<T>(&self, look: impl FnOnce(&mut Pages) -> T) -> T {
        look(&mut self.0.lock().unwrap())
    }

    fn write(&self, said: Said) {
        self.pages(|pages| {
            pages.order.push(said.clone());
            pages.said.insert(said);
        });
    }

    /// What was said about transactions, by charger and transaction: registers at its begin and its end.
    pub(crate) fn energies(&self) -> BTreeMap<(String, String), (i64, Option<i64>)> {
        self.pages(|pages| {
            let mut energies = BTreeMap::new();
            for said in &pages.said {
                let key = (said.charger.clone(), said.transaction.clone());
                let entry: &mut (i64, Option<i64>) = energies.entry(key).or_insert((-1, None));
                match said.what {
                    "begin" => entry.0 = said.register,
                    "end" => entry.1 = Some(said.register),
                    _ => {}
                }
            }
            energies
        })
    }
}

/// A CSMS in a runtime of its own.
pub(crate) struct Server {
    runtime: Option<Runtime>,
    pub(crate) address: SocketAddr,
    pub(crate) registry: Registry,
    pub(crate) book: Book,
}

impl Server {
    pub(crate) fn start(book: Book) -> Self {
        Self::start_at((std::net::Ipv4Addr::LOCALHOST, 0).into(), book)
    }

    /// A new one where another was, with what that one had written.
    pub(crate) fn start_again(address: SocketAddr, book: Book) -> Self {
        Self::start_at(address, book)
    }

    fn start_at(address: SocketAddr, book: Book) -> Self {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let router = Router::<Ocpp, Book>::new()
            .on(boot_16)
            .on(status_16)
            .on(authorize_16)
            .on(start_16)
            .on(meter_16)
            .on(stop_16)
            .on(heartbeat_16)
            .on(boot_201)
            .on(status_201)
            .on(authorize_201)
            .on(event_201)
            .on(needs_201)
            .on(heartbeat_201)
            .with_state(book.clone());
        let csms = Csms::builder(router).authenticate(Anyone).build();
        let registry = csms.registry().clone();
        let _entered = runtime.enter();
        let listener = PlainListener::bind(address).unwrap();
        let address = listener.local_addr().unwrap();
        runtime.spawn(serve(listener, csms, ServeConfig::default(), CancellationToken::new()));
        Self { runtime: Some(runtime), address, registry, book }
    }

    pub(crate) fn url(&self) -> String {
        format!("ws://{}/ocpp", self.address)
    }

    /// Ends it without a word to anybody, whatever it is doing, and starts it anew after a while.
    pub(crate) async fn kill_and_restart(mut self, down: Duration) -> Self {
        let (address, book) = (self.address, self.book.clone());
        // Waits for the runtime's threads, which no task may do.
        let killing = tokio::task::spawn_blocking(move || {
            if let Some(runtime) = self.runtime.take() {
                runtime.shutdown_timeout(Duration::from_secs(20));
            }
        });
        killing.await.unwrap();
        tokio::time::sleep(down).await;
        Self::start_again(address, book)
    }

    /// The handle on a charger.
    pub(crate) fn peer(&self, charger: &str) -> Option<Peer> {
        self.registry.get(charger)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// A time that no test depends on.
fn now() -> DateTime {
    DateTime::from_timestamp(Timestamp::UNIX_EPOCH)
}

/// In seconds: a fifth of a day.
const HEARTBEAT: i32 = 17_280;

/// A minute, for those who are told to come again.
const AGAIN: i32 = 60;

fn pending(book: &Book) -> bool {
    book.pages(|pages| {
        let pending = pages.pending > 0;
        pages.pending = pages.pending.saturating_sub(1);
        pending
    })
}

async fn boot_16(
    _: Call<v16::BootNotificationRequest>,
    State(book): State<Book>,
) -> v16::BootNotificationResponse {
    if pending(&book) {
        return v16::BootNotificationResponse::new(v16::RegistrationStatus::Pending, now(), AGAIN);
    }
    v16::BootNotificationResponse::new(v16::RegistrationStatus::Accepted, now(), HEARTBEAT)
}

async fn boot_201(
    _: Call<v201::BootNotificationRequest>,
    State(book): State<Book>,
) -> v201::BootNotificationResponse {
    if pending(&book) {
        return v201::BootNotificationResponse::new(now(), AGAIN, v201::RegistrationStatus::Pending);
    }
    v201::BootNotificationResponse::new(now(), HEARTBEAT, v201::RegistrationStatus::Accepted)
}

async fn heartbeat_16(_: Call<v16::HeartbeatRequest>, State(book): State<Book>) -> v16::HeartbeatResponse {
    book.pages(|pages| pages.heartbeats += 1);
    v16::HeartbeatResponse::new(now())
}

async fn heartbeat_201(_: Call<v201::HeartbeatRequest>, State(book): State<Book>) -> v201::HeartbeatResponse {
    book.pages(|pages| pages.heartbeats += 1);
    v201::HeartbeatResponse::new(now())
}

async fn status_16(
    call: Call<v16::StatusNotificationRequest>,
    State(book): State<Book>,
    peer: Peer,
) -> v16::StatusNotificationResponse {
    let status = call.status.to_string();
    book.pages(|pages| pages.status.insert(peer.identity().to_string(), status));
    v16::StatusNotificationResponse::new()
}

async fn status_201(
    call: Call<v201::StatusNotificationRequest>,
    State(book): State<Book>,
    peer: Peer,
) -> v201::StatusNotificationResponse {
    let status = call.connector_status.to_string();
    book.pages(|pages| pages.status.insert(peer.identity().to_string(), status));
    v201::StatusNotificationResponse::new()
}

async fn authorize_16(_: Call<v16::AuthorizeRequest>, State(book): State<Book>) -> v16::AuthorizeResponse {
    let denied = book.pages(|pages| pages.denies);
    v16::AuthorizeResponse::new(v16::IdTagInfo::new(if denied {
        v16::AuthorizationStatus::Blocked
    } else {
        v16::AuthorizationStatus::Accepted
    }))
}

async fn authorize_201(_: Call<v201::AuthorizeRequest>, State(book): State<Book>) -> v201::AuthorizeResponse {
    let denied = book.pages(|pages| pages.denies);
    v201::AuthorizeResponse::new(v201::IdTokenInfo::new(if denied {
        v201::AuthorizationStatus::Blocked
    } else {
        v201::AuthorizationStatus::Accepted
    }))
}

async fn start_16(
    call: Call<v16::StartTransactionRequest>,
    State(book): State<Book>,
    peer: Peer,
) -> v16::StartTransactionResponse {
    let charger = peer.identity().to_string();
    let at = call.timestamp.timestamp();
    let number = book.pages(|pages| {
        let next = i32::try_from(pages.numbers.len()).unwrap() + 1;
        *pages.numbers.entry((charger.clone(), at)).or_insert(next)
    });
    // By charger and start, since the order of numbers is the order in which chargers come.
    let transaction = format!("{charger}-{}", at.as_second());
    let register = call.meter_start.into();
    book.write(Said { charger, transaction, at, what: "begin", register, sequence: None, offline: false });
    let info = v16::IdTagInfo::new(v16::AuthorizationStatus::Accepted);
    v16::StartTransactionResponse::new(info, number)
}

fn transaction(book: &Book, number: i32) -> String {
    let of_number = |pages: &mut Pages| {
        let found = pages.numbers.iter().find(|(_, known)| **known == number);
        found.map(|((charger, at), _)| format!("{charger}-{}", at.as_second()))
    };
    book.pages(of_number).unwrap_or_else(|| "unknown".to_owned())
}

async fn meter_16(
    call: Call<v16::MeterValuesRequest>,
    State(book): State<Book>,
    peer: Peer,
) -> Result<v16::MeterValuesResponse, tieline_ocpp::CallError> {
    refuse(&book)?;
    let value = &call.meter_value[0];
    book.write(Said {
        charger: peer.identity().to_string(),
        transaction: transaction(&book, call.transaction_id.unwrap()),
        at: value.timestamp.timestamp(),
        what: "meter",
        register: value.sampled_value[0].value.parse().unwrap(),
        sequence: None,
        offline: false,
    });
    Ok(v16::MeterValuesResponse::new())
}

fn refuse(book: &Book) -> Result<(), tieline_ocpp::CallError> {
    let refused = book.pages(|pages| {
        let refused = pages.refuses > 0;
        pages.refuses = pages.refuses.saturating_sub(1);
        refused
    });
    let error = || tieline_ocpp::CallError::new(tieline_ocpp::ErrorCode::InternalError, "not now");
    if refused { Err(error()) } else { Ok(()) }
}

async fn stop_16(
    call: Call<v16::StopTransactionRequest>,
    State(book): State<Book>,
    peer: Peer,
) -> v16::StopTransactionResponse {
    book.write(Said {
        charger: peer.identity().to_string(),
        transaction: transaction(&book, call.transaction_id),
        at: call.timestamp.timestamp(),
        what: "end",
        register: call.meter_stop.into(),
        sequence: None,
        offline: false,
    });
    v16::StopTransactionResponse::new()
}

async fn event_201(
    call: Call<v201::TransactionEventRequest>,
    State(book): State<Book>,
    peer: Peer,
) -> Result<v201::TransactionEventResponse, tieline_ocpp::CallError> {
    let what = match (&call.event_type, &call.trigger_reason) {
        (v201::TransactionEventEnum::Started, _) => "begin",
        (v201::TransactionEventEnum::Ended, _) => "end",
        (_, v201::TriggerReason::MeterValueClock) => "meter",
        _ => "state",
    };
    if what == "meter" {
        refuse(&book)?;
    }
    let register = call.meter_value.as_ref().map(|values| values[0].sampled_value[0].value.mantissa());
    book.write(Said {
        charger: peer.identity().to_string(),
        transaction: call.transaction_info.transaction_id.clone(),
        at: call.timestamp.timestamp(),
        what,
        register: register.unwrap(),
        sequence: Some(call.seq_no),
        offline: call.offline.unwrap_or(false),
    });
    Ok(v201::TransactionEventResponse::new())
}

async fn needs_201(
    call: Call<v201::NotifyEVChargingNeedsRequest>,
    State(book): State<Book>,
    peer: Peer,
) -> v201::NotifyEVChargingNeedsResponse {
    let needs = &call.charging_needs;
    let departure = needs.departure_time.unwrap().timestamp();
    let energy = needs.ac_charging_parameters.as_ref().unwrap().energy_amount;
    book.pages(|pages| pages.needs.insert(peer.identity().to_string(), (departure, energy)));
    v201::NotifyEVChargingNeedsResponse::new(v201::NotifyEVChargingNeedsStatus::Accepted)
}
