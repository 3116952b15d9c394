//! Running cargo in the workspace's root.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

/// The cargo that runs this program.
pub(crate) struct Cargo {
    program: OsString,
    root: PathBuf,
}

impl Cargo {
    /// For the workspace that this program is run from: it may have been built in another checkout that shares the output.
    #[expect(clippy::disallowed_methods, reason = "cargo tells what it runs this way")]
    pub(crate) fn at_root() -> Self {
        let program = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let built_from = || env!("CARGO_MANIFEST_DIR").into();
        let package = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(built_from));
        let root = package.parent().expect("xtask/ lies in the workspace");
        Self { program, root: root.to_owned() }
    }

    /// The root of the workspace.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// Runs a command with its output shown.
    pub(crate) fn run(&self, arguments: &[&str]) -> Result<()> {
        self.run_with(arguments, &[])
    }

    /// The same with environment variables.
    pub(crate) fn run_with(&self, arguments: &[&str], variables: &[(&str, &str)]) -> Result<()> {
        eprintln!("$ cargo {}", arguments.join(" "));
        let mut command = self.command(arguments);
        command.envs(variables.iter().copied());
        let status = command.status().context("cannot run cargo")?;
        if status.success() { Ok(()) } else { bail!("cargo {} failed ({status})", arguments[0]) }
    }

    /// Runs a command and returns what it printed.
    pub(crate) fn output(&self, arguments: &[&str]) -> Result<String> {
        let output = self.command(arguments).stderr(Stdio::inherit()).output().context("cannot run cargo")?;
        if !output.status.success() {
            bail!("cargo {} failed ({})", arguments[0], output.status);
        }
        String::from_utf8(output.stdout).context("cargo's output is not UTF-8")
    }

    /// Whether a cargo subcommand is installed.
    pub(crate) fn has(&self, subcommand: &str) -> bool {
        let mut command = self.command(&[subcommand, "--version"]);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command.args(arguments).current_dir(&self.root);
        command
    }
}
