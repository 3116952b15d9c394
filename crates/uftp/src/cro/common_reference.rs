//! The common reference itself.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use jiff::civil::Date;
use tieline_types::{Domain, EntityAddress};

use super::faults::Faults;
use super::{Change, OutOfTurn, ReferencePolicy, RegisteredConnection, RegisteredPoint};
use crate::message::{AgrPortfolioQuery, AgrPortfolioUpdate, DsoPortfolioQuery, DsoPortfolioUpdate};
use crate::value::TimeZoneName;
use crate::{Accepted, Participant, Rejected, RejectionReason};

/// Which connections are behind which congestion points, and who represents the customers there, on every day.
///
/// ```
/// use jiff::tz::TimeZone;
/// use tieline_uftp::cro::{CommonReference, ReferencePolicy};
/// use tieline_uftp::message::{AgrPortfolioQuery, AgrPortfolioUpdate};
/// use tieline_uftp::{Accepted, Participant, Rejected};
///
/// # fn example(update: &AgrPortfolioUpdate, query: &AgrPortfolioQuery, sender: &Participant, now: jiff::Timestamp)
/// #     -> Result<Accepted, Rejected> {
/// let zone = TimeZone::get("Europe/Amsterdam").expect("the zone is known");
/// let mut reference = CommonReference::new(ReferencePolicy::new(zone));
/// let change = reference.agr_portfolio_update(update, sender, now)?;
/// // … here it is made durable …
/// reference.apply(change).expect("nothing else was applied meanwhile");
/// reference.agr_portfolio_query(query, sender)
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct CommonReference {
    pub(super) policy: ReferencePolicy,
    /// The number of the last change.
    last: u64,
    /// By point, then by DSO: a point may have had another DSO before.
    pub(super) points: BTreeMap<EntityAddress, BTreeMap<Domain, RegisteredPoint>>,
    pub(super) connections: BTreeMap<EntityAddress, RegisteredConnection>,
    /// The connections that an AGR has or had.
    pub(super) of_agr: BTreeMap<Domain, BTreeSet<EntityAddress>>,
    /// The connections that are or were behind each point of a DSO.
    pub(super) of_dso: BTreeMap<Domain, BTreeMap<EntityAddress, BTreeSet<EntityAddress>>>,
    points_in_all: usize,
}

impl CommonReference {
    /// One in which nothing is registered.
    pub fn new(policy: ReferencePolicy) -> Self {
        Self {
            policy,
            last: 0,
            points: BTreeMap::new(),
            connections: BTreeMap::new(),
            of_agr: BTreeMap::new(),
            of_dso: BTreeMap::new(),
            points_in_all: 0,
        }
    }

    /// The one whose rows these are after so many changes.
    pub fn restore(
        policy: ReferencePolicy,
        changes: u64,
        points: impl IntoIterator<Item = RegisteredPoint>,
        connections: impl IntoIterator<Item = RegisteredConnection>,
    ) -> Self {
        let mut reference = Self { last: changes, ..Self::new(policy) };
        points.into_iter().for_each(|point| reference.put_point(point));
        connections.into_iter().for_each(|connection| reference.put_connection(connection));
        reference
    }

    /// How often it was changed.
    pub fn changes(&self) -> u64 {
        self.last
    }

    /// How it is operated.
    pub fn policy(&self) -> &ReferencePolicy {
        &self.policy
    }

    /// What is known of a congestion point of a DSO.
    pub fn point(&self, dso: &Domain, entity_address: &EntityAddress) -> Option<&RegisteredPoint> {
        self.points.get(entity_address)?.get(dso)
    }

    /// What is known of a connection.
    pub fn connection(&self, entity_address: &EntityAddress) -> Option<&RegisteredConnection> {
        self.connections.get(entity_address)
    }

    /// All rows about congestion points.
    pub fn points(&self) -> impl Iterator<Item = &RegisteredPoint> {
        self.points.values().flat_map(BTreeMap::values)
    }

    /// All rows about connections.
    pub fn connections(&self) -> impl Iterator<Item = &RegisteredConnection> {
        self.connections.values()
    }

    /// Decides on an update of an AGR that was received at `now`: the change that it makes, or all reasons against it.
    pub fn agr_portfolio_update(
        &self,
        update: &AgrPortfolioUpdate,
        sender: &Participant,
        now: Timestamp,
    ) -> Result<Change, Rejected> {
        super::agr_portfolio::decide(self, update, sender, now)
    }

    /// Decides on an update of a DSO that was received at `now`: the change that it makes, or all reasons against it.
    pub fn dso_portfolio_update(
        &self,
        update: &DsoPortfolioUpdate,
        sender: &Participant,
        now: Timestamp,
    ) -> Result<Change, Rejected> {
        super::dso_portfolio::decide(self, update, sender, now)
    }

    /// The answer to an AGR that asks where its connections are on a day: [`Accepted::Connections`].
    pub fn agr_portfolio_query(
        &self,
        query: &AgrPortfolioQuery,
        sender: &Participant,
    ) -> Result<Accepted, Rejected> {
        super::agr_portfolio::answer(self, query, sender)
    }

    /// The answer to a DSO that asks what is behind one of its congestion points on a day: [`Accepted::CongestionPoint`].
    pub fn dso_portfolio_query(
        &self,
        query: &DsoPortfolioQuery,
        sender: &Participant,
    ) -> Result<Accepted, Rejected> {
        super::dso_portfolio::answer(self, query, sender)
    }

    /// Applies a change that was decided on in this very state.
    pub fn apply(&mut self, change: Change) -> Result<(), OutOfTurn> {
        if change.number != self.last + 1 {
            return Err(OutOfTurn { change: change.number, last: self.last });
        }
        if !change.is_empty() {
            self.last = change.number;
        }
        change.points.into_iter().for_each(|point| self.put_point(point));
        change.connections.into_iter().for_each(|connection| self.put_connection(connection));
        Ok(())
    }

    /// The change that makes these rows of those that are there; all that is wrong with it goes to `faults`.
    pub(super) fn change(
        &self,
        points: Vec<RegisteredPoint>,
        connections: Vec<RegisteredConnection>,
        mut faults: Faults,
    ) -> Result<Change, Rejected> {
        let points: Vec<_> = points
            .into_iter()
            .filter(|point| self.point(&point.dso, &point.entity_address) != Some(point))
            .collect();
        let connections: Vec<_> = connections
            .into_iter()
            .filter(|connection| self.connection(&connection.entity_address) != Some(connection))
            .collect();
        let limits = &self.policy.limits;
        let added = points.iter().filter(|point| self.point(&point.dso, &point.entity_address).is_none());
        if self.points_in_all + added.count() > limits.congestion_points {
            faults.say(format_args!("No more than {} congestion points are kept", limits.congestion_points));
        }
        let added = connections.iter().filter(|row| !self.connections.contains_key(&row.entity_address));
        if self.connections.len() + added.count() > limits.connections {
            faults.say(format_args!("No more than {} connections are kept", limits.connections));
        }
        let full =
            points.iter().filter(|row| row.trading.len() > limits.periods).map(|row| &row.entity_address);
        let of_connections =
            connections.iter().filter(|row| row.periods() > limits.periods).map(|row| &row.entity_address);
        for address in full.chain(of_connections) {
            faults.say(format_args!("No more than {} periods of {address} are kept", limits.periods));
        }
        faults.rejected()?;
        Ok(Change { number: self.last + 1, points, connections })
    }

    /// Whether the sender is served at all. If not, that is all that he is told.
    pub(super) fn admit(&self, sender: &Participant) -> Result<(), Rejected> {
        if self.policy.admits(sender) { Ok(()) } else { Err(RejectionReason::Unauthorized.into()) }
    }

    /// Whether an update is small enough to be looked at.
    pub(super) fn admit_size(&self, connections: usize) -> Result<(), Rejected> {
        let most = self.policy.limits.connections_per_update;
        if connections <= most {
            return Ok(());
        }
        Err(RejectionReason::other(&format!("No more than {most} connections are taken in one message"))
            .into())
    }

    /// Whether the day of a query is a day of the market.
    pub(super) fn admit_day(&self, zone: &TimeZoneName, period: Date) -> Result<(), Rejected> {
        if self.policy.same_days(zone, [period]) {
            Ok(())
        } else {
            Err(RejectionReason::TimeZoneRejected.into())
        }
    }

    fn put_point(&mut self, point: RegisteredPoint) {
        self.of_dso.entry(point.dso.clone()).or_default().entry(point.entity_address.clone()).or_default();
        let of_address = self.points.entry(point.entity_address.clone()).or_default();
        if of_address.insert(point.dso.clone(), point).is_none() {
            self.points_in_all += 1;
        }
    }

    fn put_connection(&mut self, connection: RegisteredConnection) {
        let address = &connection.entity_address;
        if let Some(known) = self.connections.get(address) {
            for gone in &known.representations {
                if let Some(of_agr) = self.of_agr.get_mut(&gone.agr) {
                    of_agr.remove(address);
                }
            }
            for gone in &known.memberships {
                let of_dso = self.of_dso.get_mut(&gone.dso);
                if let Some(behind) = of_dso.and_then(|points| points.get_mut(&gone.congestion_point)) {
                    behind.remove(address);
                }
            }
        }
        for representation in &connection.representations {
            self.of_agr.entry(representation.agr.clone()).or_default().insert(address.clone());
        }
        for membership in &connection.memberships {
            let points = self.of_dso.entry(membership.dso.clone()).or_default();
            points.entry(membership.congestion_point.clone()).or_default().insert(address.clone());
        }
        self.connections.insert(address.clone(), connection);
    }
}
