use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::middleware::{self, Next};
use axum::response::Response;
use jiff::Timestamp;
use jiff::civil::Date;
use tieline_ocpp::Registry;
use tieline_store::{ChangeSet, Store, StoreError, Timer};
use tieline_types::{Clock, EntityAddress, IspCalendar};
use tieline_uftp::Client;
use tieline_uftp::service::{RoleRoutes, RoleType, Setup};
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;
use tracing::{error, info, warn};

use crate::bridge::ocpp::{
    Chargers, Commanding, Enrolment, Entrance, Probing, Questions, Steering, nobody_is_there,
};
use crate::bridge::uftp::{
    AddressBook, AgrMarket, CommonReferenceOperator, DsoMarket, Letters, MarketEvents, MarketTerms,
    NodeStorage, REPLY, Registrar, Replies, delivery,
};
use crate::capabilities::Capabilities;
use crate::config::{AgrConfig, CroConfig, DsoConfig, OcppConfig, RoleConfig, UftpConfig};
use crate::context::Context;
use crate::data;
use crate::ledger::{MarketDay, market_day};
use crate::listening::Bound;
use crate::role::agr::{Absences, Agr, METER, METER_DAY, PLAN, PROGNOSE, PROGNOSE_DAY};
use crate::role::dso::{DECIDE, Dso, REQUEST, SETTLE};
use crate::role::registering::{Declared, PORTFOLIO, Registering};
use crate::roster::Roster;
use crate::wake::Door;
use crate::{Config, Environment, NodeError};
use tieline_edge::work::{Bell, Panicked, Turn, UnderWay, guarded, turn_until_stopped};

/// How many timers one turn fires.
const TIMERS_PER_TURN: usize = 64;

/// When a timer whose work panicked fires again.
const AFTER_PANIC: Duration = Duration::from_mins(1);

/// A running node. Dropping it stops it at once; [`Node::stop`] lets it finish what it has begun.
pub struct Node {
    store: Arc<dyn Store>,
    calendar: IspCalendar,
    uftp: SocketAddr,
    ocpp: Option<SocketAddr>,
    stop: CancellationToken,
    failed: CancellationToken,
    tasks: TaskTracker,
    _stop_on_drop: DropGuard,
}

impl Node {
    /// Opens the database, binds the listeners and goes on where the node was.
    ///
    /// The data directory is this node's as long as it runs: another that is started on it is refused.
    pub async fn start(config: Config, environment: Environment) -> Result<Self, NodeError> {
        // Until every loop holds a guard of its own, for its first turn.
        let _starting = environment.clock.busy();
        let (store, directory) = data::open(&config.data).await?;
        let context = Context::new(Arc::clone(&store), environment, directory);
        let Config { uftp, role, data, .. } = config;
        let market = Bound::to(uftp.listen, &uftp.transport, uftp.limits)?;
        let market_address = market.address();
        let starting = Starting::new(context, &uftp)?;
        let (stop, tasks) = (starting.stop.clone(), starting.tasks.clone());
        let bells = starting.context.bells.clone();
        // From here on whatever was begun ends with it, also if the rest can't be started or nobody waits for it.
        let stop_on_drop = stop.clone().drop_guard();
        tasks.close();
        let failed = CancellationToken::new();
        let (watched, stops, fails) = (Arc::clone(&store), stop.clone(), failed.clone());
        tasks.spawn(async move { stop_when_closed(watched.closed(), stops, fails).await });
        let calendar = uftp.calendar.clone();
        let ocpp = match starting.all(&uftp, role, market).await {
            Ok(ocpp) => ocpp,
            Err(failure) => {
                drop(stop_on_drop);
                tasks.wait().await;
                return Err(failure);
            }
        };
        if let Some(door) = Door::of(&data) {
            tasks.spawn(door.heed(bells, stop.clone()));
        }
        info!(uftp = %market_address, ?ocpp, "node is ready");
        Ok(Self {
            store,
            calendar,
            uftp: market_address,
            ocpp,
            stop,
            failed,
            tasks,
            _stop_on_drop: stop_on_drop,
        })
    }

    /// Waits until the node can't go on, which its store decides, and says why. It has stopped taking anything new by then;
    /// [`stop`](Self::stop) it.
    pub async fn failed(&self) -> NodeError {
        self.failed.cancelled().await;
        StoreError::Closed.into()
    }

    /// Where peers post to.
    pub fn uftp_address(&self) -> SocketAddr {
        self.uftp
    }

    /// Where chargers connect to, if the node has any.
    pub fn ocpp_address(&self) -> Option<SocketAddr> {
        self.ocpp
    }

    /// What the node keeps.
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.store
    }

    /// What the books say of a local day at a congestion point.
    pub async fn market_day(&self, point: &EntityAddress, date: Date) -> Result<MarketDay, StoreError> {
        market_day(&*self.store, &self.calendar, point, date).await
    }

    /// Stops taking anything new and returns once everything that was begun has ended: requests, deliveries, and what
    /// chargers' messages caused.
    pub async fn stop(self) {
        self.stop.cancel();
        self.tasks.wait().await;
    }
}

impl fmt::Debug for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Node").field("uftp", &self.uftp).field("ocpp", &self.ocpp).finish_non_exhaustive()
    }
}

/// A node whose store can write no more could only refuse whatever it is asked.
async fn stop_when_closed(
    closed: impl Future<Output = ()>,
    stop: CancellationToken,
    failed: CancellationToken,
) {
    if stop.run_until_cancelled(closed).await.is_some() {
        error!("the store can write no more; the node stops");
        failed.cancel();
        stop.cancel();
    }
}

/// A node while its parts are put together.
struct Starting {
    context: Context,
    letters: Letters,
    address_book: AddressBook,
    stop: CancellationToken,
    tasks: TaskTracker,
}

impl Starting {
    fn new(context: Context, uftp: &UftpConfig) -> Result<Self, NodeError> {
        let address_book = AddressBook::of(uftp, &context.environment.clock)?;
        let letters = Letters::new(&context, uftp, address_book.clone());
        Ok(Self { context, letters, address_book, stop: CancellationToken::new(), tasks: TaskTracker::new() })
    }

    /// Puts everything together, and gives the address where chargers connect to, if the role has any.
    async fn all(
        self,
        uftp: &UftpConfig,
        role: RoleConfig,
        market: Bound,
    ) -> Result<Option<SocketAddr>, NodeError> {
        let (receiver, ocpp) = match role {
            RoleConfig::Agr(agr, ocpp) => {
                let chargers = Bound::to(ocpp.listen, &ocpp.transport, ocpp.limits)?;
                let address = chargers.address();
                (self.agr(uftp, *agr, *ocpp, chargers).await?, Some(address))
            }
            RoleConfig::Cro(cro) => (self.cro(uftp, *cro)?, None),
            RoleConfig::Dso(dso) => (self.dso(uftp, *dso).await?, None),
        };
        self.serve(market, receiver);
        Ok(ocpp)
    }

    async fn agr(
        &self,
        uftp: &UftpConfig,
        agr: AgrConfig,
        ocpp: OcppConfig,
        listener: Bound,
    ) -> Result<axum::Router, NodeError> {
        let ocpp = Arc::new(ocpp);
        let roster = Roster::open(&self.context, &agr, &ocpp).await?;
        let absences = Absences::of(roster.all().keys().map(String::as_str), self.context.now());
        let agr = Agr {
            context: self.context.clone(),
            config: Arc::new(agr),
            roster: roster.clone(),
            calendar: uftp.calendar.clone(),
            absences,
            capabilities: Capabilities::open(&self.context).await?,
        };
        let questions = Questions::of(&self.context.bells.questions);
        agr.take_up_days().await?;
        nobody_is_there(&self.context).await?;
        let registrar = self.registrar(uftp, agr.declared());
        let terms = MarketTerms::of_agr(uftp, &agr.config);
        if let Some(registrar) = &registrar {
            terms.learn(&registrar.registering.portfolio().await?.0.mutex_offers);
            registrar.registering.take_up().await?;
        }
        let market =
            AgrMarket { agr: agr.clone(), letters: self.letters.clone(), terms: terms.clone(), registrar };
        let (receiver, replies) = self.trade(uftp, market.clone().handlers(), terms, "agr")?;

        let chargers = Chargers::of(agr.clone(), ocpp, questions.clone());
        let Entrance { registry, service } = Entrance::of(chargers, &self.stop, &self.tasks)?;
        self.steer(&agr, &registry, &questions);
        self.timers(move |timer| {
            let (market, replies) = (market.clone(), replies.clone());
            async move {
                match timer.kind.as_str() {
                    REPLY => replies.due(timer).await.map(Some),
                    PLAN => market.agr.plan(timer).await.map(Some),
                    PROGNOSE_DAY | METER_DAY => market.agr.day(timer).await.map(Some),
                    PROGNOSE => market.prognose(timer).await.map(Some),
                    METER => market.meter(timer).await.map(Some),
                    PORTFOLIO => registered(market.registrar.as_ref(), timer).await.map(Some),
                    _ => Ok(None),
                }
            }
        });
        self.serve(listener, service);
        Ok(receiver)
    }

    /// What the node tells and asks its chargers.
    fn steer(&self, agr: &Agr, registry: &Registry, questions: &Questions) {
        let steering = Steering {
            agr: agr.clone(),
            context: self.context.clone(),
            registry: registry.clone(),
            under_way: UnderWay::of("telling", &self.context.bells.set_points, &self.stop, &self.tasks),
            questions: questions.clone(),
        };
        self.tasks.spawn(steering.clone().watch(self.stop.clone()));
        let set_points = self.context.bells.set_points.clone();
        self.turn("steering", set_points, move || {
            let steering = steering.clone();
            async move { steering.turn().await }
        });
        let commanding = Commanding {
            context: self.context.clone(),
            registry: registry.clone(),
            under_way: UnderWay::of("commanding", &self.context.bells.commands, &self.stop, &self.tasks),
        };
        self.turn("commanding", self.context.bells.commands.clone(), move || {
            let commanding = commanding.clone();
            async move { commanding.turn().await }
        });
        let probing = Probing {
            agr: agr.clone(),
            registry: registry.clone(),
            questions: questions.clone(),
            under_way: UnderWay::of("asking", &self.context.bells.questions, &self.stop, &self.tasks),
        };
        self.turn("probing", self.context.bells.questions.clone(), move || {
            let probing = probing.clone();
            async move { probing.turn().await }
        });
        let enrolment = Enrolment { agr: agr.clone(), registry: registry.clone() };
        self.turn("enrolling", self.context.bells.chargers.clone(), move || {
            let enrolment = enrolment.clone();
            async move { enrolment.turn().await }
        });
    }

    async fn dso(&self, uftp: &UftpConfig, dso: DsoConfig) -> Result<axum::Router, NodeError> {
        let dso =
            Dso { context: self.context.clone(), config: Arc::new(dso), calendar: uftp.calendar.clone() };
        dso.take_up_needs().await?;
        dso.take_up_claims().await?;
        let terms = MarketTerms::of_dso(uftp, &dso.config);
        let registrar = self.registrar(uftp, dso.declared());
        if let Some(registrar) = &registrar {
            registrar.registering.take_up().await?;
        }
        let market = DsoMarket { dso, letters: self.letters.clone(), registrar };
        let (receiver, replies) = self.trade(uftp, market.clone().handlers(), terms, "dso")?;
        self.timers(move |timer| {
            let (market, replies) = (market.clone(), replies.clone());
            async move {
                match timer.kind.as_str() {
                    REPLY => replies.due(timer).await.map(Some),
                    REQUEST => market.request(timer).await.map(Some),
                    DECIDE => market.decide(timer).await.map(Some),
                    SETTLE => market.settle(timer).await.map(Some),
                    PORTFOLIO => registered(market.registrar.as_ref(), timer).await.map(Some),
                    _ => Ok(None),
                }
            }
        });
        Ok(receiver)
    }

    fn cro(&self, uftp: &UftpConfig, cro: CroConfig) -> Result<axum::Router, NodeError> {
        let operator = CommonReferenceOperator::new(&self.context, cro.policy);
        let (receiver, replies) = self.trade(uftp, operator.handlers(), MarketTerms::of_cro(uftp), "cro")?;
        self.timers(move |timer| {
            let replies = replies.clone();
            async move {
                match timer.kind.as_str() {
                    REPLY => replies.due(timer).await.map(Some),
                    _ => Ok(None),
                }
            }
        });
        Ok(receiver)
    }

    /// What registers whatever the node has, if it is to be registered.
    fn registrar(&self, uftp: &UftpConfig, declared: BTreeMap<EntityAddress, Declared>) -> Option<Registrar> {
        let registering = Registering {
            context: self.context.clone(),
            config: uftp.registration.clone()?,
            calendar: uftp.calendar.clone(),
            declared: Arc::new(declared),
        };
        Some(Registrar { registering, letters: self.letters.clone(), role: uftp.role })
    }

    /// Takes part in the market: decides on what is received and delivers what is owed until the node stops. Gives what takes
    /// posts, and what the timers of missing answers do.
    fn trade<R: RoleType>(
        &self,
        uftp: &UftpConfig,
        handlers: RoleRoutes<R>,
        terms: MarketTerms,
        by: &'static str,
    ) -> Result<(axum::Router, Replies), NodeError> {
        let mut http = uftp.client.clone();
        if self.address_book.has_plaintext() {
            warn!("some peers are written to without TLS");
            http = http.allowing_plain_text();
        }
        let client = Client::new(http.build()?);
        let storage = NodeStorage::of(self.context.clone());
        let events = MarketEvents { context: self.context.clone(), by };
        let (domain, keys) = (uftp.domain.clone(), uftp.signing_keys.clone());
        let book = self.address_book.clone();
        let mut setup = Setup::new(domain, keys, handlers, book, Arc::new(storage.clone()), terms, client);
        setup.revision = uftp.revision;
        setup.delivery = delivery(uftp);
        setup.inbox.attempts = uftp.attempts;
        setup.inbox.backlog = uftp.backlog;
        setup.receiver.bodies_bytes = uftp.bodies_bytes;
        setup.events = Arc::new(events.clone());
        setup.clock = Arc::clone(&self.context.environment.clock);
        setup.ids = Arc::clone(&self.context.environment.ids);
        setup.bells = Some(self.context.bells.uftp.clone());
        let running = setup.start();
        let receiver = axum::Router::new().route_service(&uftp.path, running.receiver());
        let stop = self.stop.clone();
        self.tasks.spawn(async move {
            stop.cancelled().await;
            running.stop().await;
        });
        Ok((receiver, Replies { events, storage }))
    }

    /// Fires timers that are due: `fire` gives the change set that clears the timer, or `None` for a kind it does not know.
    fn timers<F, Fut>(&self, fire: F)
    where
        F: Fn(Timer) -> Fut + Clone + Send + Sync + 'static,
        Fut: Future<Output = Result<Option<ChangeSet>, StoreError>> + Send + 'static,
    {
        let context = self.context.clone();
        let bell = self.context.bells.timers.clone();
        self.turn("timers", bell, move || {
            let (context, fire) = (context.clone(), fire.clone());
            async move {
                let due = context.store.timers_due(context.now(), TIMERS_PER_TURN).await?;
                if due.is_empty() {
                    return Ok(Turn::Until(context.store.timers_next_due().await?));
                }
                for timer in due {
                    let fired = guarded(async { fire(timer.clone()).await }).await;
                    match context.commit(changes_of(timer, fired, context.now())?).await {
                        // What the timer's work was based on has changed: it fires again.
                        Err(StoreError::Conflict { .. }) => {}
                        done => done?,
                    }
                }
                Ok(Turn::Again)
            }
        });
    }

    fn turn<F, Fut>(&self, name: &'static str, bell: Bell, turn: F)
    where
        F: FnMut() -> Fut + Send + 'static,
        Fut: Future<Output = Result<Turn, StoreError>> + Send + 'static,
    {
        let clock = Arc::clone(&self.context.environment.clock);
        let busy = clock.busy();
        self.tasks.spawn(turn_until_stopped(name, clock, bell, self.stop.clone(), busy, turn));
    }

    fn serve(&self, listener: Bound, service: axum::Router) {
        let clock = Arc::clone(&self.context.environment.clock);
        let service = service.layer(middleware::from_fn_with_state(clock, hold_time));
        self.tasks.spawn(listener.serve(service, self.stop.clone()));
    }
}

/// The timer of a common reference operator; it is dropped where nothing is registered any more.
async fn registered(registrar: Option<&Registrar>, fired: Timer) -> Result<ChangeSet, StoreError> {
    if let Some(registrar) = registrar {
        return registrar.look(fired).await;
    }
    let mut changes = ChangeSet::new();
    changes.clear_timer(fired);
    Ok(changes)
}

/// What a timer that fired comes to. One that can't be done now must not hold up every other timer.
fn changes_of(
    timer: Timer,
    fired: Result<Result<Option<ChangeSet>, StoreError>, Panicked>,
    now: Timestamp,
) -> Result<ChangeSet, StoreError> {
    let (kind, subject) = (&timer.kind, &timer.subject);
    let mut changes = ChangeSet::new();
    match fired {
        Ok(Ok(Some(changes))) if !changes.is_empty() => return Ok(changes),
        Ok(Ok(Some(_))) => {}
        Ok(Ok(None)) => warn!(kind, subject, "a timer that nothing here knows is dropped"),
        Ok(Err(failure)) if failure.retry() => return Err(failure),
        Ok(Err(failure)) => {
            error!(kind, subject, cause = %failure, "a timer failed for good and is dropped");
        }
        Err(panic) => {
            error!(kind, subject, cause = %panic, again_in = ?AFTER_PANIC, "a timer's work panicked");
            let due = now.checked_add(AFTER_PANIC).unwrap_or(Timestamp::MAX);
            changes.set_timer(Timer::new(kind, subject, due));
            return Ok(changes);
        }
    }
    changes.clear_timer(timer);
    Ok(changes)
}

/// Holds a virtual clock still until the request has its answer.
async fn hold_time(State(clock): State<Arc<dyn Clock>>, request: Request, next: Next) -> Response {
    let _busy = clock.busy();
    next.run(request).await
}

#[cfg(test)]
mod tests {
    use tieline_store::MemoryStore;

    use super::*;

    #[tokio::test]
    async fn a_timer_whose_work_panics_holds_up_no_other() {
        let now = "2026-06-10T08:00:00Z".parse().unwrap();
        let store = MemoryStore::new();
        let timer = Timer::new("plan", "here", now);
        let mut changes = ChangeSet::new();
        changes.set_timer(timer.clone());
        store.commit(changes).await.unwrap();

        let fired = guarded(async { panic!("the plan is cursed") }).await;
        store.commit(changes_of(timer, fired, now).unwrap()).await.unwrap();
        assert!(store.timers_due(now, 1).await.unwrap().is_empty());
        assert_eq!(store.timers_next_due().await.unwrap(), Some(now + AFTER_PANIC));
    }

    #[tokio::test]
    async fn a_node_stops_with_an_error_once_its_store_is_gone() {
        let (stop, failed) = (CancellationToken::new(), CancellationToken::new());
        let (last_write, closed) = tokio::sync::oneshot::channel::<()>();
        let closed = async { drop(closed.await) };
        let watching = tokio::spawn(stop_when_closed(closed, stop.clone(), failed.clone()));
        tokio::task::yield_now().await;
        assert!(!stop.is_cancelled());
        drop(last_write);
        watching.await.unwrap();
        assert!(failed.is_cancelled() && stop.is_cancelled());
    }

    #[tokio::test]
    async fn a_node_that_is_stopped_has_not_failed() {
        let (stop, failed) = (CancellationToken::new(), CancellationToken::new());
        stop.cancel();
        stop_when_closed(std::future::pending(), stop, failed.clone()).await;
        assert!(!failed.is_cancelled());
    }
}
