use anyhow::Context as _;
use tracing_subscriber::EnvFilter;

/// Installs the one subscriber of the process: to standard error, as text or as JSON lines.
pub(crate) fn install(filter: &str, json: bool) -> anyhow::Result<()> {
    let filter = EnvFilter::try_new(filter).with_context(|| format!("--log {filter}"))?;
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let installed = if json { builder.json().try_init() } else { builder.try_init() };
    installed.map_err(|cause| anyhow::anyhow!("can't install the log: {cause}"))
}
