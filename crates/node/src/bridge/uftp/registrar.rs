//! A common reference operator is told and asked: updates and queries out, answers to updates in.

use tieline_store::{ChangeSet, Records as _, StoreError, Stored, Timer};
use tieline_types::{Domain, EntityAddress};
use tieline_uftp::message::{
    AgrPortfolioQuery, AgrPortfolioUpdate, AgrPortfolioUpdateConnection, DsoPortfolioQuery,
    DsoPortfolioUpdate, DsoPortfolioUpdateCongestionPoint, DsoPortfolioUpdateConnection, RedispatchBy,
    Response,
};
use tieline_uftp::value::{MessageId, TimeZoneName};
use tieline_uftp::{Header, Payload, RejectionReason, Role};
use tracing::{error, info};

use super::{Letters, unwritable};
use crate::config;
use crate::market::{
    Days, PortfolioQuery, PortfolioUpdate, PortfolioUpdateState, Registered, Trading, message_key,
};
use crate::role::registering::{Next, Registering};

/// What an aggregator or a grid operator has to do with its common reference operator.
#[derive(Clone, Debug)]
pub(crate) struct Registrar {
    pub(crate) registering: Registering,
    pub(crate) letters: Letters,
    /// The role of this node.
    pub(crate) role: Role,
}

impl Registrar {
    /// The timer of the operator: it is told what is new, and then asked what is registered.
    pub(crate) async fn look(&self, fired: Timer) -> Result<ChangeSet, StoreError> {
        let mut changes = ChangeSet::new();
        let registering = &self.registering;
        if fired.subject != registering.config.cro.as_str() {
            // Another operator was configured since.
            changes.clear_timer(fired);
            return Ok(changes);
        }
        let (mut portfolio, version) = registering.portfolio().await?;
        let (today, about, again) = registering.days()?;
        let cro = &registering.config.cro;
        match registering.next(&portfolio, today, about) {
            Next::Nothing => {}
            Next::Tell(said) => {
                let header = self.letters.header(cro, Role::Cro, None);
                let update = PortfolioUpdate {
                    message_id: header.message_id.uuid(),
                    conversation_id: header.conversation_id.uuid(),
                    day: about,
                    said,
                    state: PortfolioUpdateState::Sent,
                };
                info!(%cro, entries = update.said.len(), "the common reference is told what is new");
                let message = self.write_update(header, &update.said)?;
                changes.append(self.letters.sealed(message, Role::Cro)?);
                portfolio.update = Some(update);
            }
            Next::Ask => {
                let points: Vec<_> = match self.role {
                    Role::Dso => registering.declared.keys().cloned().map(Some).collect(),
                    _ => vec![None],
                };
                for congestion_point in points {
                    changes.append(self.ask(about, congestion_point)?);
                }
                portfolio.asked = Some(about);
            }
        }
        // What is written down while this is decided comes first: then all of this is done again.
        changes.replace(&portfolio, version)?;
        changes.set_timer(registering.timer(again));
        Ok(changes)
    }

    fn ask(
        &self,
        period: jiff::civil::Date,
        congestion_point: Option<EntityAddress>,
    ) -> Result<ChangeSet, StoreError> {
        let cro = &self.registering.config.cro;
        let header = self.letters.header(cro, Role::Cro, None);
        let query = PortfolioQuery {
            cro: cro.clone(),
            message_id: header.message_id.uuid(),
            conversation_id: header.conversation_id.uuid(),
            period,
            congestion_point: congestion_point.clone(),
            answered: false,
        };
        let time_zone = self.time_zone()?;
        let message: Payload = match congestion_point {
            Some(entity_address) => DsoPortfolioQuery { header, time_zone, period, entity_address }.into(),
            None => AgrPortfolioQuery { header, time_zone, period }.into(),
        };
        let mut changes = ChangeSet::new();
        changes.put(&query)?.append(self.letters.sealed(message, Role::Cro)?);
        Ok(changes)
    }

    fn write_update(&self, header: Header, said: &[Registered]) -> Result<Payload, StoreError> {
        let time_zone = self.time_zone()?;
        if self.role == Role::Agr {
            let connections = said
                .iter()
                .map(|item| AgrPortfolioUpdateConnection {
                    entity_address: item.address.clone(),
                    start_period: item.days.start,
                    end_period: item.days.end,
                })
                .collect();
            return Ok(AgrPortfolioUpdate { header, time_zone, connections }.into());
        }
        let congestion_points = said.iter().map(point).collect::<Result<_, _>>()?;
        Ok(DsoPortfolioUpdate { header, time_zone, congestion_points }.into())
    }

    fn time_zone(&self) -> Result<TimeZoneName, StoreError> {
        let name = self.registering.calendar.zone_name().unwrap_or_default();
        name.parse().map_err(|cause| unwritable(&cause))
    }

    /// What an answer to an update changes.
    pub(super) async fn note_update(
        &self,
        cro: &Domain,
        id: MessageId,
        response: &Response,
    ) -> Result<ChangeSet, StoreError> {
        let mut changes = ChangeSet::new();
        let registering = &self.registering;
        if *cro != registering.config.cro {
            return Ok(changes);
        }
        let (mut portfolio, version) = registering.portfolio().await?;
        let Some(update) = portfolio.open_update(id.uuid()) else { return Ok(changes) };
        if response.is_accepted() {
            update.state = PortfolioUpdateState::Accepted;
            let said = std::mem::take(&mut update.said);
            portfolio.keep(said, registering.days()?.0);
            // What is registered now is another thing than what was asked about before.
            portfolio.asked = None;
        } else {
            let reason = RejectionReason::join(&response.reasons());
            error!(%cro, reason, "the common reference refuses what it is told");
            let conversation = update.conversation_id.to_string();
            let (now, by) = (registering.context.now(), self.by());
            changes.decide(now, by, cro.to_string(), "PortfolioRejected", conversation, reason.clone());
            update.state = PortfolioUpdateState::Rejected { reason };
        }
        changes.replace(&portfolio, version)?;
        changes.set_timer(registering.timer(registering.context.now()));
        Ok(changes)
    }

    /// The question that an answer is to, unless it was answered before.
    pub(super) async fn question(
        &self,
        cro: &Domain,
        id: MessageId,
    ) -> Result<Option<Stored<PortfolioQuery>>, StoreError> {
        let store = &self.registering.context.store;
        let known = store.record::<PortfolioQuery>(&message_key(cro, id)).await?;
        Ok(known.filter(|known| !known.value.answered && known.value.cro == self.registering.config.cro))
    }

    /// That a question is answered. `differences` is `None` where the answer tells nothing of what is registered.
    pub(super) fn note_answer(
        &self,
        mut query: Stored<PortfolioQuery>,
        response: &Response,
        differences: Option<&[String]>,
    ) -> Result<ChangeSet, StoreError> {
        query.value.answered = true;
        let mut changes = ChangeSet::new();
        changes.replace(&query.value, query.version)?;
        let (cro, period) = (&query.value.cro, query.value.period);
        let conversation = query.value.conversation_id.to_string();
        if let Some(differences) = differences {
            changes.append(self.registering.report(differences, period, &conversation, self.by()));
        } else {
            let reason = RejectionReason::join(&response.reasons());
            error!(%cro, %period, reason, "the common reference does not say what is registered");
            let (now, by) = (self.registering.context.now(), self.by());
            changes.decide(now, by, cro.to_string(), "PortfolioQueryRejected", conversation, reason);
        }
        Ok(changes)
    }

    /// The role of this node, as the journal names it.
    const fn by(&self) -> &'static str {
        match self.role {
            Role::Dso => "dso",
            _ => "agr",
        }
    }
}

/// Whether an answer says what is registered: an accepted one, and one that says that nothing is, whatever it adds to that.
pub(super) fn tells(response: &Response) -> bool {
    response.is_accepted() || response.reasons().first() == Some(&RejectionReason::NoConnectionsAvailable)
}

fn point(item: &Registered) -> Result<DsoPortfolioUpdateCongestionPoint, StoreError> {
    let Trading { mutex_offers, day_ahead_redispatch_by, intraday_redispatch_by } = item
        .trading
        .ok_or_else(|| unwritable(&format_args!("nobody said who redispatches at {}", item.address)))?;
    let connection = |(address, days): &(EntityAddress, Days)| DsoPortfolioUpdateConnection {
        entity_address: address.clone(),
        start_period: days.start,
        end_period: days.end,
    };
    Ok(DsoPortfolioUpdateCongestionPoint {
        entity_address: item.address.clone(),
        start_period: item.days.start,
        end_period: item.days.end,
        mutex_offers_supported: mutex_offers,
        day_ahead_redispatch_by: redispatch_by(day_ahead_redispatch_by),
        intraday_redispatch_by: intraday_redispatch_by.map(redispatch_by),
        connections: item.connections.iter().map(connection).collect(),
    })
}

const fn redispatch_by(who: config::RedispatchBy) -> RedispatchBy {
    match who {
        config::RedispatchBy::Agr => RedispatchBy::Agr,
        config::RedispatchBy::Dso => RedispatchBy::Dso,
    }
}
