//! What the day came to: the books of both nodes beside what really happened at the chargers.

use anyhow::bail;
use tieline_node::database_path;
use tieline_node::ledger::{LedgerIsp, LedgerOrder, LedgerSettlementItem, MarketDay, market_day};
use tieline_sim::{Behaviour, SessionOutcome};
use tieline_store::{Direction, SqliteOptions, SqliteStore, Store as _};
use tieline_types::{Amount, IspRange, Power};

use super::run::Ended;
use super::scene::{AGR, DSO, Scene};
use crate::report::{
    Alarm, Day, Disposition, Draw, Isp, Journal, Order, Requested, Session, Settlement, Totals,
};

/// How many entries of a journal are read at a time.
const PAGE: usize = 256;

/// Puts the day together, from the databases of nodes that have stopped.
pub(super) async fn day(scene: &Scene, ended: &Ended) -> anyhow::Result<Day> {
    let market = &scene.market;
    let (dso, agr) = (Books::open("dso", scene).await?, Books::open("agr", scene).await?);
    let isps = dso.day.isps.iter().zip(&agr.day.isps).zip(&market.uncontrolled);
    let isps = isps.map(|((dso, of_agr), uncontrolled)| isp(dso, of_agr, *uncontrolled, &agr.day));
    let currency = dso.day.orders.first().map_or("EUR".parse()?, |order| order.currency);
    Ok(Day {
        date: market.day.date(),
        time_zone: market.calendar.time_zone().clone(),
        isp_duration: market.calendar.isp_duration(),
        congestion_point: Scene::point()?,
        dso: DSO.parse()?,
        agr: AGR.parse()?,
        seed: scene.seed,
        chargers: market.population.chargers().len(),
        currency,
        took: ended.took,
        isps: isps.collect(),
        sessions: ended.outcome.sessions.iter().map(|session| self::session(session, scene)).collect(),
        orders: dso.day.orders.iter().filter_map(|known| order(known, &dso.day)).collect(),
        settlement: Settlement {
            dso: totals(items(&dso.day).map(|item| Some((item.price, item.penalty, item.net)))),
            agr: totals(items(&agr.day).map(|item| item.own.map(|own| (own.price, own.penalty, own.net)))),
        },
        alarms: [dso.alarms().await?, agr.alarms().await?].concat(),
        journals: vec![
            journal("dso", &dso.store).await?,
            journal("agr", &agr.store).await?,
            journal("cro", &database("cro", scene)?).await?,
        ],
    })
}

/// Fails if something went wrong that never should.
pub(super) fn check(day: &Day, ended: &Ended) -> anyhow::Result<()> {
    let sessions = &ended.outcome.sessions;
    if let Some(session) = sessions.iter().find(|session| !session.violations.is_empty()) {
        bail!("{} was told what it must not be told: {:?}", session.charger, session.violations);
    }
    let chargers = &ended.outcome.chargers;
    if let Some(charger) =
        chargers.iter().find(|charger| charger.failure.is_some() || charger.lost_messages > 0)
    {
        bail!("{} lost its node: {:?}", charger.charger, charger);
    }
    if let Some(journal) = day.journals.iter().find(|journal| !journal.verified) {
        bail!("the journal of the {} is broken", journal.role);
    }
    if !ended.settled {
        bail!("the settlement was not answered in time");
    }
    let both = (day.settlement.dso, day.settlement.agr);
    if both.0.is_none() || both.0 != both.1 {
        bail!("the settlements of both sides differ: {both:?}");
    }
    Ok(())
}

fn database(name: &str, scene: &Scene) -> anyhow::Result<SqliteStore> {
    Ok(SqliteStore::open(&database_path(&scene.directory.join(name)), SqliteOptions::default())?)
}

async fn journal(name: &str, store: &SqliteStore) -> anyhow::Result<Journal> {
    let verified = tieline_store::verify(store).await?;
    let end = store.journal_end().await?;
    Ok(Journal {
        role: name.to_uppercase(),
        entries: end.entries,
        head: crate::journal::hexadecimal(&end.head),
        verified: verified.is_ok_and(|verified| verified == end),
    })
}

/// The database of one side of the market.
struct Books {
    name: &'static str,
    store: SqliteStore,
    day: MarketDay,
}

impl Books {
    async fn open(name: &'static str, scene: &Scene) -> anyhow::Result<Self> {
        let store = database(name, scene)?;
        let market = &scene.market;
        let day = market_day(&store, &market.calendar, &Scene::point()?, market.day.date()).await?;
        Ok(Self { name, store, day })
    }

    /// What this side had to call a person for.
    async fn alarms(&self) -> anyhow::Result<Vec<Alarm>> {
        let mut alarms = Vec::new();
        let mut read = 0;
        loop {
            let page = self.store.journal(read, PAGE).await?;
            let Some(last) = page.last() else { return Ok(alarms) };
            read = last.sequence;
            let entries = page.into_iter().map(|found| found.entry);
            alarms.extend(
                entries.filter(|entry| entry.direction == Direction::Decision && entry.label == "Alarm").map(
                    |entry| Alarm {
                        at: entry.at,
                        text: format!(
                            "{}: {}",
                            self.name.to_uppercase(),
                            String::from_utf8_lossy(&entry.bytes)
                        ),
                    },
                ),
            );
        }
    }
}

/// The DSO knows what was traded and measured, the AGR why it could not do better.
fn isp(dso: &LedgerIsp, agr: &LedgerIsp, uncontrolled: Power, of_agr: &MarketDay) -> Isp {
    Isp {
        number: dso.isp,
        span: dso.span,
        baseline: dso.baseline.or(agr.baseline).unwrap_or(Power::ZERO),
        uncontrolled: Some(uncontrolled),
        requested: dso.requested.map(|bounds| Requested {
            disposition: if bounds.requested { Disposition::Requested } else { Disposition::Available },
            min: bounds.min,
            max: bounds.max,
        }),
        offered: dso.offered,
        ordered: dso.ordered,
        measured: dso.measured.or(agr.measured),
        delivered: dso.delivered,
        deficiency: dso.deficiency,
        shortfall: of_agr
            .shortfalls
            .iter()
            .find(|shortfall| shortfall.isp == dso.isp)
            .map(|shortfall| shortfall.reason.clone()),
    }
}

fn session(session: &SessionOutcome, scene: &Scene) -> Session {
    let spec = &session.spec;
    let charger = &scene.market.population.chargers()[spec.charger];
    let mut trace: Vec<Draw> = Vec::new();
    let mut until = spec.arrival();
    for segment in session.trace.segments() {
        if until < segment.span.start() {
            trace.push(Draw { from: until, power: Power::ZERO });
        }
        trace.push(Draw { from: segment.span.start(), power: segment.power });
        until = segment.span.end();
    }
    if until < spec.departure() {
        trace.push(Draw { from: until, power: Power::ZERO });
    }
    Session {
        charger: session.charger.clone(),
        ocpp: charger.version.to_string(),
        behaviour: scene.behaviours.get(spec.charger).map(behaviour).unwrap_or_default(),
        arrival: spec.arrival(),
        departure: spec.departure(),
        stated_departure: spec.stated_departure,
        asked: spec.energy,
        got: session.delivered,
        trace,
    }
}

fn behaviour(behaviour: &Behaviour) -> String {
    let word = match behaviour {
        Behaviour::Obeys => "obeys",
        Behaviour::Refuses => "refuses",
        Behaviour::Ignores => "ignores",
        other => return format!("{other:?}"),
    };
    word.to_owned()
}

fn order(order: &LedgerOrder, day: &MarketDay) -> Option<Order> {
    let (first, last) = (order.changes.first()?.0, order.changes.last()?.0);
    let item = items(day).find(|item| item.reference == order.reference);
    let state = match item.map(|item| item.accepted) {
        None => order.state.clone(),
        Some(None) => "settled".to_owned(),
        Some(Some(true)) => "settled, accepted".to_owned(),
        Some(Some(false)) => "settled, disputed".to_owned(),
    };
    Some(Order {
        reference: order.reference.clone(),
        isps: IspRange::between(first, last).ok()?,
        price: order.price,
        settled: item.map(|item| Totals { paid: item.price, penalty: item.penalty, net: item.net }),
        state,
    })
}

/// What price, penalty and net amount of all orders come to; `None` if there are none, or not all are known.
fn totals(each: impl Iterator<Item = Option<(Amount, Amount, Amount)>>) -> Option<Totals> {
    let each: Vec<(Amount, Amount, Amount)> = each.collect::<Option<_>>()?;
    let sum = |of: fn(&(Amount, Amount, Amount)) -> Amount| {
        Amount::rounded(each.iter().map(|amounts| of(amounts).value()).sum())
    };
    let totals = Totals {
        paid: sum(|(price, ..)| *price),
        penalty: sum(|(_, penalty, _)| *penalty),
        net: sum(|(.., net)| *net),
    };
    (!each.is_empty()).then_some(totals)
}

fn items(day: &MarketDay) -> impl Iterator<Item = &LedgerSettlementItem> {
    day.settlements.iter().flat_map(|settlement| &settlement.items)
}
