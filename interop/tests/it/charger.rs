//! Chargers that may not come in.

use anyhow::Result;
use serde_json::Value;
use tempfile::TempDir;
use tieline_interop::{Charger, ChargerSettings, OcppVersion, Unit};

use crate::exchange::Exchange;

/// The HTTP status with which the node refuses a charger.
fn refusal(identity: &str, password: Option<&str>) -> Result<Option<u64>> {
    let exchange = Exchange::start(&[(OcppVersion::V16, Unit::W)], None)?;
    let directory = TempDir::new()?;
    let version = OcppVersion::V201;
    let settings =
        ChargerSettings { version, identity, port: exchange.ocpp_port, password, boots_again: false };
    let mut charger = Charger::start(settings, directory.path())?;
    let answer = charger.peer().wait("answer", |event| matches!(event.name(), "rejected" | "connected"));
    let answer = exchange.explained(answer)?;
    Ok(answer.value("status").and_then(Value::as_u64))
}

#[test]
fn that_nobody_knows() -> Result<()> {
    assert_eq!(refusal("CP-9", Some("interop-password-1"))?, Some(404));
    Ok(())
}

#[test]
fn with_a_wrong_password() -> Result<()> {
    assert_eq!(refusal("CP-1", Some("interop-password-2"))?, Some(401));
    Ok(())
}

#[test]
fn without_a_password() -> Result<()> {
    assert_eq!(refusal("CP-1", None)?, Some(401));
    Ok(())
}
