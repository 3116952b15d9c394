mod call;
mod charger;
mod list;
mod show;
mod validate;

use std::process::ExitCode;

use call::CallCharger;
use charger::Charger;
use clap::Subcommand;
use list::List;
use show::Show;
use validate::Validate;

#[derive(Debug, Subcommand)]
pub(crate) enum Ocpp {
    List(List),
    Show(Show),
    Call(CallCharger),
    Charger(Charger),
    Validate(Validate),
}

impl Ocpp {
    pub(crate) fn execute(&self) -> anyhow::Result<ExitCode> {
        match self {
            Self::List(command) => crate::run::runtime()?.block_on(command.execute())?,
            Self::Show(command) => crate::run::runtime()?.block_on(command.execute())?,
            Self::Call(command) => return crate::run::runtime()?.block_on(command.execute()),
            Self::Charger(command) => crate::run::runtime()?.block_on(command.execute())?,
            Self::Validate(command) => return command.execute(),
        }
        Ok(ExitCode::SUCCESS)
    }
}
