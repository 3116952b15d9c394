//! ARCHITECTURE.md names every crate and every module at its first level.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};

use crate::cargo::Cargo;

const DOCUMENT: &str = "ARCHITECTURE.md";

pub(crate) fn check(cargo: &Cargo) -> Result<()> {
    let text = fs::read_to_string(cargo.root().join(DOCUMENT)).context(DOCUMENT)?;
    let mut missing = Vec::new();
    for folder in folders(&cargo.root().join("crates"))? {
        let sections = sections(&text, &folder);
        if sections.is_empty() {
            missing.push(format!("crates/{folder}"));
            continue;
        }
        let modules = modules(&cargo.root().join("crates").join(&folder).join("src"))?;
        let unnamed = modules.into_iter().filter(|module| !names(&sections, module));
        missing.extend(unnamed.map(|module| format!("crates/{folder}/src/{module}")));
    }
    if missing.is_empty() {
        return Ok(());
    }
    for path in &missing {
        eprintln!("{path}");
    }
    bail!("{DOCUMENT} does not name {} crates and modules", missing.len())
}

fn folders(path: &Path) -> Result<Vec<String>> {
    let mut folders = Vec::new();
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        if entry.path().join("Cargo.toml").exists() {
            folders.push(entry.file_name().to_string_lossy().into_owned());
        }
    }
    folders.sort();
    Ok(folders)
}

/// The names of the modules in a source folder; `lib.rs` and `main.rs` are the crate itself.
fn modules(source: &Path) -> Result<Vec<String>> {
    let mut modules = Vec::new();
    for entry in fs::read_dir(source)? {
        let path = entry?.path();
        let is_module = path.is_dir() || path.extension().is_some_and(|extension| extension == "rs");
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        if is_module && name != "lib" && name != "main" {
            modules.push(name);
        }
    }
    modules.sort();
    modules.dedup();
    Ok(modules)
}

/// The parts of the document about a crate: from each line that names its folder to the next line that names another's.
fn sections(text: &str, folder: &str) -> String {
    let own = format!("crates/{folder}");
    let mut inside = false;
    let mut sections = String::new();
    for line in text.lines() {
        if line.contains("crates/") {
            inside = names(line, &own);
        }
        if inside {
            sections.push_str(line);
            sections.push('\n');
        }
    }
    sections
}

/// Whether a text has this name as a word of its own, so that `isp` is not found in `isp_range` or `crisp`.
fn names(text: &str, name: &str) -> bool {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    text.match_indices(name).any(|(at, _)| {
        let before = text[..at].chars().next_back();
        let after = text[at + name.len()..].chars().next();
        !before.is_some_and(is_part) && !after.is_some_and(is_part)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_module_is_named_in_the_part_about_its_crate() {
        let text =
            "intro clock\n## crates/types: values\n`isp`, `clock`\n## crates/edge\n`tls`, `listener`\n";
        let types = sections(text, "types");
        assert!(names(&types, "clock") && names(&types, "isp"));
        assert!(!names(&types, "tls"));
        assert!(sections(text, "edg").is_empty());
    }

    #[test]
    fn part_of_a_word_is_no_name() {
        assert!(!names("isp_range, crisp", "isp"));
        assert!(names("src/isp.rs", "isp"));
    }
}
