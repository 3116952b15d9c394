//! Metering: from an aggregator's readings to a grid operator's book.

use rust_decimal::Decimal;
use tieline_service::{Call, Extension, State};
use tieline_store::{ChangeSet, Record as _, Records as _, StoreError, Timer};
use tieline_types::{Energy, EntityAddress, IspDay, IspNumber};
use tieline_uftp::message::{Metering, MeteringIsp, MeteringProfile, MeteringResponse, ProfileType, Unit};
use tieline_uftp::value::{Ean, MessageId};
use tieline_uftp::{Accepted, Noted, Rejected, RejectionReason, Role};
use tracing::{error, info};

use super::{AgrMarket, DsoMarket, Verdict, Work, keep, unreadable, unwritable};
use crate::market::{Metered, MeteredState, MeteringMessage, Wanted, message_key, metered_by};
use crate::role::agr::{METER, day_and};
use crate::role::dso::MeteringRefusal;

/// Digits of a kilowatt hour that tell each watt second.
const KILOWATT_HOUR_DIGITS: u32 = 7;

/// Watt seconds in a kilowatt hour.
const PER_KILOWATT_HOUR: i64 = 3_600_000;

impl AgrMarket {
    /// The timer of a connection and a day that is over: what it took is sent, if it was not, or late readings have changed it.
    pub(crate) async fn meter(&self, fired: Timer) -> Result<ChangeSet, StoreError> {
        let mut changes = ChangeSet::new();
        let wanted = Wanted::key_of(METER, &fired.subject);
        let wanted = self.agr.context.store.record::<Wanted>(&wanted).await?;
        let of_day = day_and(&fired.subject)
            .and_then(|(date, address)| Some((date, address.parse::<EntityAddress>().ok()?)));
        if let Some((date, connection)) = of_day
            && let Some((metered, version)) = self.agr.metering(&connection, date).await?
        {
            let message = self.write_metering(&metered)?;
            info!(dso = %metered.counterparty, %connection, period = %date, revision = metered.revision, "metering is sent");
            let named = MeteringMessage {
                counterparty: metered.counterparty.clone(),
                message_id: metered.message_id,
                metered: metered.key(),
            };
            changes.replace(&metered, version)?.put(&named)?.append(self.letters.sealed(message, Role::Dso)?);
        }
        if let Some(wanted) = wanted {
            changes.replace(&wanted.value, wanted.version)?;
        }
        changes.clear_timer(fired);
        Ok(changes)
    }

    fn write_metering(&self, metered: &Metered) -> Result<Metering, StoreError> {
        let mut header = self.letters.header(&metered.counterparty, Role::Dso, Some(metered.conversation_id));
        header.message_id = MessageId::from(metered.message_id);
        let calendar = &self.agr.calendar;
        let day = calendar.day(metered.period).map_err(|cause| unwritable(&cause))?;
        let zone = calendar.zone_name().unwrap_or_default();
        let values = |value: fn(Energy, &IspDay) -> Decimal| {
            let isps = day.isps().map(|(isp, _)| isp).zip(&metered.energies);
            isps.map(|(start, energy)| MeteringIsp { start, value: value(*energy, &day) }).collect()
        };
        Ok(Metering {
            header,
            revision: metered.revision,
            isp_duration: calendar.isp_duration(),
            time_zone: zone.parse().map_err(|cause| unwritable(&cause))?,
            currency: None,
            period: metered.period,
            ean: ean(&metered.connection).ok_or_else(|| unwritable(&"the connection has no EAN"))?,
            profiles: vec![
                MeteringProfile {
                    profile_type: ProfileType::Power,
                    unit: Unit::Kilowatt,
                    isps: values(kilowatts),
                },
                MeteringProfile {
                    profile_type: ProfileType::ImportEnergy,
                    unit: Unit::KilowattHour,
                    isps: values(|energy, _| kilowatt_hours(energy)),
                },
            ],
        })
    }
}

pub(super) async fn note_response(
    call: Call<MeteringResponse>,
    State(market): State<AgrMarket>,
    Extension(work): Extension<Work>,
) -> Result<Noted, Verdict> {
    let dso = &call.header.sender_domain;
    let key = message_key(dso, call.metering_message_id);
    let known = metered_by(&*market.agr.context.store, &key).await?;
    // A revision that was followed by another has no record any more.
    let Some(mut metered) = known else { return Ok(Noted) };
    if metered.value.state != MeteredState::Sent {
        return Ok(Noted);
    }
    let mut changes = ChangeSet::new();
    metered.value.state = if call.response.is_accepted() {
        MeteredState::Accepted
    } else {
        let reason = RejectionReason::join(&call.response.reasons());
        let Metered { connection, period, .. } = &metered.value;
        error!(%dso, %connection, %period, reason, "the metering is rejected");
        let grounds = format!("{period}: {reason}");
        let conversation = metered.value.conversation_id.to_string();
        let about = connection.to_string();
        changes.decide(market.agr.context.now(), "agr", about, "MeteringRejected", conversation, grounds);
        MeteredState::Rejected { reason }
    };
    changes.replace(&metered.value, metered.version)?;
    keep(&work, changes);
    Ok(Noted)
}

pub(super) async fn take(
    call: Call<Metering>,
    State(market): State<DsoMarket>,
    Extension(work): Extension<Work>,
) -> Result<Accepted, Verdict> {
    let day = market.dso.calendar.day(call.period).map_err(|cause| unreadable(&cause))?;
    let Some(energies) = energies(&call.profiles, &day) else {
        let cause = "There is neither ImportEnergy nor Power, or it is too large";
        return Err(RejectionReason::other(cause).into());
    };
    let unknown = || reason(MeteringRefusal::Connection);
    let connection = call.ean.connection().ok_or_else(unknown)?;
    let point = market.dso.point_of(&connection).ok_or_else(unknown)?;
    let metered = Metered {
        message_id: call.header.message_id.uuid(),
        conversation_id: call.header.conversation_id.uuid(),
        counterparty: call.header.sender_domain.clone(),
        congestion_point: point.entity_address.clone(),
        connection,
        period: call.period,
        span: day.span(),
        revision: call.revision,
        energies,
        interpolated: Vec::new(),
        whole: true,
        state: MeteredState::Accepted,
    };
    let (refusals, version) = market.dso.metering_refusals(point, &metered).await?;
    if let Some(rejected) = Rejected::for_any(refusals.into_iter().map(reason)) {
        return Err(rejected.into());
    }
    let mut changes = ChangeSet::new();
    changes.replace(&metered, version)?;
    keep(&work, changes);
    Ok(Accepted::new())
}

/// The EAN that names a connection in Metering: a letter and its digits.
pub(super) fn ean(connection: &EntityAddress) -> Option<Ean> {
    format!("E{}", connection.ean()?).parse().ok()
}

fn kilowatt_hours(energy: Energy) -> Decimal {
    energy.kilowatt_hours().round_dp(KILOWATT_HOUR_DIGITS).normalize()
}

/// The mean power of an ISP: energy by the hour.
fn kilowatts(energy: Energy, day: &IspDay) -> Decimal {
    let watts = Decimal::from(energy.watt_seconds()) / Decimal::from(day.isp_duration().seconds());
    (watts / Decimal::ONE_THOUSAND).round_dp(3).normalize()
}

/// Import less export in each ISP, or the mean power over its length; `None` where neither is there, or too large.
fn energies(profiles: &[MeteringProfile], day: &IspDay) -> Option<Vec<Energy>> {
    let profile = |wanted: ProfileType| profiles.iter().find(|profile| profile.profile_type == wanted);
    let (import, export) = (profile(ProfileType::ImportEnergy), profile(ProfileType::ExportEnergy));
    let power = profile(ProfileType::Power);
    let per_hour = Decimal::from(day.isp_duration().seconds()) / Decimal::from(3600);
    let value = |profile: Option<&MeteringProfile>, isp: IspNumber| {
        profile
            .and_then(|profile| profile.isps.iter().find(|known| known.start == isp))
            .map(|known| known.value)
    };
    day.isps()
        .map(|(isp, _)| {
            let kilowatt_hours = match (value(import, isp), value(power, isp)) {
                (Some(import), _) => import.checked_sub(value(export, isp).unwrap_or(Decimal::ZERO))?,
                (None, Some(power)) => power.checked_mul(per_hour)?,
                (None, None) => return None,
            };
            let watt_seconds = kilowatt_hours.checked_mul(Decimal::from(PER_KILOWATT_HOUR))?.round();
            Some(Energy::from_watt_seconds(i64::try_from(watt_seconds).ok()?))
        })
        .collect()
}

fn reason(refusal: MeteringRefusal) -> RejectionReason {
    match refusal {
        MeteringRefusal::Connection => RejectionReason::other("Unknown EAN"),
        MeteringRefusal::Taken => RejectionReason::other("Another aggregator has metered this connection"),
        MeteringRefusal::Settled => RejectionReason::other("The day has been settled"),
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use jiff::tz::TimeZone;
    use tieline_types::{IspCalendar, IspDuration};

    use super::*;

    #[test]
    fn a_kilowatt_hour_tells_every_watt_second() {
        for watt_seconds in (0..4000).chain([i64::MAX / 4_000_000, 123_456_789]) {
            let kilowatt_hours = kilowatt_hours(Energy::from_watt_seconds(watt_seconds));
            let back = (kilowatt_hours * Decimal::from(PER_KILOWATT_HOUR)).round();
            assert_eq!(back, Decimal::from(watt_seconds), "{kilowatt_hours}");
        }
    }

    #[test]
    fn power_is_as_good_as_energy() {
        let calendar = IspCalendar::new(TimeZone::get("Europe/Amsterdam").unwrap(), IspDuration::PT15M);
        let day = calendar.day(date(2026, 3, 29)).unwrap();
        let profile = |profile_type, unit, value: &str| MeteringProfile {
            profile_type,
            unit,
            isps: day.isps().map(|(start, _)| MeteringIsp { start, value: value.parse().unwrap() }).collect(),
        };
        let power = profile(ProfileType::Power, Unit::Kilowatt, "4.2");
        let import = profile(ProfileType::ImportEnergy, Unit::KilowattHour, "1.25");
        let export = profile(ProfileType::ExportEnergy, Unit::KilowattHour, "0.2");
        let quarter = vec![Energy::from_watt_hours(1050).unwrap(); 92];
        assert_eq!(energies(std::slice::from_ref(&power), &day), Some(quarter.clone()));
        assert_eq!(energies(&[power, import, export], &day), Some(quarter));
        assert_eq!(energies(&[], &day), None);
    }
}
