//! The binary under test.

use std::env;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};

use crate::{PATIENCE, workspace};

/// The `tieline` binary: the one that `TIELINE_BIN` names, else built from this workspace into the build directory of
/// the running test, once per test program.
pub(crate) fn tieline() -> Result<PathBuf> {
    static BUILT: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    BUILT.get_or_init(|| build().map_err(|error| format!("{error:#}"))).clone().map_err(anyhow::Error::msg)
}

fn build() -> Result<PathBuf> {
    if let Some(binary) = env::var_os("TIELINE_BIN") {
        return Ok(binary.into());
    }
    let directory = workspace::build_directory()?;
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(["build", "--quiet", "--package", "tieline"]).current_dir(workspace::root());
    if directory.ends_with("release") {
        cargo.arg("--release");
    }
    cargo
        .arg("--target-dir")
        .arg(directory.parent().context("a profile's folder lies in the target directory")?);
    let status = cargo.status().context("cannot run cargo to build the tieline binary")?;
    ensure!(status.success(), "building the tieline binary failed: {status}");
    Ok(directory.join("tieline"))
}

/// Runs one command of `tieline` in `directory` and gives what it prints. A failure has what it complained of.
pub fn run(arguments: &[&str], directory: &Path) -> Result<String> {
    // Files rather than pipes: what is printed may be longer than a pipe holds.
    let (printed, complaint) = (directory.join("tieline.stdout"), directory.join("tieline.stderr"));
    let mut process = Command::new(tieline()?)
        .args(arguments)
        .current_dir(directory)
        .stdin(Stdio::null())
        .stdout(File::create(&printed)?)
        .stderr(File::create(&complaint)?)
        .spawn()
        .with_context(|| format!("cannot run tieline {arguments:?}"))?;
    let deadline = Instant::now() + PATIENCE;
    let status = loop {
        match process.try_wait()? {
            Some(status) => break status,
            None if Instant::now() < deadline => thread::sleep(Duration::from_millis(5)),
            None => {
                process.kill().and_then(|()| process.wait()).context("cannot end tieline")?;
                bail!("tieline {arguments:?} still runs after {PATIENCE:?}");
            }
        }
    };
    let (printed, complaint) = (fs::read_to_string(printed)?, fs::read_to_string(complaint)?);
    ensure!(status.success(), "tieline {arguments:?}: {status}\n{printed}{complaint}");
    Ok(printed)
}
