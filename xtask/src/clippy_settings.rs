//! Crates with a `clippy.toml` of their own repeat the workspace's, since clippy reads the nearest one only.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};
use toml::{Table, Value};

use crate::cargo::Cargo;

pub(crate) fn check(cargo: &Cargo) -> Result<()> {
    let root = read(&cargo.root().join("clippy.toml"))?;
    let mut wrong = Vec::new();
    for entry in fs::read_dir(cargo.root().join("crates"))? {
        let path = entry?.path().join("clippy.toml");
        if path.exists() {
            let own = read(&path)?;
            wrong.extend(missing(&root, &own).into_iter().map(|what| format!("{}: {what}", path.display())));
        }
    }
    if wrong.is_empty() {
        return Ok(());
    }
    for line in &wrong {
        eprintln!("{line}");
    }
    bail!("a crate's clippy.toml must hold all that the workspace's holds")
}

fn read(path: &Path) -> Result<Table> {
    let text = fs::read_to_string(path).with_context(|| path.display().to_string())?;
    toml::from_str(&text).with_context(|| path.display().to_string())
}

/// What `root` has and `own` has not; lists may be longer.
fn missing(root: &Table, own: &Table) -> Vec<String> {
    let mut missing = Vec::new();
    for (key, value) in root {
        match (value, own.get(key)) {
            (Value::Array(all), Some(Value::Array(has))) => {
                let lacks = all.iter().filter(|item| !has.contains(item));
                missing.extend(lacks.map(|item| format!("{key} lacks {item}")));
            }
            (value, Some(same)) if value == same => {}
            _ => missing.push(format!("{key} must be {value}")),
        }
    }
    missing
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_may_be_longer_and_nothing_else_may_differ() {
        let root: Table = toml::from_str("a = [1, 2]\nb = true").unwrap();
        assert!(missing(&root, &toml::from_str("a = [2, 3, 1]\nb = true\nc = 1").unwrap()).is_empty());
        assert_eq!(
            missing(&root, &toml::from_str("a = [1]\nb = false").unwrap()),
            ["a lacks 2", "b must be true"]
        );
        assert_eq!(missing(&root, &toml::from_str("b = true").unwrap()).len(), 1);
    }
}
