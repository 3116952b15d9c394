use jiff::Timestamp;
use jiff::civil::Date;
use tieline_flex::Quality;
use tieline_store::{ChangeSet, Records as _, StoreError, Stored};
use tieline_types::{Domain, Energy, EntityAddress, IspDay, IspNumber, TimeSpan};

use super::Agr;
use super::days::{METER_DAY, subject};
use crate::config::ConnectionConfig;
use crate::fleet::{energies, readings_around};
use crate::market::{Metered, MeteredState, Schedule, Wanted};

/// The timer that meters a connection for a day, again where a reading came late.
pub(crate) const METER: &str = "meter";

/// Readings that are older than this change no day's metering any more.
const LATEST: i64 = 31;

/// The energy of a day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct MeasuredDay {
    pub(crate) energies: Vec<Energy>,
    pub(crate) interpolated: Vec<IspNumber>,
}

impl Agr {
    pub(crate) fn connection(&self, address: &EntityAddress) -> Option<&ConnectionConfig> {
        self.config.connections.iter().find(|known| known.entity_address == *address)
    }

    /// The congestion point of a connection, and the grid operator that is told what it took.
    pub(crate) fn metered_for(&self, connection: &EntityAddress) -> Option<(&EntityAddress, &Domain)> {
        let reported = self.reported(&self.connection(connection)?.congestion_point)?;
        Some((&reported.entity_address, &reported.dso))
    }

    /// The next Metering of a connection for a day, with the version that it replaces, if anything has changed.
    pub(crate) async fn metering(
        &self,
        connection: &EntityAddress,
        date: Date,
    ) -> Result<Option<(Metered, i64)>, StoreError> {
        let Some((point, dso)) = self.metered_for(connection) else { return Ok(None) };
        let Some(day) = self.calendar.day(date).ok().filter(|day| day.end() <= self.context.now()) else {
            return Ok(None);
        };
        let measured = self.measured_day(connection, &day).await?;
        let known = self.context.store.record::<Metered>(&Metered::key_of(dso, connection, date)).await?;
        let is_told = |known: &Metered| {
            let lost = matches!(known.state, MeteredState::Undeliverable { .. });
            known.energies == measured.energies && !(lost && self.may_still_matter(&day))
        };
        if known.as_ref().is_some_and(|known| is_told(&known.value)) {
            return Ok(None);
        }
        let since = self.context.store.record::<Schedule>(METER_DAY).await?;
        let whole = since.is_some_and(|schedule| schedule.value.since <= day.start());
        let version = known.as_ref().map_or(0, |known| known.version);
        let before = known.map(|Stored { value, .. }| value);
        let metered = Metered {
            message_id: self.context.uuid(),
            conversation_id: before
                .as_ref()
                .map_or_else(|| self.context.uuid(), |known| known.conversation_id),
            counterparty: dso.clone(),
            congestion_point: point.clone(),
            connection: connection.clone(),
            period: date,
            span: day.span(),
            revision: before.as_ref().map_or(1, |known| known.revision.saturating_add(1)),
            energies: measured.energies,
            interpolated: measured.interpolated,
            whole,
            state: MeteredState::Sent,
        };
        Ok(Some((metered, version)))
    }

    /// Whether a day is so recent that its metering is told again if it could not be delivered.
    fn may_still_matter(&self, day: &IspDay) -> bool {
        let end = day.end().checked_add(jiff::SignedDuration::from_hours(24 * LATEST));
        end.is_ok_and(|end| self.context.now() < end)
    }

    /// What a connection took in each ISP of a day, by the readings of all its sessions.
    pub(crate) async fn measured_day(
        &self,
        connection: &EntityAddress,
        day: &IspDay,
    ) -> Result<MeasuredDay, StoreError> {
        let spans: Vec<TimeSpan> = day.isps().map(|(_, span)| span).collect();
        let mut sum = vec![(Energy::ZERO, Quality::Unread); spans.len()];
        let store = &*self.context.store;
        for readings in readings_around(store, connection, day.span()).await?.into_values() {
            let of_session = energies(&readings, &spans, day.isp_duration());
            for ((energy, quality), isp) in sum.iter_mut().zip(of_session) {
                *energy = energy.checked_add(isp.energy).unwrap_or(*energy);
                *quality = isp.quality.max(*quality);
            }
        }
        let interpolated = day.isps().map(|(isp, _)| isp).zip(&sum);
        Ok(MeasuredDay {
            interpolated: interpolated
                .filter(|(_, (_, quality))| *quality == Quality::Interpolated)
                .map(|(isp, _)| isp)
                .collect(),
            energies: sum.into_iter().map(|(energy, _)| energy).collect(),
        })
    }

    /// Has the days metered again that were metered before these readings came, `last` being the latest reading known until
    /// then: the line between two readings may go through several days.
    pub(crate) async fn want_late_metering(
        &self,
        connection: &EntityAddress,
        readings: &[Timestamp],
        last: Option<Timestamp>,
        changes: &mut ChangeSet,
    ) -> Result<(), StoreError> {
        let Some((_, dso)) = self.metered_for(connection) else { return Ok(()) };
        let today = self.today()?;
        let zone = self.calendar.time_zone();
        let earliest = readings.iter().min().map(|first| last.map_or(*first, |last| last.min(*first)));
        // The reading before it may be of the day before.
        let from = earliest.and_then(|earliest| zone.to_datetime(earliest).date().yesterday().ok());
        let Some(from) = from else { return Ok(()) };
        let Ok(back) = today.checked_sub(jiff::Span::new().days(LATEST)) else { return Ok(()) };
        let mut day = from.max(back);
        while day < today {
            let key = Metered::key_of(dso, connection, day);
            if self.context.store.record::<Metered>(&key).await?.is_some() {
                Wanted::now(METER, &subject(day, connection.as_str()), self.context.now(), changes)?;
            }
            let Ok(next) = day.tomorrow() else { break };
            day = next;
        }
        Ok(())
    }
}
