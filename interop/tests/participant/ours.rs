//! A participant of ours at work on loopback.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use tieline_edge::listener::PlainListener;
use tieline_edge::tls::ClientTls;
use tieline_edge::{HttpClient, ServeConfig};
use tieline_interop::{Known, PATIENCE};
use tieline_types::Domain;
use tieline_uftp::cro::CommonReference;
use tieline_uftp::rules::Terms;
use tieline_uftp::server::FixedAddressBook;
use tieline_uftp::service::{
    Agr, Cro, DeliveryConfig, Dso, RoleRoutes, RoleType, Running, Setup, Unsendable,
};
use tieline_uftp::storage::{Held, MemoryStorage, Storage as _};
use tieline_uftp::value::MessageId;
use tieline_uftp::{Client, Exchanged, Fate, Header, History as _, Participant, Payload, Role, SigningKey};
use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;

use crate::driver::{Driver, Step};
use crate::handlers;
use crate::shifted_clock::ShiftedClock;

type At<R> = Running<R, MemoryStorage, FixedAddressBook>;

enum AtWork {
    Agr(At<Agr>),
    Cro(At<Cro>),
    Dso(At<Dso>),
}

/// How a participant of ours is set up.
pub(crate) struct Settings {
    pub(crate) role: Role,
    pub(crate) domain: Domain,
    pub(crate) key: SigningKey,
    pub(crate) port: u16,
    pub(crate) book: FixedAddressBook,
    pub(crate) terms: Terms,
    pub(crate) delivery: DeliveryConfig,
    pub(crate) now: Timestamp,
}

/// A participant of ours: a service, its clients and what it keeps.
pub(crate) struct Ours {
    pub(crate) participant: Participant,
    pub(crate) driver: Driver,
    pub(crate) clock: ShiftedClock,
    at_work: AtWork,
    storage: Arc<MemoryStorage>,
    stop: CancellationToken,
    runtime: Arc<Runtime>,
}

/// The seed of our key in a role. Those of the other side have others.
pub(crate) fn signing_key(role: Role) -> SigningKey {
    let number = match role {
        Role::Agr => 101,
        Role::Cro => 102,
        Role::Dso => 103,
    };
    SigningKey::from_seed(&[number; 32])
}

/// A participant of ours as the other side knows it.
pub(crate) fn known(participant: &Participant, port: u16) -> Known {
    let key = signing_key(participant.role).verifying_key().to_string();
    Known {
        role: participant.role.to_string(),
        domain: participant.domain.to_string(),
        key: key.trim_start_matches("cs1.").to_owned(),
        port,
    }
}

impl Ours {
    pub(crate) fn start(settings: Settings, runtime: &Arc<Runtime>) -> Result<Self> {
        let zone: &TimeZone = settings.terms.calendar.time_zone();
        let driver = Driver::new(zone.clone());
        let clock = ShiftedClock::starting_at(settings.now);
        let storage = Arc::new(MemoryStorage::new());
        let stop = CancellationToken::new();
        let participant = Participant { role: settings.role, domain: settings.domain.clone() };
        let shared = (&storage, &clock, &stop);
        let _entered = runtime.enter();
        let at_work = match settings.role {
            Role::Agr => AtWork::Agr(serve(handlers::agr(driver.clone()), settings, shared)?),
            Role::Cro => AtWork::Cro(serve(handlers::cro(driver.clone()), settings, shared)?),
            Role::Dso => AtWork::Dso(serve(handlers::dso(driver.clone()), settings, shared)?),
        };
        Ok(Self { participant, driver, clock, at_work, storage, stop, runtime: Arc::clone(runtime) })
    }

    /// Sends a message by the client for its recipient's role. Of its header its identifiers count; the rest is filled in.
    pub(crate) fn send(&self, to: &Participant, message: Payload) -> Result<Header> {
        let to = to.clone();
        let sent = self.runtime.block_on(async {
            match &self.at_work {
                AtWork::Agr(agr) => send_as_agr(agr, to, message).await,
                AtWork::Dso(dso) => send_as_dso(dso, to, message).await,
                AtWork::Cro(cro) => send_as_cro(cro, to, message).await,
            }
        })?;
        Ok(sent?)
    }

    /// What is known of a message that was exchanged with somebody.
    pub(crate) fn exchanged(&self, with: &Participant, id: MessageId) -> Result<Option<Exchanged>> {
        Ok(self.runtime.block_on(self.storage.message(with, id))?)
    }

    /// Waits until it is known what has become of a request.
    pub(crate) fn fate(&self, with: &Participant, id: MessageId) -> Result<Fate> {
        eventually(&format!("a fate of {id}"), || {
            let known = self.exchanged(with, id)?;
            Ok(known.map(|known| known.fate).filter(|fate| *fate != Fate::Open))
        })
    }

    /// Waits for an answer that handlers have noted.
    pub(crate) fn noted(&self, what: &str, fits: impl Fn(&Payload) -> bool) -> Result<Payload> {
        eventually(what, || Ok(self.driver.handled(Step::PreProcess).into_iter().find(&fits)))
    }

    /// Waits until nothing is owed to anybody.
    pub(crate) fn settled(&self) -> Result<()> {
        eventually("an empty outbox", || Ok((self.storage.owing() == 0).then_some(())))
    }

    /// What it keeps as a common reference operator.
    pub(crate) fn common_reference(&self) -> Result<Arc<CommonReference>> {
        Ok(self.runtime.block_on(self.driver.reference().current())?)
    }

    /// How many messages are owed.
    pub(crate) fn owing(&self) -> usize {
        self.storage.owing()
    }

    /// To whom nothing is delivered.
    pub(crate) fn held(&self) -> Result<Vec<Held>> {
        Ok(self.runtime.block_on(self.storage.held())?)
    }

    /// Delivers again to whom nothing was delivered.
    pub(crate) fn release(&self, participant: &Participant) -> Result<()> {
        let released = self.runtime.block_on(async {
            match &self.at_work {
                AtWork::Agr(agr) => agr.release(participant).await,
                AtWork::Cro(cro) => cro.release(participant).await,
                AtWork::Dso(dso) => dso.release(participant).await,
            }
        });
        Ok(released?)
    }
}

impl Drop for Ours {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

fn serve<R: RoleType>(
    handlers: RoleRoutes<R>,
    settings: Settings,
    (storage, clock, stop): (&Arc<MemoryStorage>, &ShiftedClock, &CancellationToken),
) -> Result<At<R>> {
    let http = HttpClient::new(ClientTls::platform()).allowing_plain_text().build()?;
    let Settings { domain, key, port, book, terms, delivery, .. } = settings;
    let terms = Arc::new(terms);
    let mut setup = Setup::new(domain, key, handlers, book, Arc::clone(storage), terms, Client::new(http));
    setup.clock = Arc::new(clock.clone());
    setup.delivery = delivery;
    let running = setup.start();
    let listener = PlainListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))?;
    tokio::spawn(running.serve(listener, ServeConfig::default(), stop.clone()));
    Ok(running)
}

macro_rules! send_as {
    ($send:ident, $own:ident: $($client:ident to $to:ident: $($message:ident),+;)+) => {
        #[expect(clippy::needless_update, reason = "a TestMessage is nothing but its header")]
        async fn $send(own: &At<$own>, to: Participant, message: Payload) -> Result<Result<Header, Unsendable>> {
            match (to.role, message) {
                $($(
                    (Role::$to, Payload::$message(message)) => {
                        let client = own.$client(to.domain);
                        Ok(client.send(|header| tieline_uftp::message::$message {
                            header: Header {
                                message_id: message.header.message_id,
                                conversation_id: message.header.conversation_id,
                                ..header
                            },
                            ..message
                        }).await)
                    }
                )+)+
                (role, other) => bail!("{} sends no {} to {role}", <$own>::ROLE, other.message_type()),
            }
        }
    };
}

send_as!(send_as_agr, Agr:
    dso_client to Dso: TestMessage, DPrognosis, FlexOffer, FlexOfferRevocation, Metering;
    cro_client to Cro: TestMessage, AgrPortfolioUpdate, AgrPortfolioQuery;
);
send_as!(send_as_dso, Dso:
    agr_client to Agr: TestMessage, FlexRequest, FlexOrder, FlexReservationUpdate, FlexSettlement;
    cro_client to Cro: TestMessage, DsoPortfolioUpdate, DsoPortfolioQuery;
);
send_as!(send_as_cro, Cro:
    agr_client to Agr: TestMessage;
    dso_client to Dso: TestMessage;
);

/// Looks until there is something, as long as anything may take.
pub(crate) fn eventually<T>(what: &str, mut look: impl FnMut() -> Result<Option<T>>) -> Result<T> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look().context(what.to_owned())? {
            return Ok(found);
        }
        ensure!(Instant::now() < deadline, "no {what} within {PATIENCE:?}");
        thread::sleep(Duration::from_millis(5));
    }
}
