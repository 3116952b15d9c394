//! Where things are: the workspace, its build directory, and what lies beside it.

use std::env;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

/// The root of the workspace.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("interop/ lies in the workspace")
}

/// The folder of the Python peers.
pub(crate) fn python_scripts() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("python")
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
