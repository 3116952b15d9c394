use std::collections::BTreeMap;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use tieline_types::{Domain, EntityAddress};
use uuid::Uuid;

use super::message_key;
use crate::config::RedispatchBy;

/// What this node has registered with a common reference operator, and what it has learnt there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Portfolio {
    pub(crate) cro: Domain,
    /// What the operator has accepted and has not ended.
    pub(crate) registered: Vec<Registered>,
    /// What it was told last.
    pub(crate) update: Option<PortfolioUpdate>,
    /// The latest day that it was asked about.
    pub(crate) asked: Option<Date>,
    /// Where it says that offers may have several options, and where that they may not.
    pub(crate) mutex_offers: BTreeMap<EntityAddress, bool>,
}

/// From a day on, and to a last day if there is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Days {
    pub(crate) start: Date,
    pub(crate) end: Option<Date>,
}

/// An aggregator's connection, or a grid operator's congestion point with the connections behind it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Registered {
    pub(crate) address: EntityAddress,
    pub(crate) days: Days,
    /// How a grid operator trades at its congestion point; an aggregator's connection has none.
    pub(crate) trading: Option<Trading>,
    /// The connections behind the congestion point, in order.
    pub(crate) connections: Vec<(EntityAddress, Days)>,
}

/// How a grid operator trades at a congestion point.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Trading {
    pub(crate) mutex_offers: bool,
    pub(crate) day_ahead_redispatch_by: RedispatchBy,
    pub(crate) intraday_redispatch_by: Option<RedispatchBy>,
}

/// What a common reference operator was told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PortfolioUpdate {
    pub(crate) message_id: Uuid,
    pub(crate) conversation_id: Uuid,
    /// The day that was to be asked about when it was told.
    pub(crate) day: Date,
    pub(crate) said: Vec<Registered>,
    pub(crate) state: PortfolioUpdateState,
}

/// How far an update has come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum PortfolioUpdateState {
    /// Sent, and not answered yet.
    Sent,
    /// Accepted.
    Accepted,
    /// Refused by the operator.
    Rejected { reason: String },
    /// It could not be delivered.
    Undeliverable { cause: String },
}

impl Portfolio {
    /// One of whom nothing is known.
    pub(crate) fn new(cro: Domain) -> Self {
        Self { cro, registered: Vec::new(), update: None, asked: None, mutex_offers: BTreeMap::new() }
    }

    /// The update with this identifier, if it is the last one and has no answer.
    pub(crate) fn open_update(&mut self, message_id: Uuid) -> Option<&mut PortfolioUpdate> {
        let open = |update: &&mut PortfolioUpdate| {
            update.message_id == message_id && update.state == PortfolioUpdateState::Sent
        };
        self.update.as_mut().filter(open)
    }

    /// Keeps what was accepted; what has ended before `today` is of no use any more.
    pub(crate) fn keep(&mut self, said: Vec<Registered>, today: Date) {
        let known = std::mem::take(&mut self.registered).into_iter().chain(said);
        let mut registered: BTreeMap<_, _> = known.map(|item| (item.address.clone(), item)).collect();
        registered.retain(|_, item| item.days.end.is_none_or(|end| end >= today));
        self.registered = registered.into_values().collect();
    }
}

record!(Portfolio, "portfolio", |this| {
    key: this.cro.to_string(),
    subject: this.cro.to_string(),
    span: None,
    open: this.update.as_ref().is_some_and(|update| update.state == PortfolioUpdateState::Sent),
});

/// A question to a common reference operator.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PortfolioQuery {
    pub(crate) cro: Domain,
    pub(crate) message_id: Uuid,
    pub(crate) conversation_id: Uuid,
    pub(crate) period: Date,
    /// What a grid operator asks about; an aggregator asks about all that it has.
    pub(crate) congestion_point: Option<EntityAddress>,
    pub(crate) answered: bool,
}

record!(PortfolioQuery, "portfolio-query", |this| {
    key: message_key(&this.cro, this.message_id),
    subject: this.cro.to_string(),
    span: None,
    open: !this.answered,
});

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    fn item(address: &str, start: Date, end: Option<Date>) -> Registered {
        let days = Days { start, end };
        Registered { address: address.parse().unwrap(), days, trading: None, connections: Vec::new() }
    }

    #[test]
    fn what_is_accepted_replaces_what_was_and_what_is_over_is_forgotten() {
        let (one, two) = ("ean.871685900012345001", "ean.871685900012345002");
        let (first, today) = (date(2026, 6, 1), date(2026, 6, 10));
        let mut portfolio = Portfolio::new("cro.example.com".parse().unwrap());
        portfolio.keep(vec![item(one, first, None), item(two, first, None)], first);
        portfolio.keep(vec![item(one, first, Some(today))], today);
        assert_eq!(portfolio.registered, [item(one, first, Some(today)), item(two, first, None)]);
        portfolio.keep(Vec::new(), today.tomorrow().unwrap());
        assert_eq!(portfolio.registered, [item(two, first, None)]);
    }
}
