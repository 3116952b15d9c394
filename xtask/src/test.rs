//! All tests.

use anyhow::{Context, Result};
use serde::Deserialize;

use crate::cargo::Cargo;

#[derive(Deserialize)]
struct Target {
    target_directory: String,
}

/// The same features everywhere, so that the tree is built once.
pub(crate) fn run(cargo: &Cargo) -> Result<()> {
    let everything = ["--workspace", "--all-features"];
    let without_interop = ["--exclude", "tieline-interop"];
    if cargo.has("nextest") {
        cargo.run(&[&["nextest", "run"], &everything[..], &without_interop[..]].concat())?;
    } else {
        let targets = ["--lib", "--bins", "--tests", "--examples"];
        cargo.run(&[&["test"], &everything[..], &without_interop[..], &targets[..]].concat())?;
    }
    cargo.run(&[&["test", "--doc"], &everything[..]].concat())?;

    // The reference implementations run against the binary that the tests above were built with.
    cargo.run(&[&["build"], &everything[..], &["--bin", "tieline"]].concat())?;
    let metadata = cargo.output(&["metadata", "--format-version", "1", "--no-deps"])?;
    let target: Target = serde_json::from_str(&metadata).context("cargo metadata printed something else")?;
    let binary = format!("{}/debug/tieline{}", target.target_directory, std::env::consts::EXE_SUFFIX);
    cargo.run_with(&["test", "--package", "tieline-interop"], &[("TIELINE_BIN", &binary)])
}
