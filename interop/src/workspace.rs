//! Where things are: the workspace, its build directory, and what lies beside it.

use std::env;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

/// The root of the workspace that this is run from: it may have been built in another checkout that shares the output.
pub fn root() -> PathBuf {
    let package = env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
    let is_root = |folder: &&Path| folder.join("interop/Cargo.toml").is_file();
    Path::new(&package).ancestors().find(is_root).expect("it lies in the workspace").to_owned()
}

/// The folder of the Python peers.
pub(crate) fn python_scripts() -> PathBuf {
    root().join("interop/python")
}

/// The folder that this very program was built into: `target/debug` or its like.
pub(crate) fn build_directory() -> Result<PathBuf> {
    let program = env::current_exe().context("where is this test program?")?;
    let deps = program.parent().context("a test program lies in a folder")?;
    Ok(if deps.ends_with("deps") { deps.parent().unwrap_or(deps) } else { deps }.to_owned())
}

/// The folder for what the harness makes for itself, Python environments above all.
pub(crate) fn interop_directory() -> Result<PathBuf> {
    let build = build_directory()?;
    Ok(build.parent().unwrap_or(&build).join("interop"))
}

/// The shared data beside the workspace (`TIELINE_SHARED` or `../shared`), if it is there.
pub(crate) fn shared() -> Option<PathBuf> {
    let path = env::var_os("TIELINE_SHARED").map_or_else(|| root().join("../shared"), PathBuf::from);
    path.is_dir().then_some(path)
}

/// A folder of the shared data; `None` where it is absent, which is an error under continuous integration.
pub fn shared_folder(name: &str) -> Result<Option<PathBuf>> {
    let folder = shared().map(|shared| shared.join(name)).filter(|folder| folder.is_dir());
    if folder.is_none() && env::var_os("CI").is_some() {
        bail!("no {name} in the shared data (TIELINE_SHARED, or ../shared)");
    }
    Ok(folder)
}
