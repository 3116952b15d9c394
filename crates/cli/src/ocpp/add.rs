//! A charger that a node is to accept.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use tieline_edge::SystemClock;
use tieline_node::config::ProfileUnit;
use tieline_node::registry::{self, Registration};
use tieline_types::{Clock as _, EntityAddress};

use super::password::{NewPassword, tell_node};
use crate::journal::open;

/// Add a charger to those that a node accepts, beside those in its file.
///
/// A node that runs accepts it at once. A password that was not given is made and printed, this once: the node keeps its salted hash
/// alone.
#[derive(Debug, Args)]
pub(crate) struct Add {
    /// The charger's identity.
    charger: String,
    /// The node's data directory.
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// The `agr.connection` that feeds it.
    #[arg(long, value_name = "ADDRESS")]
    connection: EntityAddress,
    /// Phases of each EVSE: 1 to 3.
    #[arg(long, value_name = "N")]
    phases: u8,
    /// Volts between phase and neutral.
    #[arg(long, value_name = "VOLTS", default_value_t = 230)]
    voltage: u16,
    /// Amperes per phase, at the most.
    #[arg(long, value_name = "AMPERES")]
    maximum_current: u16,
    /// What its charging profiles are written in; default: what it says that it takes.
    #[arg(long, value_name = "UNIT")]
    unit: Option<Unit>,
    /// A deviation from the standard to forgive, by its name in the configuration; `all` forgives every known one.
    #[arg(long, value_name = "NAME")]
    tolerance: Vec<String>,
    /// How it is protected: 0 by nothing, 1 by a password, 2 by a password and TLS, 3 by TLS with certificates on both sides.
    #[arg(long, value_name = "N", default_value_t = 1)]
    security_profile: u8,
    /// With security profile 3, its serial number: the common name of its certificate.
    #[arg(long, value_name = "NAME")]
    serial_number: Option<String>,
    #[command(flatten)]
    password: NewPassword,
}

/// The unit of charging profiles.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Unit {
    /// Watts.
    #[value(name = "W")]
    Watts,
    /// Amperes per phase.
    #[value(name = "A")]
    Amperes,
}

impl Add {
    pub(super) async fn execute(&self) -> anyhow::Result<()> {
        let store = open(&self.data)?;
        let password = if matches!(self.security_profile, 0 | 3) && !self.password.is_given() {
            None
        } else {
            Some(self.password.get()?)
        };
        let registration = Registration {
            identity: self.charger.clone(),
            connection: self.connection.clone(),
            phases: self.phases,
            voltage: self.voltage,
            maximum_current: self.maximum_current,
            unit: self.unit.map(|unit| match unit {
                Unit::Watts => ProfileUnit::W,
                Unit::Amperes => ProfileUnit::A,
            }),
            tolerances: self.tolerance.clone(),
            security_profile: self.security_profile,
            serial_number: self.serial_number.clone(),
        };
        let hash = password.as_ref().map(super::password::Password::hash);
        registry::add(&*store, registration, hash, SystemClock.now()).await?;
        tell_node(&self.data);
        if let Some(password) = password {
            password.show();
        }
        Ok(())
    }
}
