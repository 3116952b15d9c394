//! The monitors that are set, and how they are set, cleared and kept.

use jiff::Timestamp;
use ocpp_kit::station::device_model::{
    Attribute, ComponentKey, DataType, DeviceModel, GetStatus, Mutability, ReportBase, ReportDatum,
    VariableKey,
};
use serde::{Deserialize, Serialize};

use super::watch::{Event, Memory, Seen, Spoken, interval};
use super::{Monitor, MonitorKind, Origin, Preset};

/// How many monitors there may be.
const LIMIT: usize = 1000;

/// Which of the maker's monitors are active (`MonitoringBaseEnumType`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Base {
    #[default]
    All,
    FactoryDefault,
    HardWiredOnly,
}

impl Base {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::All => "All",
            Self::FactoryDefault => "FactoryDefault",
            Self::HardWiredOnly => "HardWiredOnly",
        }
    }
}

/// A monitor that is set.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Installed {
    pub(crate) id: i32,
    pub(crate) monitor: Monitor,
    pub(crate) origin: Origin,
    /// The maker's monitor in whose place it stands.
    overruled: Option<Monitor>,
    memory: Memory,
}

/// What is kept over a restart.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct SavedMonitors {
    base: Base,
    level: i32,
    last_event: i32,
    installed: Vec<Installed>,
    /// Preconfigured ones that the CSMS has cleared.
    cleared: Vec<Monitor>,
}

/// Why a monitor can't be set: a `SetMonitoringStatusEnumType`, and a reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) status: &'static str,
    pub(crate) reason: Option<&'static str>,
}

impl Refusal {
    const fn new(status: &'static str) -> Self {
        Self { status, reason: None }
    }

    pub(crate) const fn rejected(reason: &'static str) -> Self {
        Self { status: "Rejected", reason: Some(reason) }
    }
}

/// What becomes of a monitor that is to be cleared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cleared {
    Accepted,
    HardWired,
    NotFound,
}

/// The circumstances under which monitors speak.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Now {
    pub(crate) at: Timestamp,
    /// Monitors of a greater number wait until the station is online.
    pub(crate) severity: i32,
}

/// The monitors of a station.
#[derive(Clone, Debug)]
pub(crate) struct Monitors {
    presets: Vec<Preset>,
    base: Base,
    level: i32,
    last_event: i32,
    installed: Vec<Installed>,
    cleared: Vec<Monitor>,
}

impl Monitors {
    /// Those of the maker, and those that were kept as far as their variables are still there (N04).
    pub(crate) fn new(presets: Vec<Preset>, saved: Option<SavedMonitors>, model: &DeviceModel) -> Self {
        let mut monitors = Self {
            presets,
            base: Base::default(),
            level: 9,
            last_event: 0,
            installed: Vec::new(),
            cleared: Vec::new(),
        };
        if let Some(saved) = saved {
            monitors.base = saved.base;
            monitors.level = saved.level;
            monitors.last_event = saved.last_event;
            monitors.cleared = saved.cleared;
            monitors.installed = saved.installed;
            monitors.drop_strangers(model);
        }
        monitors.install_presets(model);
        monitors
    }

    fn drop_strangers(&mut self, model: &DeviceModel) {
        let presets = std::mem::take(&mut self.presets);
        self.installed.retain(|one| {
            let is_known = datum(model, &one.monitor).is_some();
            let preset = match one.origin {
                Origin::Custom => return is_known,
                Origin::HardWired => Preset::HardWired(one.monitor.clone()),
                Origin::Preconfigured => Preset::Preconfigured(one.monitor.clone()),
            };
            is_known && presets.contains(&preset)
        });
        self.presets = presets;
    }

    /// Sets the maker's monitors that are active and not there.
    fn install_presets(&mut self, model: &DeviceModel) {
        for preset in self.presets.clone() {
            let (monitor, origin) = match preset {
                Preset::HardWired(monitor) => (monitor, Origin::HardWired),
                Preset::Preconfigured(monitor) => (monitor, Origin::Preconfigured),
            };
            let is_there = self.installed.iter().any(|one| {
                one.overruled.as_ref() == Some(&monitor)
                    || (one.origin != Origin::Custom && one.monitor == monitor)
            });
            let is_active = origin == Origin::HardWired
                || (self.base != Base::HardWiredOnly && !self.cleared.contains(&monitor));
            if is_there || !is_active {
                continue;
            }
            if datum(model, &monitor).is_none() {
                tracing::warn!(protocol = "ocpp", ?monitor, "a monitor of the maker's has no variable");
                continue;
            }
            let id = self.next_id();
            self.insert(Installed { id, monitor, origin, overruled: None, memory: Memory::default() }, model);
        }
    }

    fn next_id(&self) -> i32 {
        self.installed.iter().map(|one| one.id).max().unwrap_or(0).saturating_add(1)
    }

    fn insert(&mut self, mut installed: Installed, model: &DeviceModel) {
        installed.memory.begin(&seen(model, &installed.monitor));
        self.installed.push(installed);
    }

    /// What is kept, if there is anything to keep.
    pub(crate) fn saved(&self) -> Option<SavedMonitors> {
        let is_new = self.installed.is_empty()
            && self.cleared.is_empty()
            && self.level == 9
            && self.base == Base::All
            && self.last_event == 0;
        (!is_new).then(|| SavedMonitors {
            base: self.base,
            level: self.level,
            last_event: self.last_event,
            installed: self.installed.clone(),
            cleared: self.cleared.clone(),
        })
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.installed.is_empty()
    }

    pub(crate) fn all(&self) -> &[Installed] {
        &self.installed
    }

    pub(crate) fn base(&self) -> Base {
        self.base
    }

    pub(crate) fn level(&self) -> i32 {
        self.level
    }

    /// N05: `false` where there is no such severity.
    pub(crate) fn set_level(&mut self, severity: i32) -> bool {
        let exists = (0..=9).contains(&severity);
        if exists {
            self.level = severity;
        }
        exists
    }

    /// N03: `All` leaves what the CSMS has set, the others clear it.
    pub(crate) fn set_base(&mut self, base: Base, model: &DeviceModel) {
        self.base = base;
        self.cleared.clear();
        match base {
            Base::All => {}
            Base::FactoryDefault => self.installed.retain(|one| one.origin != Origin::Custom),
            Base::HardWiredOnly => self.installed.retain(|one| one.origin == Origin::HardWired),
        }
        self.install_presets(model);
    }

    /// N04: sets a monitor, in place of another where an id is given. Returns its id.
    pub(crate) fn set(
        &mut self,
        id: Option<i32>,
        monitor: Monitor,
        model: &DeviceModel,
    ) -> Result<i32, Refusal> {
        let datum = check(&monitor, model)?;
        let known = id.map(|id| self.installed.iter().position(|one| one.id == id));
        let known = match known {
            None => None,
            Some(None) => return Err(Refusal::rejected("NotFound")),
            Some(Some(index)) => {
                let before = &self.installed[index];
                if before.origin == Origin::HardWired {
                    return Err(Refusal::rejected("ReadOnly"));
                }
                if !before.monitor.is_of_same_variable(&monitor) {
                    return Err(Refusal::rejected("InvalidValue"));
                }
                Some(index)
            }
        };
        check_value(&monitor, &datum)?;
        let is_same = |one: &Installed| {
            one.monitor.is_of_same_variable(&monitor)
                && one.monitor.kind == monitor.kind
                && one.monitor.severity == monitor.severity
        };
        if self.installed.iter().any(|one| Some(one.id) != id && is_same(one)) {
            return Err(Refusal::new("Duplicate"));
        }
        let Some(index) = known else {
            if self.installed.len() >= LIMIT {
                return Err(Refusal::rejected("OutOfStorage"));
            }
            let id = self.next_id();
            let (origin, memory) = (Origin::Custom, Memory::default());
            self.insert(Installed { id, monitor, origin, overruled: None, memory }, model);
            return Ok(id);
        };
        let before = &mut self.installed[index];
        if before.origin == Origin::Preconfigured {
            before.overruled = Some(before.monitor.clone());
            before.origin = Origin::Custom;
        }
        // N07.FR.11: a threshold that was exceeded may be cleared by the new one.
        if before.monitor.kind != monitor.kind {
            before.memory = Memory::default();
        }
        before.monitor = monitor;
        before.memory.begin(&seen(model, &before.monitor));
        Ok(before.id)
    }

    /// N06. Nothing is told of a threshold that was exceeded (N07.FR.12).
    pub(crate) fn clear(&mut self, id: i32) -> Cleared {
        let Some(index) = self.installed.iter().position(|one| one.id == id) else {
            return Cleared::NotFound;
        };
        if self.installed[index].origin == Origin::HardWired {
            return Cleared::HardWired;
        }
        let gone = self.installed.remove(index);
        let preset =
            gone.overruled.or_else(|| (gone.origin == Origin::Preconfigured).then_some(gone.monitor));
        self.cleared.extend(preset);
        Cleared::Accepted
    }

    /// What the monitors say now. `running`: whether a monitor's transaction is running, and its name.
    pub(crate) fn watch(
        &mut self,
        now: Now,
        model: &DeviceModel,
        running: impl Fn(&Monitor) -> (bool, Option<String>),
    ) -> Vec<Event> {
        let (level, mut last_event) = (self.level.min(now.severity), self.last_event);
        let speak = |one: &mut Installed| {
            let (is_running, transaction) = running(&one.monitor);
            if one.monitor.transaction && !is_running {
                one.memory.forget();
                return None;
            }
            let is_due = one.monitor.kind.is_periodic() && one.memory.is_due(&one.monitor, now.at);
            // One that may not speak says later how things are then.
            if one.monitor.severity > level {
                return None;
            }
            let seen = seen(model, &one.monitor);
            let spoken = if is_due { Spoken::Triggered } else { one.memory.weigh(&one.monitor, &seen)? };
            last_event = last_event.checked_add(1).unwrap_or(1);
            Some(Event {
                id: last_event,
                monitoring: one.id,
                monitor: one.monitor.clone(),
                origin: one.origin,
                value: seen.actual,
                cleared: spoken == Spoken::Cleared,
                transaction,
            })
        };
        let events = self.installed.iter_mut().filter_map(speak).collect();
        self.last_event = last_event;
        events
    }

    /// None speaks until it is asked again; periods begin anew then.
    pub(crate) fn rest(&mut self) {
        self.installed.iter_mut().for_each(|one| one.memory.due = None);
    }

    /// When a periodic monitor speaks next.
    pub(crate) fn next_due(&self) -> Option<Timestamp> {
        self.installed.iter().filter_map(|one| one.memory.due).min()
    }
}

/// Whether the variable is there, and can be monitored in this way (N04.FR.03 to FR.05).
fn check(monitor: &Monitor, model: &DeviceModel) -> Result<ReportDatum, Refusal> {
    match model.get(monitor.component.clone(), monitor.variable.clone(), Attribute::Actual) {
        Err(GetStatus::UnknownComponent) => return Err(Refusal::new("UnknownComponent")),
        Err(GetStatus::UnknownVariable) => return Err(Refusal::new("UnknownVariable")),
        _ => {}
    }
    let datum = datum(model, monitor).ok_or(Refusal::new("UnknownVariable"))?;
    let has_target = datum.attributes.iter().any(|(attribute, ..)| *attribute == Attribute::Target);
    let is_readable = datum.mutability != Mutability::WriteOnly;
    let is_supported = match monitor.kind {
        MonitorKind::Periodic | MonitorKind::PeriodicClockAligned => true,
        MonitorKind::Delta => is_readable,
        MonitorKind::UpperThreshold | MonitorKind::LowerThreshold => is_readable && is_numeric(&datum),
        MonitorKind::TargetDelta | MonitorKind::TargetDeltaRelative => is_numeric(&datum) && has_target,
    };
    if is_supported { Ok(datum) } else { Err(Refusal::new("UnsupportedMonitorType")) }
}

/// Whether value and severity make sense (N04.FR.06 and FR.14).
fn check_value(monitor: &Monitor, datum: &ReportDatum) -> Result<(), Refusal> {
    if !(0..=9).contains(&monitor.severity) {
        return Err(Refusal::rejected("ValueOutOfRange"));
    }
    match monitor.kind {
        MonitorKind::UpperThreshold | MonitorKind::LowerThreshold => {
            let is_low = datum.min_limit.is_some_and(|least| monitor.value < least);
            let is_high = datum.max_limit.is_some_and(|most| monitor.value > most);
            if is_low || is_high {
                return Err(Refusal::rejected("ValueOutOfRange"));
            }
        }
        MonitorKind::Delta | MonitorKind::TargetDelta | MonitorKind::TargetDeltaRelative => {
            if monitor.value.signum() < 0 {
                return Err(Refusal::rejected("ValuePositiveOnly"));
            }
        }
        MonitorKind::Periodic | MonitorKind::PeriodicClockAligned => {
            if interval(monitor).is_zero() {
                return Err(Refusal::rejected("ValueTooLow"));
            }
        }
    }
    Ok(())
}

fn is_numeric(datum: &ReportDatum) -> bool {
    matches!(datum.data_type, DataType::Integer | DataType::Decimal)
}

fn datum(model: &DeviceModel, monitor: &Monitor) -> Option<ReportDatum> {
    declared(model, &monitor.component, &monitor.variable)
}

/// How a variable is declared.
pub(super) fn declared(
    model: &DeviceModel,
    component: &ComponentKey,
    variable: &VariableKey,
) -> Option<ReportDatum> {
    let all = model.report(ReportBase::FullInventory, Some(&component.name), Some(&variable.name));
    all.into_iter().find(|datum| datum.component == *component && datum.variable == *variable)
}

fn seen(model: &DeviceModel, monitor: &Monitor) -> Seen {
    let Some(datum) = datum(model, monitor) else { return Seen::default() };
    let value = |wanted: Attribute| {
        let mut attributes = datum.attributes.iter();
        attributes.find(|(attribute, ..)| *attribute == wanted).and_then(|(_, _, value)| value.clone())
    };
    Seen {
        actual: value(Attribute::Actual).unwrap_or_default(),
        target: value(Attribute::Target),
        is_numeric: is_numeric(&datum),
    }
}
