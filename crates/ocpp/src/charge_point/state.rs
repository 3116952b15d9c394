//! All that a station knows, behind one lock.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use ocpp_kit::station::authorization::{
    AuthorizationStatus, Authorizer, IdTokenInfo, LocalAuthorizationList, UpdateStatus, UpdateType,
};
use ocpp_kit::station::configuration::ConfigurationKeys;
use ocpp_kit::station::device_model::{Attribute, ComponentKey, DeviceModel, VariableKey};
use ocpp_kit::station::transactions::{TransactionIds, TransactionMachine, TxPoint};
use tieline_edge::Ids;

use super::display::{DisplayMessage, Messages};
use super::evse::Evse;
use super::hardware::Hardware;
use super::model::{
    LIST_LIMIT, configuration_keys, declare_display, device_model, show_monitoring, show_networks,
};
use super::monitoring::Monitors;
use super::networks::Networks;
use super::profiles::{Allowed, Profiles};
use super::settings::Settings;
use super::snapshot::{Listed, Snapshot, Variable};
use crate::Version;
use crate::der_control::DerControls;
use crate::smart_charging::{Capabilities, ProfileError};
use crate::types::DateTime;
use crate::v21::SetDERControlRequest;

/// What a station knows. Passwords are in it, so it has no Debug.
pub(crate) struct State {
    pub(crate) version: Version,
    pub(crate) evses: Vec<Evse>,
    /// The status of the station as a whole that the CSMS knows (1.6).
    pub(crate) station_told: Option<String>,
    pub(crate) keys: ConfigurationKeys,
    pub(crate) model: DeviceModel,
    pub(crate) settings: Settings,
    pub(crate) authorizer: Authorizer,
    pub(crate) snapshot: Snapshot,
    /// The number of the firmware or log request that is being worked on, and how it stands.
    pub(crate) firmware: Progress,
    pub(crate) log: Progress,
    /// When the next meter values are due, by the interval and by the clock.
    pub(crate) sample_due: Option<Timestamp>,
    pub(crate) aligned_due: Option<Timestamp>,
    /// Until when an authorization waits for its vehicle, by EVSE.
    pub(crate) connect_until: BTreeMap<i32, Timestamp>,
    pub(crate) ids: Arc<dyn Ids>,
    pub(crate) profiles: Profiles,
    capabilities: Capabilities,
    pub(crate) monitors: Monitors,
    pub(crate) networks: Networks,
    pub(crate) messages: Messages,
    pub(crate) der: DerControls,
    /// The controls that the hardware follows, and when these may be others.
    pub(crate) der_followed: Vec<SetDERControlRequest>,
    pub(crate) der_due: Option<Timestamp>,
    /// The messages that the hardware shows, and when these may be others.
    pub(crate) shown: Vec<DisplayMessage>,
    pub(crate) messages_due: Option<Timestamp>,
    /// What the hardware knows that its EVSEs may draw, and when that may change.
    pub(crate) allowed: BTreeMap<i32, Option<Allowed>>,
    pub(crate) limits_due: Option<Timestamp>,
}

/// Work for the CSMS that takes its time, of which the last request counts.
#[derive(Clone, Debug, Default)]
pub(crate) struct Progress {
    /// Grows with every request: work whose number it is no longer gives up.
    pub(crate) generation: u64,
    pub(crate) request: Option<i32>,
    pub(crate) status: Option<&'static str>,
}

struct Uuids(Arc<dyn Ids>);

impl TransactionIds for Uuids {
    fn next(&mut self) -> String {
        self.0.uuid().to_string()
    }
}

impl State {
    pub(crate) fn new(
        version: Version,
        evses: i32,
        snapshot: Snapshot,
        ids: Arc<dyn Ids>,
        hardware: &dyn Hardware,
        security_profile: i32,
    ) -> Result<Self, ProfileError> {
        let capabilities = hardware.capabilities(evses);
        let profiles = match snapshot.profiles.clone() {
            Some(saved) => Profiles::restore(capabilities.clone(), saved)?,
            None => Profiles::new(version, capabilities.clone()),
        };
        let mut keys = configuration_keys(evses, &capabilities);
        for (key, value) in &snapshot.keys {
            // What can't be set any more is left as it is.
            let _ = keys.set(key, value);
        }
        let mut model = device_model(evses.unsigned_abs(), &capabilities);
        for (component, variable) in hardware.variables(evses) {
            model.declare(component, variable);
        }
        for variable in &snapshot.variables {
            let (component, name, attribute) = variable.keys();
            let _ = model.set(component, name, attribute, &variable.value);
        }
        if let Some(display) = hardware.display() {
            declare_display(&mut model, &display);
        }
        let networks = Networks::new(snapshot.networks.clone(), security_profile);
        show_networks(&mut keys, &mut model, &networks);
        let messages = Messages::new(snapshot.messages.clone());
        let der = DerControls::restore(hardware.der_controls(), snapshot.der.clone());
        let monitors = Monitors::new(hardware.monitors(evses), snapshot.monitors.clone(), &model);
        show_monitoring(&mut model, &monitors);
        let mut authorizer = Authorizer::new();
        authorizer.list = LocalAuthorizationList::bounded(LIST_LIMIT);
        let listed =
            snapshot.list.iter().map(|(token, listed)| (token.clone(), Some(listed.info()))).collect();
        let _: UpdateStatus = authorizer.list.update(UpdateType::Full, snapshot.list_version, listed);
        let settings = Settings::from_keys(&keys);
        let mut state = Self {
            version,
            evses: Vec::new(),
            station_told: None,
            keys,
            model,
            settings,
            authorizer,
            snapshot,
            firmware: Progress::default(),
            log: Progress::default(),
            sample_due: None,
            aligned_due: None,
            connect_until: BTreeMap::new(),
            ids,
            profiles,
            capabilities,
            monitors,
            networks,
            messages,
            der,
            der_followed: Vec::new(),
            der_due: None,
            shown: Vec::new(),
            messages_due: None,
            allowed: BTreeMap::new(),
            limits_due: None,
        };
        state.read_settings();
        for id in 1..=evses {
            let kept = state.snapshot.evses.get(&id).cloned().unwrap_or_default();
            let machine = state.machine();
            state.evses.push(Evse::new(id, kept, machine));
        }
        Ok(state)
    }

    /// Another version is spoken. Profiles of the other one are gone: they name what it does not know.
    pub(crate) fn set_version(&mut self, version: Version) {
        self.version = version;
        if !self.profiles.is_of(version) {
            self.profiles = Profiles::new(version, self.capabilities.clone());
        }
        self.read_settings();
        self.renew_machines();
    }

    /// Settings are those of the version that is spoken.
    pub(crate) fn read_settings(&mut self) {
        self.settings = match self.version {
            Version::V1_6 => Settings::from_keys(&self.keys),
            _ => Settings::from_model(&self.model),
        };
        self.authorizer.policy = self.settings.policy;
        self.authorizer.cache.set_enabled(self.settings.cache_enabled);
    }

    /// A machine for transactions as they are set to begin and end now (1.6 Table 62 of 2.x; 2.x E01, E06).
    pub(crate) fn machine(&self) -> TransactionMachine {
        let ids = Box::new(Uuids(Arc::clone(&self.ids)));
        if self.version == Version::V1_6 {
            let start = [TxPoint::PowerPathClosed].into();
            let mut stop = std::collections::BTreeSet::from([TxPoint::Authorized]);
            if self.settings.stop_on_ev_disconnect {
                stop.insert(TxPoint::EVConnected);
            }
            return TransactionMachine::new(start, stop, ids);
        }
        let points = |name: &str| {
            let text = self.model.get("TxCtrlr", name, Attribute::Actual).unwrap_or_default();
            TxPoint::parse_list(&text)
        };
        TransactionMachine::new(points("TxStartPoint"), points("TxStopPoint"), ids)
    }

    pub(crate) fn evse(&mut self, id: i32) -> Option<&mut Evse> {
        self.evses.iter_mut().find(|evse| evse.id == id)
    }

    /// The EVSE with this transaction.
    pub(crate) fn evse_of(&mut self, transaction: &str) -> Option<&mut Evse> {
        self.evses
            .iter_mut()
            .find(|evse| evse.kept.transaction.as_ref().is_some_and(|running| running.id == transaction))
    }

    /// The EVSE whose transaction has this number at the CSMS (1.6).
    pub(crate) fn evse_of_number(&mut self, number: i32) -> Option<&mut Evse> {
        let Snapshot { numbers, .. } = &self.snapshot;
        self.evses.iter_mut().find(|evse| {
            let running = evse.kept.transaction.as_ref();
            running.is_some_and(|running| numbers.get(&running.number) == Some(&number))
        })
    }

    /// Machines of EVSEs that nobody uses follow the settings.
    pub(crate) fn renew_machines(&mut self) {
        for index in 0..self.evses.len() {
            let evse = &self.evses[index];
            if evse.kept.transaction.is_none() && !evse.kept.plugged && evse.kept.authorization.is_none() {
                self.evses[index].machine = self.machine();
            }
        }
    }

    /// What is to be remembered.
    pub(crate) fn snapshot(&mut self) -> &Snapshot {
        self.snapshot.profiles = Some(self.profiles.saved());
        self.snapshot.monitors = self.monitors.saved();
        self.snapshot.networks = self.networks.saved();
        self.snapshot.messages = self.messages.all().to_vec();
        self.snapshot.der = self.der.controls().cloned().collect();
        self.snapshot.evses = self.evses.iter().map(|evse| (evse.id, evse.kept.clone())).collect();
        &self.snapshot
    }

    /// Remembers a variable that was set.
    pub(crate) fn remember(&mut self, variable: Variable) {
        let is_same = |known: &Variable| {
            Variable { value: String::new(), ..known.clone() }
                == Variable { value: String::new(), ..variable.clone() }
        };
        self.snapshot.variables.retain(|known| !is_same(known));
        self.snapshot.variables.push(variable);
    }

    /// Updates the local list (1.6 §5.15, 2.x D01).
    pub(crate) fn update_list(
        &mut self,
        update: UpdateType,
        version: i32,
        entries: Vec<(String, Option<Listed>)>,
    ) -> UpdateStatus {
        let infos = entries.iter().map(|(token, listed)| (token.clone(), listed.as_ref().map(Listed::info)));
        let status = self.authorizer.list.update(update, version, infos.collect());
        if status == UpdateStatus::Accepted {
            if update == UpdateType::Full {
                self.snapshot.list.clear();
            }
            for (token, listed) in entries {
                match listed {
                    Some(listed) => self.snapshot.list.insert(token, listed),
                    None => self.snapshot.list.remove(&token),
                };
            }
            self.snapshot.list_version = version;
        }
        status
    }
}

impl Variable {
    pub(crate) fn keys(&self) -> (ComponentKey, VariableKey, Attribute) {
        let mut component = ComponentKey::new(self.component.as_str());
        if let Some(instance) = &self.component_instance {
            component = component.instance(instance.as_str());
        }
        if let Some(evse) = self.evse {
            component = component.evse(evse, self.connector);
        }
        let mut variable = VariableKey::new(self.name.as_str());
        if let Some(instance) = &self.instance {
            variable = variable.instance(instance.as_str());
        }
        (component, variable, Attribute::from_wire(&self.attribute).unwrap_or(Attribute::Actual))
    }
}

impl Listed {
    pub(crate) fn info(&self) -> IdTokenInfo {
        let mut info = IdTokenInfo::new(status_named(&self.status));
        info.expires = self.expires.map(DateTime::from_timestamp);
        info.group_id.clone_from(&self.group);
        info
    }
}

/// A verdict by its name on the wire; whatever is new there is no permission.
pub(crate) fn status_named(status: &str) -> AuthorizationStatus {
    match status {
        "Accepted" => AuthorizationStatus::Accepted,
        "Blocked" => AuthorizationStatus::Blocked,
        "ConcurrentTx" => AuthorizationStatus::ConcurrentTx,
        "Expired" => AuthorizationStatus::Expired,
        "Unknown" => AuthorizationStatus::Unknown,
        _ => AuthorizationStatus::Invalid,
    }
}
