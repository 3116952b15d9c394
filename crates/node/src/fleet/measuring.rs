use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use tieline_flex::{MeasuredIsp, MeasuringRules, RegisterReading, measured};
use tieline_store::{Records as _, Store, StoreError};
use tieline_types::{EntityAddress, IspDuration, Power, TimeSpan};

use super::{KeptReading, SessionKey};

/// How far beyond a span its first and last readings are looked for.
const BEYOND: SignedDuration = SignedDuration::from_hours(36);

/// The readings of all sessions at a connection in and around a span.
pub(crate) async fn readings_around(
    store: &dyn Store,
    connection: &EntityAddress,
    span: TimeSpan,
) -> Result<BTreeMap<SessionKey, Vec<KeptReading>>, StoreError> {
    let start = span.start().checked_sub(BEYOND).unwrap_or(Timestamp::MIN);
    let end = span.end().checked_add(BEYOND).unwrap_or(Timestamp::MAX);
    let mut by_session: BTreeMap<SessionKey, Vec<KeptReading>> = BTreeMap::new();
    for stored in store.records_of::<KeptReading>(connection.as_str(), TimeSpan::new(start, end)).await? {
        by_session.entry(stored.value.session.clone()).or_default().push(stored.value);
    }
    Ok(by_session)
}

/// What one session drew in each ISP.
pub(crate) fn energies(
    readings: &[KeptReading],
    isps: &[TimeSpan],
    isp_duration: IspDuration,
) -> Vec<MeasuredIsp> {
    let registers: Vec<RegisterReading> = readings
        .iter()
        .map(|reading| RegisterReading { at: reading.at, register: reading.register })
        .collect();
    let rules = MeasuringRules {
        longest_gap: SignedDuration::from_secs(isp_duration.seconds().into()),
        maximum: readings.iter().map(|reading| reading.maximum).max().unwrap_or(Power::ZERO),
    };
    measured(&registers, isps, rules)
}
