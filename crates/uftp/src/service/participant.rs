//! A participant at work.

use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::sync::Arc;

use tieline_edge::listener::Listener;
use tieline_edge::work::{Bell, Turn, UnderWay, turn_until_stopped};
use tieline_edge::{Drained, Ids, RandomIds, ServeConfig, SystemClock, serve};
use tieline_types::{Clock, Domain};
use tokio::sync::Mutex;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

use super::client::{RoleClient, Sending};
use super::courier::Courier;
use super::deciding::Deciding;
use super::desk::Desk;
use super::following_up::FollowingUp;
use super::inbox::{Repetitions, StorageInbox};
use super::path::AtPath;
use super::replies::Replies;
use super::role::{Agr, Cro, Dso, RoleType};
use super::{DeliveryConfig, Events, Ignored, InboxConfig, Letters, RoleRoutes, Terms};
use crate::server::{AddressBook, Receiver, ReceiverConfig};
use crate::storage::{Storage, StorageError};
use crate::{Client, Destinations, MESSAGE_PATH, OwnKeys, Participant, Revision};

/// How a participant is set up. What is not said has a sound default.
#[non_exhaustive]
pub struct Setup<R, S: Storage, A> {
    /// In whose name it signs.
    pub domain: Domain,
    /// What it signs with.
    pub keys: OwnKeys,
    /// What it does with messages.
    pub handlers: RoleRoutes<R>,
    /// Whom it knows.
    pub address_book: A,
    /// Where it keeps what must survive it.
    pub storage: Arc<S>,
    /// What was agreed at the market.
    pub terms: Arc<dyn Terms>,
    /// What posts for it.
    pub client: Client,
    /// The revision in which it writes to whom nothing else is known of. Default: the newest.
    pub revision: Revision,
    /// How it delivers.
    pub delivery: DeliveryConfig,
    /// What its inbox bears.
    pub inbox: InboxConfig,
    /// What its receiver bears.
    pub receiver: ReceiverConfig,
    /// What it does when a message can't be delivered or has no answer. Default: it is logged.
    pub events: Arc<dyn Events<S::Work>>,
    /// The time. Default: the machine's clock.
    pub clock: Arc<dyn Clock>,
    /// Identifiers and chance. Default: the machine's.
    pub ids: Arc<dyn Ids>,
    /// Rung by whoever else writes into the storage. Default: bells that nobody else knows.
    pub bells: Option<Bells>,
}

impl<R: RoleType, S: Storage, A: AddressBook + Destinations + Clone> Setup<R, S, A> {
    /// A participant with defaults for all that is not said.
    pub fn new(
        domain: Domain,
        keys: impl Into<OwnKeys>,
        handlers: impl Into<RoleRoutes<R>>,
        address_book: A,
        storage: Arc<S>,
        terms: impl Terms,
        client: Client,
    ) -> Self {
        let own = Participant { role: R::ROLE, domain: domain.clone() };
        Self {
            domain,
            keys: keys.into(),
            handlers: handlers.into(),
            address_book,
            storage,
            terms: Arc::new(terms),
            client,
            revision: Revision::LATEST,
            delivery: DeliveryConfig::default(),
            inbox: InboxConfig::default(),
            receiver: ReceiverConfig::new(vec![own]),
            events: Arc::new(Ignored),
            clock: Arc::new(SystemClock),
            ids: Arc::new(RandomIds),
            bells: None,
        }
    }

    /// Starts the work in the background, on the present tokio runtime: what waits from an earlier run is taken up, too. Nothing
    /// is received until [`Running::receiver`] is served somewhere.
    pub fn start(self) -> Running<R, S, A> {
        let own = Participant { role: R::ROLE, domain: self.domain.clone() };
        let bells = self.bells.clone().unwrap_or_else(|| Bells::of(&self.clock));
        let (clock, ids) = (Arc::clone(&self.clock), Arc::clone(&self.ids));
        let letters =
            Letters::new(own, self.keys.clone(), Arc::clone(&clock), Arc::clone(&ids), self.delivery.clone());
        let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
        let desk = Arc::new(Desk {
            storage: Arc::clone(&self.storage),
            letters: letters.clone(),
            terms: self.terms.clone(),
            clock: Arc::clone(&clock),
            ids,
            attempts: self.inbox.attempts,
            one_at_a_time: Mutex::default(),
            bells: bells.clone(),
        });
        let loops = Loops { clock: Arc::clone(&clock), stop: stop.clone(), tasks: tasks.clone() };
        loops.deciding(&self, &desk);
        loops.following_up(&self, &desk);
        loops.courier(&self, &bells);
        loops.replies(&self, &bells);
        tasks.close();

        let inbox = StorageInbox {
            storage: self.storage,
            letters,
            config: self.inbox,
            bells,
            repetitions: Repetitions::default(),
        };
        let receiver = Receiver::new(inbox, self.address_book.clone(), Arc::clone(&clock), self.receiver);
        let sending = Arc::new(Sending { desk, address_book: self.address_book, revision: self.revision });
        Running {
            receiver,
            sending,
            _stop_on_drop: stop.clone().drop_guard(),
            stop,
            tasks,
            role: PhantomData,
        }
    }
}

/// What wakes a participant's work.
#[derive(Debug, Clone)]
pub struct Bells {
    /// A message was received.
    pub inbox: Bell,
    /// A message was decided on.
    pub decided: Bell,
    /// A message is owed.
    pub outbox: Bell,
    /// An answer is waited for, or no more.
    pub replies: Bell,
}

impl Bells {
    /// Bells for work that goes by this clock.
    pub fn of(clock: &Arc<dyn Clock>) -> Self {
        let bell = || Bell::of(clock);
        Self { inbox: bell(), decided: bell(), outbox: bell(), replies: bell() }
    }
}

struct Loops {
    clock: Arc<dyn Clock>,
    stop: CancellationToken,
    tasks: TaskTracker,
}

impl Loops {
    fn deciding<R, S: Storage, A>(&self, setup: &Setup<R, S, A>, desk: &Arc<Desk<S>>) {
        let handlers = setup.handlers.pre_process.clone();
        let deciding = Arc::new(Deciding { desk: Arc::clone(desk), handlers });
        self.turn("deciding", desk.bells.inbox.clone(), move || {
            let deciding = Arc::clone(&deciding);
            async move { deciding.turn().await }
        });
    }

    fn following_up<R, S: Storage, A>(&self, setup: &Setup<R, S, A>, desk: &Arc<Desk<S>>) {
        let bell = &desk.bells.decided;
        let following_up = Arc::new(FollowingUp {
            desk: Arc::clone(desk),
            handlers: setup.handlers.process.clone(),
            at_once: setup.inbox.at_once.max(1),
            under_way: UnderWay::of("following up", bell, &self.stop, &self.tasks),
        });
        self.turn("following up", bell.clone(), move || {
            let following_up = Arc::clone(&following_up);
            async move { following_up.turn().await }
        });
    }

    fn courier<R: RoleType, S: Storage, A: AddressBook + Destinations + Clone>(
        &self,
        setup: &Setup<R, S, A>,
        bells: &Bells,
    ) {
        let courier = Arc::new(Courier {
            storage: Arc::clone(&setup.storage),
            client: setup.client.clone(),
            address_book: setup.address_book.clone(),
            clock: Arc::clone(&self.clock),
            ids: Arc::clone(&setup.ids),
            config: Arc::new(setup.delivery.clone()),
            under_way: UnderWay::of("carrying", &bells.outbox, &self.stop, &self.tasks),
            events: Arc::clone(&setup.events),
            replies: bells.replies.clone(),
        });
        self.turn("delivering", bells.outbox.clone(), move || {
            let courier = Arc::clone(&courier);
            async move { courier.turn().await }
        });
    }

    fn replies<R: RoleType, S: Storage, A>(&self, setup: &Setup<R, S, A>, bells: &Bells) {
        let replies = Arc::new(Replies {
            storage: Arc::clone(&setup.storage),
            clock: Arc::clone(&self.clock),
            events: Arc::clone(&setup.events),
        });
        self.turn("waiting for answers", bells.replies.clone(), move || {
            let replies = Arc::clone(&replies);
            async move { replies.turn().await }
        });
    }

    fn turn<F, Fut>(&self, name: &'static str, bell: Bell, turn: F)
    where
        F: FnMut() -> Fut + Send + 'static,
        Fut: Future<Output = Result<Turn, StorageError>> + Send + 'static,
    {
        let clock = Arc::clone(&self.clock);
        let busy = clock.busy();
        self.tasks.spawn(turn_until_stopped(name, clock, bell, self.stop.clone(), busy, turn));
    }
}

/// A participant at work, until it is [stopped](Self::stop) or dropped.
pub struct Running<R, S, A> {
    receiver: Receiver<StorageInbox<S>, A>,
    sending: Arc<Sending<S, A>>,
    stop: CancellationToken,
    tasks: TaskTracker,
    _stop_on_drop: DropGuard,
    role: PhantomData<R>,
}

impl<R: RoleType, S: Storage, A: AddressBook + Destinations + Clone> Running<R, S, A> {
    /// What takes posted messages: a tower service, to be put at the path of one's choice. A clone is the same.
    pub fn receiver(&self) -> Receiver<StorageInbox<S>, A> {
        self.receiver.clone()
    }

    /// What the participant keeps.
    pub fn storage(&self) -> &Arc<S> {
        &self.sending.desk.storage
    }

    /// Delivers again to a participant that was held, as of now.
    pub async fn release(&self, participant: &Participant) -> Result<(), StorageError> {
        self.sending.desk.storage.release(participant).await?;
        self.sending.desk.bells.outbox.ring();
        Ok(())
    }

    /// Serves the [receiver](Self::receiver) at [`MESSAGE_PATH`] until `shutdown`; anything else is answered 404.
    pub fn serve<L: Listener>(
        &self,
        listener: L,
        config: ServeConfig,
        shutdown: CancellationToken,
    ) -> impl Future<Output = Drained> + use<R, S, A, L> {
        serve(listener, AtPath::new(MESSAGE_PATH, self.receiver()), config, shutdown)
    }

    /// Stops the work and returns once everything that was begun has ended. What waits is taken up after the next start.
    pub async fn stop(self) {
        self.stop.cancel();
        self.tasks.wait().await;
    }

    fn client<To: RoleType>(&self, recipient: Domain) -> RoleClient<R, To, S, A> {
        let shared = Arc::clone(&self.sending);
        RoleClient { recipient, version: None, conversation: None, shared, roles: PhantomData }
    }
}

macro_rules! clients {
    ($($role:ident: $($name:ident to $to:ident),+;)+) => {
        $(
            impl<S: Storage, A: AddressBook + Destinations + Clone> Running<$role, S, A> {
                $(
                    #[doc = concat!("Sends to the ", stringify!($to), " with this domain.")]
                    pub fn $name(&self, domain: Domain) -> RoleClient<$role, $to, S, A> {
                        self.client(domain)
                    }
                )+
            }
        )+
    };
}

clients! {
    Agr: dso_client to Dso, cro_client to Cro;
    Dso: agr_client to Agr, cro_client to Cro;
    Cro: agr_client to Agr, dso_client to Dso;
}

impl<R: RoleType, S, A> fmt::Debug for Running<R, S, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Running")
            .field("role", &R::ROLE)
            .field("domain", &self.sending.desk.letters.own().domain)
            .finish_non_exhaustive()
    }
}

impl<R: RoleType, S: Storage, A> fmt::Debug for Setup<R, S, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Setup").field("role", &R::ROLE).field("domain", &self.domain).finish_non_exhaustive()
    }
}
