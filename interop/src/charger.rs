//! An EV charger on mobilityhouse's `ocpp`.

use std::path::Path;

use anyhow::Result;
use serde_json::json;

use crate::python::{self, Requirements};
use crate::{ChargingProfile, Event, Peer};

/// The protocol that a charger speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OcppVersion {
    /// OCPP 1.6J.
    V16,
    /// OCPP 2.0.1.
    V201,
}

/// How a charger is started.
#[derive(Debug, Clone, Copy)]
pub struct ChargerSettings<'a> {
    /// Its OCPP version.
    pub version: OcppVersion,
    /// Its identity, the last segment of the URL that it connects to.
    pub identity: &'a str,
    /// The CSMS's port.
    pub port: u16,
    /// Its Basic authentication password, if it has one.
    pub password: Option<&'a str>,
    /// Whether it sends BootNotification after every reconnection, as many stations do, or only the first time, as the
    /// specifications say.
    pub boots_again: bool,
}

/// A charger with one EVSE on three phases of 230 V and 32 A.
#[derive(Debug)]
pub struct Charger {
    peer: Peer,
}

impl Charger {
    /// The greatest power that it draws, in watts.
    pub const MAXIMUM_WATTS: i64 = 3 * 230 * 32;
    /// The least power at which a car charges (6 A), in watts.
    pub const MINIMUM_WATTS: i64 = 3 * 230 * 6;

    /// Starts a charger; it connects by itself.
    pub fn start(settings: ChargerSettings<'_>, directory: &Path) -> Result<Self> {
        let script = match settings.version {
            OcppVersion::V16 => "charger16.py",
            OcppVersion::V201 => "charger201.py",
        };
        let mut command = python::script(Requirements::Ocpp, script)?;
        command.args([
            "--url",
            &format!("ws://127.0.0.1:{}/ocpp", settings.port),
            "--identity",
            settings.identity,
        ]);
        if let Some(password) = settings.password {
            command.args(["--password", password]);
        }
        if settings.boots_again {
            command.arg("--boot-on-reconnect");
        }
        Ok(Self { peer: Peer::start(settings.identity, command, directory)? })
    }

    /// Begins to charge and waits until the CSMS knows.
    pub fn start_transaction(&mut self) -> Result<Event> {
        self.begin_transaction()?;
        self.transaction_started()
    }

    /// Begins to charge, whether the CSMS can be told yet or not.
    pub fn begin_transaction(&mut self) -> Result<()> {
        self.peer.command(&json!({ "command": "start_transaction", "id_token": "TIELINE" }))
    }

    /// Waits until the CSMS has answered the start of the transaction.
    pub fn transaction_started(&mut self) -> Result<Event> {
        self.peer.wait("transaction_started", |event| event.name() == "transaction_started")
    }

    /// Stops charging and waits until the CSMS knows.
    pub fn stop_transaction(&mut self) -> Result<()> {
        self.peer.command(&json!({ "command": "stop_transaction" }))?;
        self.peer.wait("transaction_stopped", |event| event.name() == "transaction_stopped").map(drop)
    }

    /// Waits for a charging profile that fits.
    pub fn profile(&mut self, fits: impl Fn(&ChargingProfile) -> bool) -> Result<ChargingProfile> {
        let event = self.peer.wait("charging profile that fits", |event| {
            event.name() == "set_charging_profile"
                && ChargingProfile::read(event).is_ok_and(|profile| fits(&profile))
        })?;
        ChargingProfile::read(&event)
    }

    /// The profiles installed now.
    pub fn installed(&mut self) -> Result<Vec<ChargingProfile>> {
        let mark = self.peer.mark();
        self.peer.command(&json!({ "command": "profiles" }))?;
        let event = self.peer.wait_from(mark, "profiles", |event| event.name() == "profiles")?;
        ChargingProfile::read_all(&event)
    }

    /// The process, for events that have no method here.
    pub fn peer(&mut self) -> &mut Peer {
        &mut self.peer
    }
}
