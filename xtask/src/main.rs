//! `cargo xtask`: the checks and tests of the workspace, as CI runs them.

#![forbid(unsafe_code)]
#![expect(clippy::print_stderr, reason = "a command line tool talks through them")]

mod architecture;
mod arrows;
mod bare;
mod cargo;
mod clippy_settings;
mod deny;
mod metadata;
mod test;

use std::process::ExitCode;

use anyhow::{Context, Result, bail};

use cargo::Cargo;
use metadata::Metadata;

const USAGE: &str = "\
usage: cargo xtask <command>

  lint      everything below but the tests; needs no network once the dependencies are fetched
  test      unit, integration, documentation and interop tests
  arrows    dependencies between the workspace's crates go one way
  deny      licences, banned crates, duplicate versions and sources of dependencies (deny.toml)
  bare      the protocol crates without default features have no IO, and each feature builds alone
  map       ARCHITECTURE.md names every crate and module
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let names: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let result = match names.as_slice() {
        ["lint"] => lint(),
        ["test"] => test::run(&Cargo::at_root()),
        ["arrows"] => with_metadata(arrows::check),
        ["deny"] => with_metadata(deny::check),
        ["bare"] => bare::check(&Cargo::at_root()),
        ["map"] => architecture::check(&Cargo::at_root()),
        _ => {
            eprint!("{USAGE}");
            return ExitCode::from(64);
        }
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Runs every check, so that one run shows all there is to mend; the quick ones come first.
fn lint() -> Result<()> {
    let cargo = Cargo::at_root();
    let metadata = Metadata::read(&cargo)?;
    let checks: [(&str, &dyn Fn() -> Result<()>); 8] = [
        ("format", &|| cargo.run(&["fmt", "--all", "--check", "--", "--files-with-diff"])),
        ("arrows", &|| arrows::check(&cargo, &metadata)),
        ("deny", &|| deny::check(&cargo, &metadata)),
        ("map", &|| architecture::check(&cargo)),
        ("clippy settings", &|| clippy_settings::check(&cargo)),
        ("clippy", &|| clippy(&cargo)),
        ("documentation", &|| documentation(&cargo)),
        ("bare", &|| bare::check(&cargo)),
    ];
    let mut failed = Vec::new();
    for (name, check) in checks {
        eprintln!("== {name}");
        if let Err(error) = check() {
            eprintln!("error: {error:#}");
            failed.push(name);
        }
    }
    if failed.is_empty() { Ok(()) } else { bail!("failed: {}", failed.join(", ")) }
}

fn clippy(cargo: &Cargo) -> Result<()> {
    let everything = ["clippy", "--workspace", "--all-targets", "--all-features", "--keep-going"];
    cargo.run(&[&everything[..], &["--", "--deny", "warnings"]].concat())
}

/// Same features as clippy, so that dependencies are checked once.
fn documentation(cargo: &Cargo) -> Result<()> {
    let everything = ["doc", "--workspace", "--no-deps", "--all-features", "--keep-going"];
    cargo.run_with(&everything, &[("RUSTDOCFLAGS", "-D warnings")])
}

fn with_metadata(check: fn(&Cargo, &Metadata) -> Result<()>) -> Result<()> {
    let cargo = Cargo::at_root();
    let metadata = Metadata::read(&cargo).context("cargo metadata")?;
    check(&cargo, &metadata)
}
