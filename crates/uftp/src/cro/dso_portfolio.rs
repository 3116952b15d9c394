//! What DSOs register and ask.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use jiff::civil::Date;
use tieline_types::{Domain, EntityAddress};

use super::faults::Faults;
use super::lasting::{any_overlap, history, joined, news};
use super::{
    Change, CommonReference, Days, Membership, RegisteredConnection, RegisteredPoint, TradingPeriod,
    TradingTerms,
};
use crate::message::{
    DsoPortfolioQuery, DsoPortfolioQueryCongestionPoint, DsoPortfolioQueryConnection, DsoPortfolioUpdate,
    DsoPortfolioUpdateCongestionPoint, DsoPortfolioUpdateConnection,
};
use crate::{Accepted, Participant, Rejected, RejectionReason};

pub(super) fn decide(
    reference: &CommonReference,
    update: &DsoPortfolioUpdate,
    sender: &Participant,
    now: Timestamp,
) -> Result<Change, Rejected> {
    reference.admit(sender)?;
    reference.admit_size(update.congestion_points.iter().map(|point| point.connections.len()).sum())?;
    let mut faults = Faults::default();
    if !reference.policy.same_days(&update.time_zone, days_named(update)) {
        faults.add(RejectionReason::TimeZoneRejected);
    }
    let mut said: BTreeMap<&EntityAddress, Said<'_>> = BTreeMap::new();
    for point in &update.congestion_points {
        said.entry(&point.entity_address).or_default().add(point, &mut faults);
    }
    let today = reference.policy.day_of(now);
    let mut update =
        Amended { reference, dso: &sender.domain, today, points: Vec::new(), rows: BTreeMap::new() };
    for (address, said) in said {
        update.amend(address, said, &mut faults);
    }
    let Amended { points, rows, .. } = update;
    reference.change(points, rows.into_values().collect(), faults)
}

/// Every day that an update names.
fn days_named(update: &DsoPortfolioUpdate) -> impl Iterator<Item = Date> {
    update.congestion_points.iter().flat_map(|point| {
        let own = [Some(point.start_period), point.end_period];
        let of_connections = point.connections.iter().flat_map(|c| [Some(c.start_period), c.end_period]);
        own.into_iter().chain(of_connections).flatten()
    })
}

/// What an update says of one congestion point.
#[derive(Default)]
struct Said<'u> {
    trading: Vec<TradingPeriod>,
    behind: BTreeMap<&'u EntityAddress, Vec<Days>>,
}

impl<'u> Said<'u> {
    fn add(&mut self, point: &'u DsoPortfolioUpdateCongestionPoint, faults: &mut Faults) {
        let days = match Days::new(point.start_period, point.end_period) {
            Ok(days) => days,
            Err(fault) => return faults.say(format_args!("{}: {fault}", point.entity_address)),
        };
        let terms = TradingTerms {
            mutex_offers_supported: point.mutex_offers_supported,
            day_ahead_redispatch_by: point.day_ahead_redispatch_by,
            intraday_redispatch_by: point.intraday_redispatch_by,
        };
        self.trading.push(TradingPeriod { days, terms });
        for connection in &point.connections {
            if let Some(days) = within(point, connection, faults) {
                self.behind.entry(&connection.entity_address).or_default().push(days);
            }
        }
    }

    /// The last of all days; `None` if there is no end.
    fn end(&self) -> Option<Date> {
        self.trading
            .iter()
            .map(|period| period.days.end())
            .max_by_key(|end| end.unwrap_or(Date::MAX))
            .flatten()
    }
}

/// The days of a connection, if they are within those of its congestion point.
fn within(
    point: &DsoPortfolioUpdateCongestionPoint,
    connection: &DsoPortfolioUpdateConnection,
    faults: &mut Faults,
) -> Option<Days> {
    let address = &connection.entity_address;
    let days = match Days::new(connection.start_period, connection.end_period) {
        Ok(days) => days,
        Err(fault) => {
            faults.say(format_args!("{address}: {fault}"));
            return None;
        }
    };
    let starts_within =
        point.start_period <= days.start() && point.end_period.is_none_or(|end| days.start() <= end);
    let ends_within = match (connection.end_period, point.end_period) {
        (Some(end), Some(of_point)) => end <= of_point,
        (None, None) => true,
        (Some(_), None) | (None, Some(_)) => {
            faults.say(format_args!(
                "{address} has an EndPeriod if and only if {} has one",
                point.entity_address
            ));
            return None;
        }
    };
    if starts_within && ends_within {
        return Some(days);
    }
    faults.say(format_args!("{address} is not within the periods of {}", point.entity_address));
    None
}

/// The rows while an update is being worked into them.
struct Amended<'r> {
    reference: &'r CommonReference,
    dso: &'r Domain,
    today: Date,
    points: Vec<RegisteredPoint>,
    rows: BTreeMap<EntityAddress, RegisteredConnection>,
}

impl Amended<'_> {
    fn amend(&mut self, address: &EntityAddress, said: Said<'_>, faults: &mut Faults) {
        let mut days: Vec<_> = said.trading.iter().map(|period| period.days).collect();
        if any_overlap(&mut days) {
            return faults.say(format_args!("{address} is named twice for one day"));
        }
        let known = self.reference.point(self.dso, address);
        let registered = known.map(RegisteredPoint::days).unwrap_or_default();
        let new = news(&said.trading, &registered, self.today);
        let others = self.reference.points.get(address).into_iter().flatten();
        let mut of_others =
            others.filter(|(dso, _)| *dso != self.dso).flat_map(|(_, point)| point.trading.iter());
        if of_others.any(|other| new.iter().any(|new| new.days.overlaps(other.days))) {
            faults.say(format_args!("{address} is a congestion point of another DSO in that period"));
        }
        let past = known.map(|point| history(&point.trading, self.today)).unwrap_or_default();
        self.points.push(RegisteredPoint {
            dso: self.dso.clone(),
            entity_address: address.clone(),
            trading: joined([past, new].concat()),
        });
        let ends_today = said.end() == Some(self.today);
        for (connection, mut days) in self.behind(address, said.behind) {
            let named = !days.is_empty();
            if any_overlap(&mut days) {
                faults.say(format_args!("{connection} is named twice for one day"));
            } else if !self.amend_connection(&connection, address, &days, &registered, ends_today && !named) {
                faults.say(format_args!(
                    "{connection} is behind a congestion point of another DSO in that period"
                ));
            }
        }
    }

    /// Every connection that is, was or is to be behind a point, with the days that are said of it.
    fn behind(
        &self,
        point: &EntityAddress,
        said: BTreeMap<&EntityAddress, Vec<Days>>,
    ) -> Vec<(EntityAddress, Vec<Days>)> {
        let known = self.reference.of_dso.get(self.dso).and_then(|points| points.get(point));
        let unnamed = known.into_iter().flatten().filter(|connection| !said.contains_key(connection));
        let unnamed: Vec<_> = unnamed.map(|connection| (connection.clone(), Vec::new())).collect();
        said.into_iter().map(|(connection, days)| (connection.clone(), days)).chain(unnamed).collect()
    }

    /// Puts a connection behind a point on these days; `false` if it is behind that of another DSO. One that `stays_today` is
    /// there today if it was.
    fn amend_connection(
        &mut self,
        connection: &EntityAddress,
        point: &EntityAddress,
        days: &[Days],
        registered: &[Days],
        stays_today: bool,
    ) -> bool {
        let row = self.rows.entry(connection.clone()).or_insert_with(|| {
            let known = self.reference.connection(connection).cloned();
            known.unwrap_or_else(|| RegisteredConnection::new(connection.clone()))
        });
        let on = |days: Days| Membership { days, dso: self.dso.clone(), congestion_point: point.clone() };
        let here = |known: &Membership| known.dso == *self.dso && known.congestion_point == *point;
        let (own, others): (Vec<_>, Vec<_>) =
            std::mem::take(&mut row.memberships).into_iter().partition(here);
        let said: Vec<_> = days.iter().copied().map(on).collect();
        let mut new = news(&said, registered, self.today);
        if stays_today && own.iter().any(|known| known.days.contains(self.today)) {
            new.extend(Days::new(self.today, Some(self.today)).ok().map(on));
        }
        let of_other_dso = |other: &&Membership| other.dso != *self.dso;
        let free = others
            .iter()
            .filter(of_other_dso)
            .all(|other| !new.iter().any(|new| new.days.overlaps(other.days)));
        row.memberships = joined([history(&own, self.today), new, others].concat());
        free
    }
}

pub(super) fn answer(
    reference: &CommonReference,
    query: &DsoPortfolioQuery,
    sender: &Participant,
) -> Result<Accepted, Rejected> {
    reference.admit(sender)?;
    reference.admit_day(&query.time_zone, query.period)?;
    let points = reference.of_dso.get(&sender.domain).ok_or(RejectionReason::NoConnectionsAvailable)?;
    let behind: &BTreeSet<_> =
        points.get(&query.entity_address).ok_or(RejectionReason::InvalidCongestionPoint)?;
    let is_behind = |row: &&RegisteredConnection| {
        row.memberships.iter().any(|known| {
            known.dso == sender.domain
                && known.congestion_point == query.entity_address
                && known.days.contains(query.period)
        })
    };
    let rows = behind.iter().filter_map(|address| reference.connection(address)).filter(is_behind);
    let connections: Vec<_> = rows
        .map(|row| DsoPortfolioQueryConnection {
            entity_address: row.entity_address.clone(),
            agr_domain: aggregator(reference, row, query.period),
        })
        .collect();
    let point =
        DsoPortfolioQueryCongestionPoint { entity_address: query.entity_address.clone(), connections };
    Ok(Accepted::CongestionPoint(Some(point).filter(|point| !point.connections.is_empty())))
}

/// Who represents a connection on a day, if that is told.
fn aggregator(reference: &CommonReference, row: &RegisteredConnection, day: Date) -> Option<Domain> {
    let on_day = row.representations.iter().find(|known| known.days.contains(day));
    on_day.filter(|_| reference.policy.disclose_aggregators).map(|known| known.agr.clone())
}
