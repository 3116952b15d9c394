//! What AGRs register and ask.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;
use tieline_types::{Domain, EntityAddress};

use super::faults::Faults;
use super::lasting::{any_overlap, history, joined, news};
use super::{Change, CommonReference, Days, Membership, RegisteredConnection, Representation};
use crate::message::{
    AgrPortfolioQuery, AgrPortfolioUpdate, ConnectionEntry, DsoPortfolio, DsoView, PortfolioCongestionPoint,
};
use crate::{Accepted, Participant, Rejected, RejectionReason};

pub(super) fn decide(
    reference: &CommonReference,
    update: &AgrPortfolioUpdate,
    sender: &Participant,
    now: Timestamp,
) -> Result<Change, Rejected> {
    reference.admit(sender)?;
    reference.admit_size(update.connections.len())?;
    let mut faults = Faults::default();
    let today = reference.policy.day_of(now);
    let named = update.connections.iter().flat_map(|c| [Some(c.start_period), c.end_period]).flatten();
    if !reference.policy.same_days(&update.time_zone, named) {
        faults.add(RejectionReason::TimeZoneRejected);
    }
    let mut said: BTreeMap<&EntityAddress, Vec<Days>> = BTreeMap::new();
    for connection in &update.connections {
        match Days::new(connection.start_period, connection.end_period) {
            Ok(days) => said.entry(&connection.entity_address).or_default().push(days),
            Err(fault) => faults.say(format_args!("{}: {fault}", connection.entity_address)),
        }
    }
    let mut rows = Vec::with_capacity(said.len());
    for (address, mut days) in said {
        if any_overlap(&mut days) {
            faults.say(format_args!("{address} is named twice for one day"));
        } else if let Some(row) = amended(reference, address, &days, &sender.domain, today) {
            rows.push(row);
        } else {
            faults.say(format_args!("{address} is represented by another AGR in that period"));
        }
    }
    reference.change(Vec::new(), rows, faults)
}

/// A connection with what an AGR says of it; `None` if another AGR has it.
fn amended(
    reference: &CommonReference,
    address: &EntityAddress,
    days: &[Days],
    agr: &Domain,
    today: Date,
) -> Option<RegisteredConnection> {
    let known = reference.connection(address);
    let mut row = known.cloned().unwrap_or_else(|| RegisteredConnection::new(address.clone()));
    let (own, others): (Vec<_>, Vec<_>) =
        row.representations.into_iter().partition(|known| known.agr == *agr);
    let said: Vec<_> = days.iter().map(|days| Representation { days: *days, agr: agr.clone() }).collect();
    let registered: Vec<_> = own.iter().map(|known| known.days).collect();
    let new = news(&said, &registered, today);
    if new.iter().any(|new| others.iter().any(|other| other.days.overlaps(new.days))) {
        return None;
    }
    row.representations = joined([history(&own, today), new, others].concat());
    Some(row)
}

pub(super) fn answer(
    reference: &CommonReference,
    query: &AgrPortfolioQuery,
    sender: &Participant,
) -> Result<Accepted, Rejected> {
    reference.admit(sender)?;
    reference.admit_day(&query.time_zone, query.period)?;
    let own = reference.of_agr.get(&sender.domain).into_iter().flatten();
    let rows = own.filter_map(|address| reference.connection(address));
    let represented = rows.filter(|row| represents(row, &sender.domain, query.period));
    let view = view(reference, represented, query.period);
    if view.dso_portfolios.is_empty() {
        return Err(behind_none(view.connections.len()));
    }
    Ok(Accepted::Connections(vec![view]))
}

/// The schemas have no answer that names connections and no congestion point.
fn behind_none(connections: usize) -> Rejected {
    let none = Rejected::from(RejectionReason::NoConnectionsAvailable);
    match connections {
        0 => none,
        number => {
            none.and(RejectionReason::other(&format!("{number} registered behind no congestion point")))
        }
    }
}

fn represents(row: &RegisteredConnection, agr: &Domain, day: Date) -> bool {
    row.representations.iter().any(|known| known.agr == *agr && known.days.contains(day))
}

/// Connections by DSO and congestion point, and those that are behind none.
fn view<'r>(
    reference: &CommonReference,
    connections: impl Iterator<Item = &'r RegisteredConnection>,
    day: Date,
) -> DsoView {
    let mut by_dso: BTreeMap<&Domain, BTreeMap<&EntityAddress, Vec<ConnectionEntry>>> = BTreeMap::new();
    let mut view = DsoView::default();
    for row in connections {
        let entry = ConnectionEntry { entity_address: row.entity_address.clone() };
        let mut behind = row.memberships.iter().filter(|known| known.days.contains(day)).peekable();
        if behind.peek().is_none() {
            view.connections.push(entry);
            continue;
        }
        for Membership { dso, congestion_point, .. } in behind {
            by_dso.entry(dso).or_default().entry(congestion_point).or_default().push(entry.clone());
        }
    }
    for (dso, points) in by_dso {
        let points = points.into_iter().filter_map(|(address, connections)| {
            let point = reference.point(dso, address)?;
            let terms = point.trading.iter().find(|period| period.days.contains(day))?.terms;
            Some(PortfolioCongestionPoint {
                entity_address: address.clone(),
                mutex_offers_supported: terms.mutex_offers_supported,
                day_ahead_redispatch_by: terms.day_ahead_redispatch_by,
                intraday_redispatch_by: terms.intraday_redispatch_by,
                connections,
            })
        });
        view.dso_portfolios
            .push(DsoPortfolio { dso_domain: dso.clone(), congestion_points: points.collect() });
    }
    view
}
