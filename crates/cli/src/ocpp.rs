mod validate;

use std::process::ExitCode;

use clap::Subcommand;
use validate::Validate;

#[derive(Debug, Subcommand)]
pub(crate) enum Ocpp {
    Validate(Validate),
}

impl Ocpp {
    pub(crate) fn execute(&self) -> anyhow::Result<ExitCode> {
        match self {
            Self::Validate(command) => command.execute(),
        }
    }
}
