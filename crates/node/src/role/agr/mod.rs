//! An aggregator: offers what its fleet can do, takes orders, steers, and says what it expects and what it measured.

mod days;
mod metering;
mod offering;
mod ordering;
mod planning;
mod prognosis;
mod settling;

use std::sync::Arc;

use tieline_flex::{ChargingSession, Connection, Departure, Fleet, Supply};
use tieline_store::{Records as _, StoreError};
use tieline_types::{EntityAddress, IspCalendar};

use crate::config::{AgrConfig, ChargerConfig, ProfileUnit};
use crate::context::Context;
use crate::fleet::Session;

pub(crate) use days::{METER_DAY, PROGNOSE_DAY, day_and, subject};
pub(crate) use metering::METER;
pub(crate) use offering::Made;
pub(crate) use ordering::{OrderRefusal, Taking};
pub(crate) use planning::PLAN;
pub(crate) use prognosis::PROGNOSE;
pub(crate) use settling::SettlementRefusal;

/// An aggregator's decisions.
#[derive(Clone, Debug)]
pub(crate) struct Agr {
    pub(crate) context: Context,
    pub(crate) config: Arc<AgrConfig>,
    pub(crate) chargers: Arc<Vec<ChargerConfig>>,
    pub(crate) calendar: IspCalendar,
}

impl Agr {
    pub(crate) fn charger(&self, identity: &str) -> Option<&ChargerConfig> {
        self.chargers.iter().find(|charger| charger.identity == identity)
    }

    /// The congestion point that a charger lies behind.
    pub(crate) fn congestion_point_of(&self, charger: &ChargerConfig) -> Option<&EntityAddress> {
        let connection =
            self.config.connections.iter().find(|known| known.entity_address == charger.connection)?;
        Some(&connection.congestion_point)
    }

    /// Everything that is charging behind a congestion point.
    async fn fleet(&self, point: &EntityAddress) -> Result<(Fleet, Vec<Session>), StoreError> {
        let connections = self
            .config
            .connections
            .iter()
            .filter(|connection| connection.congestion_point == *point)
            .map(|connection| Connection {
                address: connection.entity_address.clone(),
                limit: connection.limit,
            })
            .collect();
        let open = self.context.store.open_records::<Session>().await?;
        let sessions: Vec<Session> = open
            .into_iter()
            .map(|stored| stored.value)
            .filter(|session| session.congestion_point == *point)
            .collect();
        let charging = sessions.iter().filter_map(|session| self.charging(session)).collect();
        Ok((Fleet { connections, sessions: charging }, sessions))
    }

    /// `None` for a session at a charger that is no longer configured: it can't be steered.
    fn charging(&self, session: &Session) -> Option<ChargingSession> {
        let charger = self.charger(&session.key.charger)?;
        let make = match charger.unit {
            ProfileUnit::W => Supply::in_watts,
            ProfileUnit::A => Supply::in_amperes,
        };
        Some(ChargingSession {
            id: session.key.to_string(),
            connection: session.connection.clone(),
            supply: make(charger.phases, charger.voltage, charger.maximum_current).ok()?,
            energy_wanted: None,
            energy_delivered: session.delivered(),
            departure: Departure::Unknown,
        })
    }
}
