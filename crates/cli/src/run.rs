use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Args;
use tieline_node::{Config, Environment, Node};
use tokio::signal::unix::{SignalKind, signal};
use tracing::info;

/// The exit code for a configuration that can't be run (EX_USAGE).
const BAD_CONFIGURATION: u8 = 64;

#[derive(Debug, Args)]
pub(crate) struct Run {
    /// The configuration file.
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// Read and check the configuration, start nothing.
    #[arg(long)]
    check_config: bool,
}

impl Run {
    pub(crate) fn execute(&self) -> ExitCode {
        let config = match Config::read(&self.config) {
            Ok(config) => config,
            Err(cause) => {
                let cause = anyhow::Error::from(cause).context(self.config.display().to_string());
                return crate::report(&cause, BAD_CONFIGURATION);
            }
        };
        if self.check_config {
            println!("{}: a node can be started from it", self.config.display());
            return ExitCode::SUCCESS;
        }
        match runtime().and_then(|runtime| runtime.block_on(serve(config))) {
            Ok(()) => ExitCode::SUCCESS,
            Err(failure) => crate::report(&failure, 1),
        }
    }
}

pub(crate) fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().context("can't start the runtime")
}

async fn serve(config: Config) -> anyhow::Result<()> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let (environment, starting) = Environment::connect(&config).await?;
    let node = Node::start(config, environment).await?;
    drop(starting);
    let failure = tokio::select! {
        _ = interrupt.recv() => { info!("interrupted: stopping"); None }
        _ = terminate.recv() => { info!("terminated: stopping"); None }
        failure = node.failed() => Some(failure),
    };
    node.stop().await;
    info!("stopped");
    failure.map_or(Ok(()), |failure| Err(failure.into()))
}
