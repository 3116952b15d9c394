//! Which profiles are reported to a CSMS, and on how many pages.

use super::super::profile::Purpose;
use super::{ChargingProfile, Installed, ProfileStore};

/// What a profile must be to be reported. What is `None` does not matter.
#[derive(Clone, Debug, Default)]
pub(super) struct Criterion {
    pub(super) evse: Option<i32>,
    pub(super) purpose: Option<Purpose>,
    pub(super) stack_level: Option<i32>,
    pub(super) ids: Option<Vec<i32>>,
    pub(super) sources: Option<Vec<String>>,
}

/// The profiles of one message.
#[derive(Debug)]
pub(super) struct Page<'a, P> {
    pub(super) evse: i32,
    pub(super) source: &'a str,
    pub(super) profiles: Vec<&'a Installed<P>>,
    /// Whether another page follows.
    pub(super) tbc: bool,
}

impl<P: ChargingProfile> ProfileStore<P> {
    /// The pages of a report. A message is of one EVSE and one source (ReportChargingProfilesRequest).
    pub(super) fn pages(&self, criterion: &Criterion) -> Vec<Page<'_, P>> {
        let mut found: Vec<_> = self.installed.iter().filter(|one| criterion.takes(one)).collect();
        found.sort_by(|a, b| (a.evse, &a.source, a.profile.id).cmp(&(b.evse, &b.source, b.profile.id)));
        let groups = found.chunk_by(|a, b| a.evse == b.evse && a.source == b.source);
        let most = self.capabilities.profiles_per_report.max(1);
        let pages = groups.flat_map(|group| group.chunks(most)).map(|profiles| Page {
            evse: profiles[0].evse,
            source: &profiles[0].source,
            profiles: profiles.to_vec(),
            tbc: true,
        });
        let mut pages: Vec<_> = pages.collect();
        if let Some(last) = pages.last_mut() {
            last.tbc = false;
        }
        pages
    }
}

impl Criterion {
    fn takes<P>(&self, one: &Installed<P>) -> bool {
        self.evse.is_none_or(|evse| evse == one.evse)
            && self.purpose.is_none_or(|purpose| purpose == one.profile.purpose)
            && self.stack_level.is_none_or(|level| level == one.profile.stack_level)
            && self.ids.as_ref().is_none_or(|ids| ids.contains(&one.profile.id))
            && self.sources.as_ref().is_none_or(|sources| sources.contains(&one.source))
    }
}
