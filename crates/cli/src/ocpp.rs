mod add;
mod call;
mod charger;
mod list;
mod password;
mod remove;
mod show;
mod validate;

use std::process::ExitCode;

use add::Add;
use call::CallCharger;
use charger::Charger;
use clap::Subcommand;
use list::List;
use password::ChangePassword;
use remove::Remove;
use show::Show;
use validate::Validate;

#[derive(Debug, Subcommand)]
pub(crate) enum Ocpp {
    Add(Add),
    Remove(Remove),
    Password(ChangePassword),
    List(List),
    Show(Show),
    Call(CallCharger),
    Charger(Charger),
    Validate(Validate),
}

impl Ocpp {
    pub(crate) fn execute(&self) -> anyhow::Result<ExitCode> {
        match self {
            Self::Add(command) => crate::run::runtime()?.block_on(command.execute())?,
            Self::Remove(command) => crate::run::runtime()?.block_on(command.execute())?,
            Self::Password(command) => crate::run::runtime()?.block_on(command.execute())?,
            Self::List(command) => crate::run::runtime()?.block_on(command.execute())?,
            Self::Show(command) => crate::run::runtime()?.block_on(command.execute())?,
            Self::Call(command) => return crate::run::runtime()?.block_on(command.execute()),
            Self::Charger(command) => crate::run::runtime()?.block_on(command.execute())?,
            Self::Validate(command) => return command.execute(),
        }
        Ok(ExitCode::SUCCESS)
    }
}
