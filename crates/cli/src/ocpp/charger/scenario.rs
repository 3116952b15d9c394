//! The scenario of a simulated charger.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use tieline_edge::SystemClock;
use tieline_types::{Busy, Clock};

/// What a charger is, does and does wrong.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Scenario {
    pub(super) charger: Station,
    pub(super) misbehaviour: Misbehaviour,
    #[serde(rename = "step")]
    pub(super) steps: Vec<Step>,
}

/// What it is.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Station {
    pub(super) vendor: String,
    pub(super) model: String,
    pub(super) serial_number: Option<String>,
    pub(super) firmware_version: Option<String>,
    pub(super) evses: u8,
    /// The least pause before it connects again.
    pub(super) reconnect: SignedDuration,
    /// How often all steps are played.
    pub(super) rounds: u32,
}

impl Default for Station {
    fn default() -> Self {
        Self {
            vendor: "Tieline".to_owned(),
            model: "Simulated".to_owned(),
            serial_number: None,
            firmware_version: None,
            evses: 1,
            reconnect: SignedDuration::from_secs(2),
            rounds: 1,
        }
    }
}

/// What it does wrong.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Misbehaviour {
    /// By how much its clock is ahead.
    pub(super) clock_ahead: SignedDuration,
    /// What it answers wrongly, by action.
    pub(super) on: BTreeMap<String, Wrong>,
}

/// How an action is answered wrongly.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum Wrong {
    /// It says that it has done so, and does nothing: with this answer.
    Pretends(toml::Value),
    /// It refuses with this error code.
    Refuses(String),
    /// It never answers.
    IsSilent(bool),
    /// It answers so much later.
    Dawdles(SignedDuration),
}

/// One step.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Step {
    /// How long after the step before.
    #[serde(default)]
    pub(super) after: SignedDuration,
    #[serde(flatten)]
    pub(super) act: Act,
}

/// What happens.
#[derive(Clone, Debug, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum Act {
    /// A vehicle is plugged in.
    PlugIn {
        #[serde(default = "one")]
        evse: i32,
    },
    /// It is unplugged.
    Unplug {
        #[serde(default = "one")]
        evse: i32,
    },
    /// A driver presents a card.
    Present {
        #[serde(default = "one")]
        evse: i32,
        token: String,
        #[serde(default = "card")]
        kind: String,
    },
    /// The vehicle draws this power, in W.
    Charge {
        #[serde(default = "one")]
        evse: i32,
        power: u32,
    },
    /// The vehicle draws nothing, by its own wish or the charger's.
    Suspend {
        #[serde(default = "one")]
        evse: i32,
        #[serde(default)]
        by: By,
    },
    /// Something is broken, with an error code of 1.6, or `NoError` again.
    Fault {
        #[serde(default = "one")]
        evse: i32,
        error_code: String,
    },
    /// A variable of an EVSE has this value (2.x): `Temperature`, in °C.
    Observe {
        #[serde(default = "one")]
        evse: i32,
        #[serde(default = "temperature")]
        variable: String,
        value: String,
    },
    /// The connection breaks.
    Disconnect,
    /// Until there is a connection and the CSMS has accepted it.
    AwaitOnline,
    /// Until everything has been delivered.
    AwaitDelivered,
    /// A message is sent as it is written here, whatever is wrong with it.
    Say {
        action: String,
        #[serde(default = "empty")]
        payload: toml::Value,
        #[serde(default = "once")]
        times: u32,
    },
}

/// Who suspends.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum By {
    #[default]
    Vehicle,
    Charger,
}

fn one() -> i32 {
    1
}

fn temperature() -> String {
    "Temperature".to_owned()
}

fn once() -> u32 {
    1
}

fn card() -> String {
    "ISO14443".to_owned()
}

fn empty() -> toml::Value {
    toml::Value::Table(toml::Table::new())
}

impl Scenario {
    pub(super) fn read(file: &Path) -> anyhow::Result<Self> {
        let name = || file.display().to_string();
        let text = std::fs::read_to_string(file).with_context(name)?;
        toml::from_str(&text).with_context(name)
    }

    /// The charger's own clock.
    pub(super) fn clock(&self) -> Arc<dyn Clock> {
        Arc::new(Ahead(self.misbehaviour.clock_ahead))
    }
}

/// A clock that is wrong.
#[derive(Clone, Copy, Debug)]
struct Ahead(SignedDuration);

impl Clock for Ahead {
    fn now(&self) -> Timestamp {
        let now = SystemClock.now();
        now.checked_add(self.0).unwrap_or(now)
    }

    fn wait_until(&self, at: Timestamp) -> tieline_types::WaitUntil<'_> {
        let at = at.checked_sub(self.0).unwrap_or(at);
        Box::pin(async move {
            drop(SystemClock.wait_until(at).await);
            Busy::unheeded()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scenario_says_what_happens_and_what_goes_wrong() {
        let text = r#"
            [charger]
            evses = 2
            [misbehaviour]
            clock_ahead = "3m"
            [misbehaviour.on]
            SetChargingProfile = { pretends = { status = "Accepted" } }
            GetConfiguration = { is_silent = true }
            Reset = { dawdles = "5s" }
            [[step]]
            do = "plug_in"
            [[step]]
            after = "2s"
            do = "charge"
            evse = 2
            power = 11000
            [[step]]
            do = "suspend"
            by = "charger"
            [[step]]
            do = "say"
            action = "MeterValues"
            payload = { connectorId = 1 }
        "#;
        let scenario: Scenario = toml::from_str(text).unwrap();
        assert_eq!(scenario.charger.evses, 2);
        assert_eq!(scenario.misbehaviour.on.len(), 3);
        assert!(matches!(scenario.steps[1].act, Act::Charge { evse: 2, power: 11_000 }));
        assert!(matches!(scenario.steps[2].act, Act::Suspend { evse: 1, by: By::Charger }));
        assert!(toml::from_str::<Scenario>("[charger]\ncolour = 1").is_err());
        assert!(toml::from_str::<Scenario>("[[step]]\ndo = 'explode'").is_err());
        assert!(toml::from_str::<Scenario>("[[step]]\ndo = 'unplug'\npower = 1").is_err());
    }
}
