//! Node.js packages for the peers, installed once from a pinned lock file.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};

use crate::{python, workspace};

/// A command that runs a script with what `interop/node/package-lock.json` pins.
pub fn node_command(script: &Path) -> Result<Command> {
    let mut command = Command::new("node");
    command.env("NODE_PATH", packages()?.join("node_modules"));
    command.arg(script);
    Ok(command)
}

/// The folder with the packages. They are installed when they are missing or when the lock file has changed, by one test at a time.
fn packages() -> Result<PathBuf> {
    let pins = workspace::root().join("interop/node");
    let wanted = fs::read_to_string(pins.join("package-lock.json")).context("cannot read the lock file")?;
    let directory = workspace::interop_directory()?.join("node");
    fs::create_dir_all(&directory).with_context(|| format!("cannot create {}", directory.display()))?;
    let lock = File::create(directory.join("install.lock")).context("cannot create a lock file")?;
    lock.lock().context("cannot lock the Node.js packages")?;
    let stamp = directory.join("packages.stamp");
    if fs::read_to_string(&stamp).is_ok_and(|made| made == wanted) {
        return Ok(directory);
    }
    for file in ["package.json", "package-lock.json"] {
        fs::copy(pins.join(file), directory.join(file)).with_context(|| format!("cannot copy {file}"))?;
    }
    let mut npm = Command::new("npm");
    npm.args(["ci", "--silent", "--no-audit", "--no-fund", "--ignore-scripts"]).current_dir(&directory);
    python::run(&mut npm, "Node.js 20 or later with npm (Debian and Ubuntu: apt-get install nodejs npm)")?;
    fs::write(&stamp, wanted).context("cannot mark the Node.js packages as installed")?;
    Ok(directory)
}
