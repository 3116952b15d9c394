use std::collections::BTreeMap;

use tieline_store::{Records as _, Store, StoreError};
use tieline_types::{EntityAddress, IspDay, TimeSpan};

use super::day::{LedgerSession, LedgerSetPoint};
use crate::fleet::{KeptReading, Session, SessionKey, ToldLimits, energies, readings_around};

/// The sessions that were at a point on a day, by name.
pub(super) async fn sessions(
    store: &dyn Store,
    point: &EntityAddress,
    day: &IspDay,
) -> Result<Vec<LedgerSession>, StoreError> {
    let spans: Vec<TimeSpan> = day.isps().map(|(_, span)| span).collect();
    let told = told(store, point, day).await?;
    let mut readings: BTreeMap<EntityAddress, BTreeMap<SessionKey, Vec<KeptReading>>> = BTreeMap::new();
    let mut sessions = Vec::new();
    for session in present(store, point, day).await? {
        if !readings.contains_key(&session.connection) {
            let kept = readings_around(store, &session.connection, day.span()).await?;
            readings.insert(session.connection.clone(), kept);
        }
        let of_session = readings
            .get(&session.connection)
            .and_then(|by_session| by_session.get(&session.key))
            .map_or(&[] as &[KeptReading], Vec::as_slice);
        let measured = energies(of_session, &spans, day.isp_duration());
        sessions.push(LedgerSession {
            delivered: session.delivered(),
            energies: measured.into_iter().map(|isp| isp.energy).collect(),
            set_points: told.get(&session.key).cloned().unwrap_or_default(),
            charger: session.key.charger,
            transaction: session.key.transaction,
            connection: session.connection,
            started: session.started,
            ended: session.ended,
        });
    }
    Ok(sessions)
}

async fn present(store: &dyn Store, point: &EntityAddress, day: &IspDay) -> Result<Vec<Session>, StoreError> {
    let ended = store.records_of::<Session>(point.as_str(), Some(day.span())).await?;
    let open = store.open_records::<Session>().await?;
    let going_on = open
        .into_iter()
        .filter(|known| known.value.congestion_point == *point && known.value.started < day.end());
    let mut sessions: Vec<Session> = ended.into_iter().chain(going_on).map(|stored| stored.value).collect();
    sessions.sort_by(|one, other| one.key.cmp(&other.key));
    Ok(sessions)
}

/// The limits of each session while they were in force: what is accepted replaces what was.
async fn told(
    store: &dyn Store,
    point: &EntityAddress,
    day: &IspDay,
) -> Result<BTreeMap<SessionKey, Vec<LedgerSetPoint>>, StoreError> {
    let mut by_session: BTreeMap<SessionKey, Vec<ToldLimits>> = BTreeMap::new();
    for stored in store.records_of::<ToldLimits>(point.as_str(), Some(day.span())).await? {
        by_session.entry(stored.value.session.clone()).or_default().push(stored.value);
    }
    let in_force = |mut told: Vec<ToldLimits>| {
        told.sort_by_key(|limits| limits.at);
        let mut periods = Vec::new();
        for (index, limits) in told.iter().enumerate() {
            let until = told.get(index + 1).map_or(day.end(), |next| next.at);
            for period in &limits.periods {
                let (start, end) = (period.span.start().max(limits.at), period.span.end().min(until));
                periods.extend(TimeSpan::new(start, end).map(|span| LedgerSetPoint {
                    span,
                    limit: period.limit,
                    unit: limits.unit,
                    because: period.because.clone(),
                }));
            }
        }
        periods
    };
    Ok(by_session.into_iter().map(|(session, told)| (session, in_force(told))).collect())
}
