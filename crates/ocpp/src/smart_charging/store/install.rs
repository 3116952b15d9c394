//! Whether a profile may be installed, and what it replaces.

use super::super::profile::{Kind, Period, Profile, Purpose, Schedule, second};
use super::{CSO, Capabilities, ChargingProfile, Installed, ProfileStore, Refusal};
use crate::Version;
use crate::types::DateTime;

impl<P: ChargingProfile> ProfileStore<P> {
    /// Installs a profile that the CSMS has set on an EVSE, 0 being the whole station. Returns the ids of those it replaces.
    ///
    /// # Errors
    ///
    /// [`Refusal`]: nothing has changed then.
    pub fn install(&mut self, evse: i32, message: P, now: DateTime) -> Result<Vec<i32>, Refusal> {
        let profile = message.read()?;
        let message = match (P::VERSION, profile.purpose, self.running.get(&evse)) {
            // In 1.6 the id is optional: the profile is the running transaction's and ends with it.
            (Version::V1_6, Purpose::Tx, Some(running)) if profile.transaction.is_none() => {
                message.for_transaction(&running.transaction.id).ok_or(Refusal::TxNotFound(evse))?
            }
            _ => message,
        };
        let message = message.received(now);
        let profile = message.read()?;
        if profile.purpose == Purpose::ExternalConstraints {
            return Err(Refusal::ExternalConstraints);
        }
        self.admits(evse, &profile)?;
        message.check(&self.capabilities)?;
        self.check_transaction(evse, &profile)?;
        if self.installed.iter().any(|one| one.profile.id == profile.id && !one.is_csms()) {
            return Err(Refusal::Id(profile.id));
        }
        let replaces = |one: &Installed<P>| {
            let like = one.is_csms()
                && P::VERSION == Version::V1_6
                && one.evse == evse
                && is_like(&one.profile, &profile);
            one.profile.id == profile.id || like
        };
        if P::VERSION != Version::V1_6
            && let Some(other) = self.duplicate(evse, &profile)
        {
            return Err(Refusal::Duplicate(other));
        }
        self.put(evse, CSO, message, profile.clone(), replaces)
    }

    /// Installs the profile of a request to start a transaction, once that runs (RemoteStartTransaction, RequestStartTransaction).
    ///
    /// # Errors
    ///
    /// [`Refusal`]: nothing has changed then.
    pub fn install_for_start(&mut self, evse: i32, message: P, now: DateTime) -> Result<Vec<i32>, Refusal> {
        let profile = message.read()?;
        if profile.purpose != Purpose::Tx || profile.transaction.is_some() {
            return Err(Refusal::NotForStart);
        }
        let running = self.running.get(&evse).ok_or(Refusal::TxNotFound(evse))?;
        let message = message.for_transaction(&running.transaction.id).ok_or(Refusal::TxNotFound(evse))?;
        self.install(evse, message, now)
    }

    /// What the station can do with a profile, whoever sets it.
    pub(super) fn admits(&self, evse: i32, profile: &Profile) -> Result<(), Refusal> {
        let can = &self.capabilities;
        if evse != 0 && !can.evses.contains_key(&evse) {
            return Err(Refusal::UnknownEvse(evse));
        }
        if !can.purposes.contains(&profile.purpose) {
            return Err(Refusal::Purpose(profile.purpose));
        }
        if profile.kind == Kind::Dynamic && !can.dynamic_profiles {
            return Err(Refusal::Dynamic);
        }
        if profile.stack_level > can.max_stack_level {
            return Err(Refusal::StackLevel { level: profile.stack_level, most: can.max_stack_level });
        }
        match profile.purpose {
            Purpose::StationMax if evse != 0 => return Err(Refusal::StationMaxOnEvse(evse)),
            Purpose::StationMax if profile.kind == Kind::Relative => return Err(Refusal::StationMaxRelative),
            Purpose::Tx if evse == 0 => return Err(Refusal::TxOnStation(evse)),
            _ => {}
        }
        for schedule in &profile.schedules {
            admits_schedule(can, schedule)?;
            for period in &schedule.periods {
                admits_period(can, evse, P::VERSION, period)?;
            }
        }
        Ok(())
    }

    fn check_transaction(&self, evse: i32, profile: &Profile) -> Result<(), Refusal> {
        if profile.purpose != Purpose::Tx {
            // 1.6 only says where the id matters; 2.x says where it may be.
            let foreign = profile.transaction.is_some() && P::VERSION != Version::V1_6;
            return if foreign { Err(Refusal::Transaction) } else { Ok(()) };
        }
        let running = self.running.get(&evse).map(|running| &running.transaction.id);
        match (&profile.transaction, running) {
            (None, Some(_)) => Err(Refusal::NoTransaction),
            (None, None) if P::VERSION != Version::V1_6 => Err(Refusal::NoTransaction),
            (Some(id), Some(running)) if id == running => Ok(()),
            _ => Err(Refusal::TxNotFound(evse)),
        }
    }

    /// The id of a profile that would lead at the same time with the same right.
    fn duplicate(&self, evse: i32, profile: &Profile) -> Option<i32> {
        let others = self.installed.iter().filter(|one| one.is_csms() && one.profile.id != profile.id);
        let mut alike = others.filter(|one| is_like(&one.profile, profile) && overlap(&one.profile, profile));
        let meets = |other: i32| match profile.purpose {
            // A default of the station and one of an EVSE must differ in level, so that it is clear which leads.
            Purpose::TxDefault => other == evse || other == 0 || evse == 0,
            _ => other == evse,
        };
        alike.find(|one| meets(one.evse)).map(|one| one.profile.id)
    }

    /// Puts a profile in the place of those it replaces.
    pub(super) fn put(
        &mut self,
        evse: i32,
        source: &str,
        message: P,
        profile: Profile,
        leaves: impl Fn(&Installed<P>) -> bool,
    ) -> Result<Vec<i32>, Refusal> {
        let stay = self.installed.iter().filter(|one| !leaves(one)).count();
        if stay >= self.capabilities.max_profiles {
            return Err(Refusal::Full(self.capabilities.max_profiles));
        }
        let replaced = self.drop_if(leaves);
        self.installed.push(Installed { evse, source: source.to_owned(), message, profile, asked: None });
        Ok(replaced)
    }
}

/// Whether two profiles have one purpose, one level and, if they are for one, one transaction.
fn is_like(a: &Profile, b: &Profile) -> bool {
    a.purpose == b.purpose && a.stack_level == b.stack_level && a.transaction == b.transaction
}

/// Whether there is a second in which both are valid.
fn overlap(a: &Profile, b: &Profile) -> bool {
    let from = |profile: &Profile| profile.valid_from.map_or(i64::MIN, second);
    let to = |profile: &Profile| profile.valid_to.map_or(i64::MAX, second);
    from(a) < to(b) && from(b) < to(a)
}

fn admits_schedule(can: &Capabilities, schedule: &Schedule) -> Result<(), Refusal> {
    if !can.takes(schedule.unit) {
        return Err(Refusal::RateUnit(schedule.unit));
    }
    if schedule.periods.len() > can.max_periods {
        return Err(Refusal::Periods { periods: schedule.periods.len(), most: can.max_periods });
    }
    Ok(())
}

fn admits_period(can: &Capabilities, evse: i32, version: Version, period: &Period) -> Result<(), Refusal> {
    let meant = can.evses.iter().filter(|(id, _)| evse == 0 || **id == evse);
    if version != Version::V1_6 && evse != 0 && period.number_phases.is_some() {
        let direct_current = meant.clone().any(|(_, evse)| evse.direct_current);
        if direct_current {
            return Err(Refusal::DirectCurrent);
        }
    }
    if period.phase_to_use.is_some() && !meant.clone().all(|(_, evse)| evse.phase_switching) {
        return Err(Refusal::PhaseToUse);
    }
    let sleeps = period.carried.as_ref().is_some_and(|carried| carried.evse_sleep == Some(true));
    if sleeps && !can.evse_sleep {
        return Err(Refusal::Member("evseSleep"));
    }
    Ok(())
}
