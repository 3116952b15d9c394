//! What a node has, told to a common reference operator, and what that operator is asked.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::Date;
use tieline_store::{ChangeSet, Records as _, StoreError, Timer};
use tieline_types::{EntityAddress, IspCalendar};

use crate::config::RegistrationConfig;
use crate::context::Context;
use crate::market::{Days, Portfolio, PortfolioUpdate, PortfolioUpdateState, Registered, Trading};

/// The timer that looks what an operator is to be told or asked: daily, and after each answer. Its subject is the operator.
pub(crate) const PORTFOLIO: &str = "portfolio";

/// Connections in one update, at the most, unless one congestion point has more. The next update says the rest.
const CONNECTIONS_PER_UPDATE: usize = 5000;

/// Differences that are named in the journal, at the most.
const NAMED: usize = 50;

/// What the configuration says that the node has: a connection, or a congestion point with the connections behind it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Declared {
    pub(crate) trading: Option<Trading>,
    pub(crate) connections: BTreeSet<EntityAddress>,
}

/// Registers what a node has with one operator.
#[derive(Clone, Debug)]
pub(crate) struct Registering {
    pub(crate) context: Context,
    pub(crate) config: RegistrationConfig,
    pub(crate) calendar: IspCalendar,
    pub(crate) declared: Arc<BTreeMap<EntityAddress, Declared>>,
}

/// What is to be done now.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// Nothing, until there is an answer or another day.
    Nothing,
    /// Tell this.
    Tell(Vec<Registered>),
    /// Ask what is registered.
    Ask,
}

impl Registering {
    /// Has it looked at once what is to be told or asked.
    pub(crate) async fn take_up(&self) -> Result<(), StoreError> {
        let mut changes = ChangeSet::new();
        changes.set_timer(self.timer(self.context.now()));
        self.context.commit(changes).await
    }

    pub(crate) fn timer(&self, due: Timestamp) -> Timer {
        Timer::new(PORTFOLIO, self.config.cro.to_string(), due)
    }

    /// What is known of the operator, and the version that was read.
    pub(crate) async fn portfolio(&self) -> Result<(Portfolio, i64), StoreError> {
        let known = self.context.store.record::<Portfolio>(self.config.cro.as_str()).await?;
        Ok(known.map_or_else(
            || (Portfolio::new(self.config.cro.clone()), 0),
            |known| (known.value, known.version),
        ))
    }

    /// The local day, the day that is to be asked about, and when the next one is.
    pub(crate) fn days(&self) -> Result<(Date, Date, Timestamp), StoreError> {
        let now = self.context.now();
        let misuse = |cause: &dyn std::fmt::Display| StoreError::Misuse(cause.to_string());
        let today = self.calendar.locate(now).map_err(|cause| misuse(&cause))?.0.date();
        let tomorrow = today.tomorrow().map_err(|cause| misuse(&cause))?;
        // Where the clock skips this time or shows it twice, it is the instant that the offset before says.
        let at = |day: Date| {
            let local = day.to_datetime(self.config.at);
            self.calendar.time_zone().to_ambiguous_timestamp(local).compatible()
        };
        let (due, later) = (at(today).map_err(|cause| misuse(&cause))?, at(tomorrow));
        if due > now {
            return Ok((today, today, due));
        }
        Ok((today, tomorrow, later.map_err(|cause| misuse(&cause))?))
    }

    /// What is to be done, given what is known, on the local day `today` and about the day `about`.
    pub(crate) fn next(&self, known: &Portfolio, today: Date, about: Date) -> Next {
        let last = known.update.as_ref().filter(|update| update.day == about);
        if last.is_some_and(|update| update.state == PortfolioUpdateState::Sent) {
            return Next::Nothing;
        }
        let news = news(&self.declared, &known.registered, today);
        // What was refused is refused again, unless somebody mends something: once a day it is tried.
        let refused = |update: &PortfolioUpdate| {
            matches!(update.state, PortfolioUpdateState::Rejected { .. }) && update.said == news
        };
        if !news.is_empty() && !last.is_some_and(refused) {
            return Next::Tell(news);
        }
        let has_anything = !(self.declared.is_empty() && known.registered.is_empty());
        if has_anything && known.asked.is_none_or(|asked| asked < about) { Next::Ask } else { Next::Nothing }
    }

    /// Journals and logs where the operator and the configuration differ.
    pub(crate) fn report(
        &self,
        differences: &[String],
        period: Date,
        conversation: &str,
        by: &str,
    ) -> ChangeSet {
        let mut changes = ChangeSet::new();
        let Some(first) = differences.first() else { return changes };
        let cro = self.config.cro.to_string();
        let count = differences.len();
        tracing::error!(cro, %period, count, first, "the common reference differs from the configuration");
        let named = differences[..count.min(NAMED)].join("; ");
        let grounds = match count.saturating_sub(NAMED) {
            0 => format!("{period}: {named}"),
            more => format!("{period}: {named}; and {more} more"),
        };
        changes.decide(self.context.now(), by, cro, "PortfolioDiffers", conversation, grounds);
        changes
    }
}

/// Whatever is declared and not registered so, and the end of what is registered and not declared any more.
fn news(
    declared: &BTreeMap<EntityAddress, Declared>,
    registered: &[Registered],
    today: Date,
) -> Vec<Registered> {
    let known: BTreeMap<_, _> = registered.iter().map(|item| (&item.address, item)).collect();
    let wanted = declared.iter().filter_map(|(address, item)| {
        let before = known.get(address).copied().filter(|known| known.days.end.is_none());
        let said = as_declared(address, item, before, today);
        (before != Some(&said)).then_some(said)
    });
    let gone = registered
        .iter()
        .filter(|known| known.days.end.is_none() && !declared.contains_key(&known.address))
        .map(|known| ended(known, today));
    let mut count = 0;
    let fits = |said: &Registered| {
        let before = count;
        count += said.connections.len().max(1);
        before == 0 || count <= CONNECTIONS_PER_UPDATE
    };
    // Ends come first: what is given up may be taken up elsewhere.
    gone.chain(wanted).take_while(fits).collect()
}

/// What goes on keeps its first day.
fn as_declared(
    address: &EntityAddress,
    item: &Declared,
    before: Option<&Registered>,
    today: Date,
) -> Registered {
    let since: BTreeMap<_, _> = before.into_iter().flat_map(|known| &known.connections).cloned().collect();
    let new = Days { start: today, end: None };
    let connections = item.connections.iter().map(|connection| {
        let days = since.get(connection).copied().unwrap_or(new);
        (connection.clone(), days)
    });
    Registered {
        address: address.clone(),
        days: before.map_or(new, |known| known.days),
        trading: item.trading,
        connections: connections.collect(),
    }
}

fn ended(known: &Registered, today: Date) -> Registered {
    let until = |days: Days| Days { end: Some(today), ..days };
    let connections = known.connections.iter().map(|(address, days)| (address.clone(), until(*days)));
    Registered { days: until(known.days), connections: connections.collect(), ..known.clone() }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    const FIRST: Date = date(2026, 6, 1);
    const TODAY: Date = date(2026, 6, 10);

    fn address(number: usize) -> EntityAddress {
        format!("ean.{:018}", 871_685_900_012_345_000 + number).parse().unwrap()
    }

    fn days(start: Date, end: Option<Date>) -> Days {
        Days { start, end }
    }

    fn declared(points: &[(usize, Option<Trading>, &[usize])]) -> BTreeMap<EntityAddress, Declared> {
        let connections = |numbers: &[usize]| numbers.iter().copied().map(address).collect();
        let item = |(point, trading, numbers): &(usize, Option<Trading>, &[usize])| {
            (address(*point), Declared { trading: *trading, connections: connections(numbers) })
        };
        points.iter().map(item).collect()
    }

    fn registered(point: usize, start: Date, end: Option<Date>, connections: &[(usize, Days)]) -> Registered {
        let connections = connections.iter().map(|(number, days)| (address(*number), *days)).collect();
        Registered { address: address(point), days: days(start, end), trading: None, connections }
    }

    #[test]
    fn only_what_is_new_is_told() {
        let open = registered(1, FIRST, None, &[]);
        let known = [open.clone()];
        assert!(news(&declared(&[(1, None, &[])]), &known, TODAY).is_empty());
        let said = news(&declared(&[(1, None, &[]), (2, None, &[])]), &known, TODAY);
        assert_eq!(said, [registered(2, TODAY, None, &[])]);
        let said = news(&declared(&[]), &known, TODAY);
        assert_eq!(said, [registered(1, FIRST, Some(TODAY), &[])]);
        // What has ended is ended once, and begins anew where it is declared again.
        let known = [registered(1, FIRST, Some(TODAY), &[])];
        assert!(news(&declared(&[]), &known, TODAY).is_empty());
        assert_eq!(news(&declared(&[(1, None, &[])]), &known, TODAY), [registered(1, TODAY, None, &[])]);
    }

    #[test]
    fn a_point_is_told_with_all_that_is_behind_it() {
        let since = days(FIRST, None);
        let known = [registered(9, FIRST, None, &[(1, since), (2, since)])];
        let said = news(&declared(&[(9, None, &[2, 3])]), &known, TODAY);
        assert_eq!(said, [registered(9, FIRST, None, &[(2, since), (3, days(TODAY, None))])]);
        let over = days(FIRST, Some(TODAY));
        let said = news(&declared(&[]), &known, TODAY);
        assert_eq!(said, [registered(9, FIRST, Some(TODAY), &[(1, over), (2, over)])]);
        let trading = Trading {
            mutex_offers: false,
            day_ahead_redispatch_by: crate::config::RedispatchBy::Agr,
            intraday_redispatch_by: None,
        };
        let said = news(&declared(&[(9, Some(trading), &[1, 2])]), &known, TODAY);
        assert_eq!(said, [Registered { trading: Some(trading), ..known[0].clone() }]);
    }

    #[test]
    fn an_update_has_an_end_and_the_next_one_goes_on() {
        let all: Vec<_> =
            (0..CONNECTIONS_PER_UPDATE + 2).map(|number| (number, None, &[] as &[usize])).collect();
        let declared = declared(&all);
        let mut portfolio = Portfolio::new("cro.example.com".parse().unwrap());
        let mut counts = Vec::new();
        loop {
            let said = news(&declared, &portfolio.registered, TODAY);
            if said.is_empty() {
                break;
            }
            counts.push(said.len());
            portfolio.keep(said, TODAY);
        }
        assert_eq!(counts, [CONNECTIONS_PER_UPDATE, 2]);
        assert_eq!(portfolio.registered.len(), declared.len());
    }
}
