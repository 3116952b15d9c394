//! Metering: what an AGR may report.
//!
//! Whether a meter lies behind a congestion point of the sender, and whether the day has been settled there, no message
//! says: that is for the books of the recipient.

use std::collections::{BTreeMap, BTreeSet};

use rust_decimal::Decimal;
use tieline_types::{IspDay, IspDuration, IspNumber, IspRange};

use super::case::{Case, Reasons, binds, check_isps, of_type, unknown};
use crate::message::{Metering, MeteringProfile, ProfileType, Unit};
use crate::{Exchanged, RejectionReason};

/// `earlier`: the Metering messages for the same day.
pub(super) fn metering(message: &Metering, case: &Case<'_>, earlier: &[Exchanged]) -> Reasons {
    let mut reasons = Reasons::new();
    let terms = &case.terms.metering;
    let digits = message.ean.digits();
    if terms.meters.as_ref().is_some_and(|known| !known.iter().any(|known| known.digits() == digits)) {
        reasons.insert(unknown("EAN"));
    }
    let day = case.day(message.isp_duration, &message.time_zone, message.period, &mut reasons);
    if day.is_some_and(|day| day.end() > case.now) {
        reasons.insert(RejectionReason::PeriodOutOfBounds);
    }
    let whole = day.filter(|day| check_profiles(&message.profiles, day, case, &mut reasons));
    if message.profiles.iter().any(is_below_zero) {
        reasons.insert(RejectionReason::PowerValueRejection);
    }
    let clear = units_and_names(&message.profiles, &terms.profiles, &mut reasons);
    if clear && whole.is_some() && !energies_fit(&message.profiles, message.isp_duration) {
        reasons
            .insert(RejectionReason::other("Power is not (ImportEnergy - ExportEnergy) * 60 / ISP minutes"));
    }
    let mut earlier = of_type::<Metering>(earlier)
        .filter(|(known, metering)| binds(known) && metering.ean.digits() == digits);
    if earlier.any(|(_, known)| known.revision >= message.revision) {
        reasons.insert(RejectionReason::SubordinateSequenceNumber);
    }
    reasons
}

/// Each profile has ISPs of the day, each once, and, where that is agreed, every one.
fn check_profiles(
    profiles: &[MeteringProfile],
    day: &IspDay,
    case: &Case<'_>,
    reasons: &mut Reasons,
) -> bool {
    profiles.iter().fold(true, |right, profile| {
        let isps: Vec<IspRange> = profile.isps.iter().map(|isp| IspRange::single(isp.start)).collect();
        let count = isps.len();
        let right_isps = check_isps(day, isps, reasons);
        if right_isps && case.terms.metering.every_isp && count < usize::from(day.count()) {
            reasons.insert(RejectionReason::LackingIsps);
        }
        right && right_isps
    })
}

/// Power has a direction; energy that was imported or exported, and what a meter shows, is not below 0.
fn is_below_zero(profile: &MeteringProfile) -> bool {
    profile.profile_type != ProfileType::Power && profile.isps.iter().any(|isp| isp.value < Decimal::ZERO)
}

/// kW for power and kWh for the others; each profile once, and every agreed one. Says whether it is clear what is measured.
fn units_and_names(
    profiles: &[MeteringProfile],
    agreed: &BTreeSet<ProfileType>,
    reasons: &mut Reasons,
) -> bool {
    let unit = |profile: &MeteringProfile| match profile.profile_type {
        ProfileType::Power => Unit::Kilowatt,
        _ => Unit::KilowattHour,
    };
    let wrong_unit = profiles.iter().any(|profile| profile.unit != unit(profile));
    if wrong_unit {
        reasons.insert(RejectionReason::other("A profile is in the wrong unit"));
    }
    let named: BTreeSet<ProfileType> = profiles.iter().map(|profile| profile.profile_type).collect();
    let twice = named.len() < profiles.len();
    if twice {
        reasons.insert(RejectionReason::other("A profile is there twice"));
    }
    if !named.is_superset(agreed) {
        reasons.insert(RejectionReason::other("An agreed profile is missing"));
    }
    !wrong_unit && !twice
}

/// Whether power and energy say the same of each ISP, as far as their digits tell. Without ExportEnergy, power may be less
/// than what was imported; without ImportEnergy, more than what was exported.
fn energies_fit(profiles: &[MeteringProfile], isp: IspDuration) -> bool {
    let values = |wanted: ProfileType| {
        let profile = profiles.iter().find(|profile| profile.profile_type == wanted);
        profile.map(|profile| {
            profile.isps.iter().map(|isp| (isp.start, isp.value)).collect::<BTreeMap<IspNumber, Decimal>>()
        })
    };
    let Some(powers) = values(ProfileType::Power) else { return true };
    let (import, export) = (values(ProfileType::ImportEnergy), values(ProfileType::ExportEnergy));
    let per_hour = Decimal::from(60) / Decimal::from(isp.minutes());
    powers.iter().all(|(number, power)| {
        let of = |values: &Option<BTreeMap<_, Decimal>>| {
            values.as_ref().and_then(|values| values.get(number)).copied()
        };
        let (import, export) = (of(&import), of(&export));
        let net = import.unwrap_or_default().checked_sub(export.unwrap_or_default());
        let net = net.and_then(|net| net.checked_mul(per_hour));
        let Some(above) = net.and_then(|net| power.checked_sub(net)) else { return false };
        let blur = [import, export].into_iter().flatten().map(|energy| last_digit(energy) * per_hour);
        let tolerance = blur.fold(last_digit(*power), |sum, blur| sum + blur);
        match (import, export) {
            (Some(_), Some(_)) => above.abs() <= tolerance,
            (Some(_), None) => above <= tolerance,
            (None, Some(_)) => above >= -tolerance,
            (None, None) => true,
        }
    })
}

/// One in the last digit that a number is written with.
fn last_digit(number: Decimal) -> Decimal {
    Decimal::new(1, number.scale())
}
