//! The binary under test.

use std::env;
use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;

use anyhow::{Context as _, Result, ensure};

use crate::workspace;

/// The `tieline` binary: the one that `TIELINE_BIN` names, else built from this workspace into the build directory of
/// the running test, once per test program.
pub fn tieline() -> Result<PathBuf> {
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
