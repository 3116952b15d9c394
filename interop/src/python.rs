//! Python environments for the peers, made once from pinned requirements.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail, ensure};

use crate::workspace;

/// What a peer's script runs on.
#[derive(Debug, Clone, Copy)]
pub enum Requirements {
    /// shapeshifter-uftp and lxml.
    Uftp,
    /// mobilityhouse's ocpp and websockets.
    Ocpp,
}

impl Requirements {
    const fn name(self) -> &'static str {
        match self {
            Self::Uftp => "uftp",
            Self::Ocpp => "ocpp",
        }
    }
}

/// A command that runs `script` of `interop/python` with what it requires.
pub(crate) fn script(requirements: Requirements, script: &str) -> Result<Command> {
    python_command(requirements, &workspace::python_scripts().join(script))
}

/// A command that runs a script in the environment with what it requires, which is made if it is not there.
pub fn python_command(requirements: Requirements, script: &Path) -> Result<Command> {
    let mut command = Command::new(environment(requirements)?.join("bin/python"));
    command.env("PYTHONPYCACHEPREFIX", workspace::interop_directory()?.join("pycache"));
    command.arg(script);
    Ok(command)
}

/// The environment's folder. It is made when it is missing or when its requirements have changed, by one test at a time.
fn environment(requirements: Requirements) -> Result<PathBuf> {
    let name = requirements.name();
    let pins = workspace::root().join(format!("interop/requirements-{name}.txt"));
    let wanted = fs::read_to_string(&pins).with_context(|| format!("cannot read {}", pins.display()))?;
    let directory = workspace::interop_directory()?;
    fs::create_dir_all(&directory).with_context(|| format!("cannot create {}", directory.display()))?;
    let environment = directory.join(name);
    let stamp = environment.join("requirements.stamp");

    let lock = File::create(directory.join(format!("{name}.lock"))).context("cannot create a lock file")?;
    lock.lock().context("cannot lock the Python environment")?;
    if fs::read_to_string(&stamp).is_ok_and(|made| made == wanted) {
        return Ok(environment);
    }
    if environment.exists() {
        fs::remove_dir_all(&environment).context("cannot remove the outdated Python environment")?;
    }
    run(Command::new("python3").args(["-m", "venv"]).arg(&environment), NEEDED)?;
    let mut pip = Command::new(environment.join("bin/pip"));
    run(pip.args(["install", "--quiet", "--disable-pip-version-check", "--requirement"]).arg(&pins), NEEDED)?;
    fs::write(&stamp, wanted).context("cannot mark the Python environment as made")?;
    Ok(environment)
}

/// What there must be for it.
const NEEDED: &str = "Python 3.11 or later with its venv and pip modules (Debian and Ubuntu: apt-get install python3 python3-venv)";

/// Runs a command to its end.
pub(crate) fn run(command: &mut Command, needed: &str) -> Result<()> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = match command.output() {
        Ok(output) => output,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            bail!("{program} is missing: the interoperability tests need {needed}")
        }
        Err(error) => return Err(error).with_context(|| format!("cannot run {program}")),
    };
    ensure!(
        output.status.success(),
        "{command:?}: {}\n{}{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(())
}
