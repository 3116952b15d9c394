//! The configuration slots, their order, and which of them is tried.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::NetworkProfile;

/// The slot of the maker's own way, which no CSMS can set.
pub(crate) const OWN: i32 = 0;

/// How many ways a CSMS can set.
const LIMIT: usize = 10;

/// Why a slot or an order of slots is not taken: a reason code of 2.x.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SlotRefusal {
    /// B09.FR.01, A05.FR.03.
    NoSecurityDowngrade,
    /// It makes no sense, or the station can't go that way.
    InvalidNetworkConf,
    /// It is in use, or one of those to be used.
    PriorityNetworkConf,
    OutOfStorage,
}

impl SlotRefusal {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::NoSecurityDowngrade => "NoSecurityDowngrade",
            Self::InvalidNetworkConf => "InvalidNetworkConf",
            Self::PriorityNetworkConf => "PriorityNetworkConf",
            Self::OutOfStorage => "OutOfStorage",
        }
    }
}

/// The ways to a CSMS.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Networks {
    slots: BTreeMap<i32, NetworkProfile>,
    priority: Vec<i32>,
    /// The slot of the last connection.
    active: i32,
    /// The highest security profile with which there was a connection: there is no way back (A05).
    security_profile: i32,
    #[serde(skip)]
    own: i32,
    #[serde(skip)]
    attempt: Attempt,
}

/// What is tried now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Attempt {
    slot: i32,
    failures: u32,
    /// Slots that were tried in vain since the last connection.
    tried: usize,
}

impl Networks {
    /// Those that were kept, or the maker's own with this security profile. It begins with the first (B10.FR.04).
    pub(crate) fn new(saved: Option<Self>, own: i32) -> Self {
        let mut networks = saved.unwrap_or_else(|| Self {
            slots: BTreeMap::new(),
            priority: vec![OWN],
            active: OWN,
            security_profile: own,
            own,
            attempt: Attempt::default(),
        });
        networks.own = own;
        networks.security_profile = networks.security_profile.max(networks.profile_of(networks.active));
        networks.begin();
        networks
    }

    /// What is kept, if it differs from the maker's.
    pub(crate) fn saved(&self) -> Option<Self> {
        let is_own = self.slots.is_empty() && self.active == OWN;
        (!is_own).then(|| self.clone())
    }

    fn profile_of(&self, slot: i32) -> i32 {
        self.slots.get(&slot).map_or(self.own, |profile| profile.security_profile)
    }

    pub(crate) fn security_profile(&self) -> i32 {
        self.security_profile
    }

    pub(crate) fn active(&self) -> i32 {
        self.active
    }

    /// The order in which ways are tried, as `NetworkConfigurationPriority` writes it.
    pub(crate) fn priority(&self) -> String {
        self.priority.iter().map(i32::to_string).collect::<Vec<_>>().join(",")
    }

    pub(crate) fn get(&self, slot: i32) -> Option<&NetworkProfile> {
        self.slots.get(&slot)
    }

    /// Keeps a way (B09).
    pub(crate) fn set(&mut self, slot: i32, profile: NetworkProfile) -> Result<(), SlotRefusal> {
        if profile.security_profile < self.security_profile {
            return Err(SlotRefusal::NoSecurityDowngrade);
        }
        let is_plain = profile.csms_url.starts_with("ws://") && profile.security_profile == 1;
        let is_sensible = is_plain || profile.csms_url.starts_with("wss://");
        if slot <= OWN || !is_sensible || !(1..=3).contains(&profile.security_profile) {
            return Err(SlotRefusal::InvalidNetworkConf);
        }
        if slot == self.active || self.priority.contains(&slot) {
            return Err(SlotRefusal::PriorityNetworkConf);
        }
        if self.slots.len() >= LIMIT && !self.slots.contains_key(&slot) {
            return Err(SlotRefusal::OutOfStorage);
        }
        self.slots.insert(slot, profile);
        Ok(())
    }

    /// Sets the order in which ways are tried after the next restart (B10.FR.01, A05.FR.02 to FR.04).
    pub(crate) fn set_priority(&mut self, text: &str) -> Result<(), SlotRefusal> {
        let slots: Result<Vec<i32>, _> = text.split(',').map(|slot| slot.trim().parse()).collect();
        let slots = slots.map_err(|_| SlotRefusal::InvalidNetworkConf)?;
        let is_known = |slot: &i32| *slot == OWN || self.slots.contains_key(slot);
        let is_twice = |slot: &i32| slots.iter().filter(|other| *other == slot).count() > 1;
        if !slots.iter().all(is_known) || slots.iter().any(is_twice) {
            return Err(SlotRefusal::InvalidNetworkConf);
        }
        if slots.iter().any(|slot| self.profile_of(*slot) < self.security_profile) {
            return Err(SlotRefusal::NoSecurityDowngrade);
        }
        self.priority = slots;
        Ok(())
    }

    /// Tries the present way with a higher security profile (1.6 A05), and goes back to the present one if it fails.
    pub(crate) fn raise(&mut self, profile: NetworkProfile) {
        let slot = self.active + 1;
        self.slots.insert(slot, profile);
        self.priority = vec![slot, self.active];
        self.begin();
    }

    /// After a restart the first is tried.
    pub(crate) fn begin(&mut self) {
        let slot = self.priority.first().copied().unwrap_or(self.active);
        self.attempt = Attempt { slot, failures: 0, tried: 0 };
    }

    /// The slot that is to be tried.
    pub(crate) fn slot(&self) -> i32 {
        self.attempt.slot
    }

    /// Whether there is another way than the one that was tried.
    pub(crate) fn has_others(&self) -> bool {
        self.priority.iter().chain([&self.active]).any(|slot| *slot != self.attempt.slot)
    }

    /// There is a connection. Returns whether the security profile is a higher one than before: ways with a lower one are gone
    /// (A05.FR.06).
    pub(crate) fn reached(&mut self) -> bool {
        let slot = self.attempt.slot;
        self.active = slot;
        self.attempt = Attempt { slot, failures: 0, tried: 0 };
        let profile = self.profile_of(slot);
        if profile <= self.security_profile {
            return false;
        }
        self.security_profile = profile;
        let priority = std::mem::take(&mut self.priority);
        self.priority = priority.into_iter().filter(|slot| self.profile_of(*slot) >= profile).collect();
        self.slots.retain(|_, known| known.security_profile >= profile);
        true
    }

    /// Only the way that is in use is left (1.6, which has no slots).
    pub(crate) fn settle(&mut self) {
        let active = self.active;
        self.slots.retain(|slot, _| *slot == active);
        self.priority = vec![active];
    }

    /// There is no connection this way. After so many attempts the next in the order is tried (B10.FR.03), and after all of
    /// them that of the last connection (B10.FR.07).
    pub(crate) fn failed(&mut self, attempts: u32) {
        self.attempt.failures = self.attempt.failures.saturating_add(1);
        if self.attempt.failures < attempts.max(1) {
            return;
        }
        let tried = self.attempt.tried + 1;
        let at = self.priority.iter().position(|slot| *slot == self.attempt.slot);
        let next = at.map_or(0, |at| at + 1) % self.priority.len().max(1);
        self.attempt = if tried == self.priority.len() && self.attempt.slot != self.active {
            Attempt { slot: self.active, failures: 0, tried }
        } else if tried >= self.priority.len() {
            let slot = self.priority.first().copied().unwrap_or(self.active);
            Attempt { slot, failures: 0, tried: 0 }
        } else {
            Attempt { slot: self.priority[next], failures: 0, tried }
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn profile(url: &str, security_profile: i32) -> NetworkProfile {
        NetworkProfile {
            csms_url: url.to_owned(),
            security_profile,
            interface: "Any".to_owned(),
            message_timeout: 30,
            identity: None,
            password: None,
            apn: None,
            vpn: None,
        }
    }

    fn networks() -> Networks {
        let mut networks = Networks::new(None, 1);
        networks.set(1, profile("ws://a", 1)).unwrap();
        networks.set(2, profile("wss://b", 2)).unwrap();
        networks
    }

    /// The slots that are tried in turn, `attempts` times each.
    fn tried(networks: &mut Networks, attempts: u32, times: usize) -> Vec<i32> {
        let next = |_| {
            let slot = networks.slot();
            networks.failed(attempts);
            slot
        };
        (0..times).map(next).collect()
    }

    #[test]
    fn ways_are_tried_in_their_order_and_then_the_last_that_worked() {
        let mut networks = networks();
        networks.set_priority("2,1").unwrap();
        assert_eq!(networks.slot(), OWN);
        networks.begin();
        assert_eq!(tried(&mut networks, 2, 8), [2, 2, 1, 1, 0, 0, 2, 2]);
        let mut networks = self::networks();
        networks.set_priority("1,0").unwrap();
        networks.begin();
        assert_eq!(tried(&mut networks, 1, 5), [1, 0, 1, 0, 1]);
        // One that has only its own stays with it.
        let mut networks = Networks::new(None, 1);
        assert_eq!(tried(&mut networks, 3, 7), [0; 7]);
        assert!(!networks.has_others());
    }

    #[test]
    fn there_is_no_way_back_to_a_lower_security_profile() {
        let mut networks = networks();
        networks.set_priority("2,1,0").unwrap();
        networks.begin();
        assert!(networks.reached());
        assert_eq!(
            (networks.security_profile(), networks.active(), networks.priority()),
            (2, 2, "2".to_owned())
        );
        assert!(networks.get(1).is_none());
        assert_eq!(networks.set_priority("2,0"), Err(SlotRefusal::NoSecurityDowngrade));
        assert_eq!(networks.set(3, profile("ws://c", 1)), Err(SlotRefusal::NoSecurityDowngrade));
        assert_eq!(networks.set(2, profile("wss://c", 2)), Err(SlotRefusal::PriorityNetworkConf));
        assert_eq!(networks.set(3, profile("ws://c", 2)), Err(SlotRefusal::InvalidNetworkConf));
        assert_eq!(networks.set(0, profile("wss://c", 3)), Err(SlotRefusal::InvalidNetworkConf));
        assert_eq!(networks.set_priority("2,7"), Err(SlotRefusal::InvalidNetworkConf));
        assert_eq!(networks.set_priority("2,2"), Err(SlotRefusal::InvalidNetworkConf));
        // Also after a restart, whatever the maker's own is.
        let networks = Networks::new(networks.saved(), 1);
        assert_eq!((networks.security_profile(), networks.slot()), (2, 2));
    }

    #[test]
    fn a_higher_profile_that_does_not_connect_is_given_up() {
        let mut networks = Networks::new(None, 1);
        networks.raise(profile("wss://a", 2));
        assert_eq!(tried(&mut networks, 3, 4), [1, 1, 1, 0]);
        assert!(!networks.reached());
        networks.settle();
        assert_eq!((networks.security_profile(), networks.priority()), (1, "0".to_owned()));
        assert_eq!(networks.saved(), None);
    }
}
