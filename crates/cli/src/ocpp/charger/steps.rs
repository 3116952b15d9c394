//! Playing a scenario.

use std::io::Write as _;
use std::time::Duration;

use anyhow::{Context as _, bail};
use tieline_edge::SystemClock;
use tieline_ocpp::charge_point::{ChargePoint, ComponentKey, IdToken, LinkState, Transfer};
use tieline_ocpp::{CallFailure, CallObserver, CallOptions, RawValue};
use tieline_types::Clock as _;

use super::hardware::Simulated;
use super::scenario::{Act, By, Scenario};

/// Which way a message goes.
#[derive(Clone, Copy, Debug)]
pub(super) enum Direction {
    Out,
    In,
}

/// Prints a message or an answer.
pub(super) fn print(direction: Direction, action: &str, payload: &str) {
    let direction = match direction {
        Direction::Out => "out",
        Direction::In => "in",
    };
    // A reader who has gone away does not stop the charger.
    let _ = writeln!(std::io::stdout(), r#"["{}","{direction}","{action}",{payload}]"#, SystemClock.now());
}

/// Prints what the charger says.
pub(super) struct Console;

impl CallObserver for Console {
    fn calling(&self, action: &str, payload: &RawValue) {
        print(Direction::Out, action, payload.get());
    }

    fn called(&self, action: &str, result: Result<&RawValue, &CallFailure>) {
        match result {
            Ok(answer) => print(Direction::In, action, answer.get()),
            Err(failure) => print(Direction::In, action, &format!("{:?}", failure.to_string())),
        }
    }
}

/// Plays all steps, as often as the scenario says.
pub(super) async fn play(
    point: &ChargePoint,
    hardware: &Simulated,
    scenario: &Scenario,
) -> anyhow::Result<()> {
    for _ in 0..scenario.charger.rounds {
        for step in &scenario.steps {
            tokio::time::sleep(step.after.unsigned_abs()).await;
            act(point, hardware, &step.act).await?;
        }
    }
    Ok(())
}

async fn act(point: &ChargePoint, hardware: &Simulated, act: &Act) -> anyhow::Result<()> {
    match act {
        Act::PlugIn { evse } => point.plug_in(*evse),
        Act::Unplug { evse } => {
            hardware.draw(*evse, 0);
            point.unplug(*evse);
        }
        Act::Present { evse, token, kind } => {
            let token = IdToken { id_token: token.clone(), kind: kind.clone() };
            let presented = point.present(*evse, token).await;
            tracing::info!(evse, ?presented, "a card was presented");
        }
        Act::Charge { evse, power } => {
            hardware.draw(*evse, *power);
            point.transfer(*evse, Transfer::Charging);
        }
        Act::Suspend { evse, by } => {
            hardware.draw(*evse, 0);
            let transfer = match by {
                By::Vehicle => Transfer::SuspendedEV,
                By::Charger => Transfer::SuspendedEVSE,
            };
            point.transfer(*evse, transfer);
        }
        Act::Fault { evse, error_code } => {
            point.fault(*evse, Some(error_code.as_str()).filter(|code| *code != "NoError"));
        }
        Act::Observe { evse, variable, value } => {
            let component = ComponentKey::new("EVSE").evse(evse.unsigned_abs(), None);
            let events = point.observe(component, variable.as_str(), value);
            let events = events.with_context(|| format!("{variable} of EVSE {evse} can't be {value}"))?;
            tracing::info!(evse, variable, value, ?events, "a variable has changed");
        }
        Act::Disconnect => {
            if let Some(peer) = point.link().peer() {
                peer.close("the scenario disconnects");
            }
        }
        Act::AwaitOnline => {
            let mut state = point.link().state();
            state.wait_for(|state| *state == LinkState::Online).await?;
        }
        Act::AwaitDelivered => {
            while point.link().owed() > 0 {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
        Act::Say { action, payload, times } => {
            let payload = serde_json::to_string(payload)?;
            for _ in 0..*times {
                say(point, action, &payload).await?;
            }
        }
    }
    Ok(())
}

async fn say(point: &ChargePoint, action: &str, payload: &str) -> anyhow::Result<()> {
    let Some(peer) = point.link().peer() else { bail!("{action} can't be said without a connection") };
    let payload = RawValue::from_string(payload.to_owned())?;
    // Whatever comes of it is printed.
    let _ = peer.call_raw(action.to_owned(), payload, CallOptions::default().triggered()).await;
    Ok(())
}
