//! `tieline`: runs a node, shows a day of it, and opens what it keeps.
#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "a command line tool answers on standard output")]

mod backtest;
mod demo;
mod journal;
mod logging;
mod ocpp;
mod report;
mod run;
mod uftp;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Trade and deliver electricity flexibility.
#[derive(Debug, Parser)]
#[command(version, about, propagate_version = true)]
struct CommandLine {
    /// What to log, as in `info` or `tieline_uftp=debug,warn`; to standard error.
    #[arg(long, global = true, env = "TIELINE_LOG", value_name = "FILTER")]
    log: Option<String>,
    /// Log one JSON object per line.
    #[arg(long, global = true)]
    log_json: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run a node until it is told to stop (SIGINT, SIGTERM).
    Run(run::Run),
    /// Show one order on its way: two nodes and five chargers on loopback, no configuration needed.
    Demo(demo::Demo),
    /// Try an order on recorded charging sessions, under the node's rule and under others.
    Backtest(backtest::Backtest),
    /// Messages and charging stations of OCPP.
    #[command(subcommand)]
    Ocpp(ocpp::Ocpp),
    /// Keys and sealed messages of Shapeshifter/UFTP.
    #[command(subcommand)]
    Uftp(uftp::Uftp),
    /// The chained journal of what a node received, sent and decided.
    #[command(subcommand)]
    Journal(journal::Journal),
}

fn main() -> ExitCode {
    let line = CommandLine::parse();
    let default_level = if matches!(line.command, Command::Demo(_)) { "error" } else { "info" };
    if let Err(failure) = logging::install(line.log.as_deref().unwrap_or(default_level), line.log_json) {
        return report(&failure, 64);
    }
    let done = match line.command {
        Command::Run(command) => return command.execute(),
        Command::Demo(command) => command.execute(),
        Command::Backtest(command) => command.execute(),
        Command::Ocpp(command) => return command.execute().unwrap_or_else(|failure| report(&failure, 1)),
        Command::Uftp(command) => return command.execute().unwrap_or_else(|failure| report(&failure, 1)),
        Command::Journal(command) => command.execute(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => report(&failure, 1),
    }
}

/// Says on standard error what went wrong, causes included.
fn report(failure: &anyhow::Error, code: u8) -> ExitCode {
    use std::io::Write as _;
    // A standard error that can't be written to leaves nobody to tell.
    let _ = writeln!(std::io::stderr(), "tieline: {failure:#}");
    ExitCode::from(code)
}
