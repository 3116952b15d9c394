//! A participant on the node's storage, as a process.

use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use tieline_edge::listener::PlainListener;
use tieline_edge::tls::ClientTls;
use tieline_edge::{Backoff, HttpClient, ServeConfig, SystemClock};
use tieline_node::{Environment, NodeStorage, RandomIds};
use tieline_types::{Domain, IspCalendar, IspDuration, IspRange, Power};
use tieline_uftp::message::{Disposition, FlexMessage, FlexRequest, FlexRequestIsp};
use tieline_uftp::rules::Terms;
use tieline_uftp::server::{FixedAddressBook, KnownParticipant};
use tieline_uftp::service::{Agr, Dso, RoleRoutes, RoleType, Running, Setup};
use tieline_uftp::storage::{Besides, Storage as _};
use tieline_uftp::value::DateTime;
use tieline_uftp::{Client, Header, History as _, MESSAGE_PATH, MessageType, Participant, Role, SigningKey};
use tokio_util::sync::CancellationToken;

use super::{handlers, plot};

/// What the process is told.
pub(crate) struct Settings {
    pub(crate) role: Role,
    pub(crate) data: PathBuf,
    pub(crate) port: u16,
    pub(crate) peer_port: u16,
    pub(crate) conversations: u32,
    pub(crate) period: Date,
    /// The DSO begins a conversation so often.
    pub(crate) pace: Duration,
}

impl Settings {
    pub(crate) fn to_environment(&self) -> [(&'static str, String); 7] {
        [
            ("TIELINE_FAULTS_ROLE", self.role.to_string()),
            ("TIELINE_FAULTS_DATA", self.data.display().to_string()),
            ("TIELINE_FAULTS_PORT", self.port.to_string()),
            ("TIELINE_FAULTS_PEER_PORT", self.peer_port.to_string()),
            ("TIELINE_FAULTS_OF", self.conversations.to_string()),
            ("TIELINE_FAULTS_PERIOD", self.period.to_string()),
            ("TIELINE_FAULTS_PACE", self.pace.as_micros().to_string()),
        ]
    }

    /// What this process was told, if it is one to be killed.
    pub(crate) fn of_this_process() -> Option<Self> {
        let role = std::env::var("TIELINE_FAULTS_ROLE").ok()?.parse().unwrap();
        let told = |name: &str| std::env::var(name).unwrap();
        Some(Self {
            role,
            data: told("TIELINE_FAULTS_DATA").into(),
            port: told("TIELINE_FAULTS_PORT").parse().unwrap(),
            peer_port: told("TIELINE_FAULTS_PEER_PORT").parse().unwrap(),
            conversations: told("TIELINE_FAULTS_OF").parse().unwrap(),
            period: told("TIELINE_FAULTS_PERIOD").parse().unwrap(),
            pace: Duration::from_micros(told("TIELINE_FAULTS_PACE").parse().unwrap()),
        })
    }
}

type At<R> = Running<R, NodeStorage, FixedAddressBook>;

pub(crate) fn environment() -> Environment {
    Environment { clock: Arc::new(SystemClock), ids: Arc::new(RandomIds) }
}

pub(crate) fn participant(role: Role) -> Participant {
    Participant { role, domain: domain(role) }
}

fn domain(role: Role) -> Domain {
    format!("{}.example.com", role.as_str().to_lowercase()).parse().unwrap()
}

fn key(role: Role) -> SigningKey {
    SigningKey::from_seed(&[role as u8 + 1; 32])
}

fn calendar() -> IspCalendar {
    IspCalendar::new(TimeZone::get("Europe/Amsterdam").unwrap(), IspDuration::PT15M)
}

/// The day that is traded: not one whose ISPs end, or that begins, while the test lasts.
pub(crate) fn day_after_tomorrow() -> Date {
    let today = calendar().time_zone().to_datetime(Timestamp::now()).date();
    today.tomorrow().and_then(Date::tomorrow).unwrap()
}

/// Works until the process is killed, and tells all the time whether it has anything to do.
pub(crate) fn run(settings: &Settings) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let storage = NodeStorage::open(&settings.data, environment()).await.unwrap();
        if settings.role == Role::Agr {
            let _running = start::<Agr>(settings, &storage, handlers::agr(&storage));
            tell(&storage).await;
        } else {
            let running = start::<Dso>(settings, &storage, handlers::dso(&storage));
            begin_all(settings, &running).await;
            tell(&storage).await;
        }
    });
}

fn start<R: RoleType>(settings: &Settings, storage: &NodeStorage, handlers: RoleRoutes<R>) -> At<R> {
    let other = if R::ROLE == Role::Agr { Role::Dso } else { Role::Agr };
    let endpoint = format!("http://127.0.0.1:{}{MESSAGE_PATH}", settings.peer_port).parse().unwrap();
    let known = KnownParticipant::new(vec![key(other).verifying_key()]).at(endpoint);
    let book = FixedAddressBook::new().with(other, domain(other), known);
    let seconds = Duration::from_secs;
    let http = HttpClient::new(ClientTls::platform())
        .with_timeouts(seconds(1), seconds(1), seconds(2))
        .allowing_plain_text()
        .build()
        .unwrap();
    let (kept, terms) = (Arc::new(storage.clone()), Terms::new(calendar()));
    let mut setup =
        Setup::new(domain(R::ROLE), key(R::ROLE), handlers, book, kept, Arc::new(terms), Client::new(http));
    setup.delivery.backoff = Backoff::new(Duration::from_millis(20), Duration::from_millis(500));
    setup.bells = Some(storage.bells());
    let running = setup.start();
    let listener = PlainListener::bind((Ipv4Addr::LOCALHOST, settings.port).into()).unwrap();
    tokio::spawn(running.serve(listener, ServeConfig::default(), CancellationToken::new()));
    running
}

/// Begins every conversation that was not begun in an earlier life.
async fn begin_all(settings: &Settings, running: &At<Dso>) {
    println!("busy");
    let (to_agr, agr) = (running.agr_client(domain(Role::Agr)), participant(Role::Agr));
    for number in 0..settings.conversations {
        let point = plot::point(number);
        let begun = running.storage().about(&agr, MessageType::FlexRequest, &point, settings.period).await;
        if begun.unwrap().is_empty() {
            to_agr.send(request(number, settings.period)).await.unwrap();
            tokio::time::sleep(settings.pace).await;
        }
    }
}

fn request(number: u32, period: Date) -> impl FnOnce(Header) -> FlexRequest {
    let isp = FlexRequestIsp {
        disposition: Some(Disposition::Requested),
        min_power: Power::from_watts(-5000),
        max_power: Power::ZERO,
        range: IspRange::from_numbers(41, 4).unwrap(),
    };
    move |header| FlexRequest {
        header,
        flex: FlexMessage {
            isp_duration: IspDuration::PT15M,
            time_zone: "Europe/Amsterdam".parse().unwrap(),
            period,
            congestion_point: plot::point(number),
        },
        revision: 1,
        expiration_date_time: DateTime::utc(calendar().day(period).unwrap().span().start()),
        contract_id: None,
        service_type: None,
        isps: vec![isp],
    }
}

async fn tell(storage: &NodeStorage) {
    loop {
        let owes = storage.owed(Timestamp::MAX, 1, Besides::default()).await.unwrap();
        let is_idle = owes.is_empty() && storage.backlog().await.unwrap() == 0;
        println!("{}", if is_idle { "idle" } else { "busy" });
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
