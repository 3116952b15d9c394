//! What `cargo metadata` says, as far as the checks ask.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result};
use serde::Deserialize;

use crate::cargo::Cargo;

/// The workspace and its resolved dependencies, for all features and all platforms.
#[derive(Deserialize)]
pub(crate) struct Metadata {
    packages: Vec<Package>,
    workspace_members: BTreeSet<String>,
    resolve: Resolve,
    /// Name and version of what is really built: the resolved graph also holds what only a weak feature mentions.
    #[serde(skip)]
    built: BTreeSet<(String, String)>,
}

#[derive(Deserialize)]
pub(crate) struct Package {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) license: Option<String>,
    pub(crate) source: Option<String>,
    pub(crate) dependencies: Vec<Dependency>,
}

#[derive(Deserialize)]
pub(crate) struct Dependency {
    pub(crate) name: String,
    kind: Option<String>,
}

#[derive(Deserialize)]
struct Resolve {
    nodes: Vec<Node>,
}

#[derive(Deserialize)]
struct Node {
    id: String,
    deps: Vec<NodeDependency>,
}

#[derive(Deserialize)]
struct NodeDependency {
    pkg: String,
}

impl Metadata {
    pub(crate) fn read(cargo: &Cargo) -> Result<Self> {
        let json = cargo.output(&["metadata", "--format-version", "1", "--all-features"])?;
        let mut metadata: Self =
            serde_json::from_str(&json).context("cargo metadata printed something else")?;
        let everywhere = ["--workspace", "--all-features", "--target", "all", "--edges", "normal,build,dev"];
        let tree =
            cargo.output(&[&["tree", "--prefix", "none", "--format", "{p}"], &everywhere[..]].concat())?;
        metadata.built = tree.lines().filter_map(name_and_version).collect();
        Ok(metadata)
    }

    /// The crates of the workspace, by name.
    pub(crate) fn members(&self) -> impl Iterator<Item = &Package> {
        self.packages.iter().filter(|package| self.workspace_members.contains(&package.id))
    }

    /// The crates from elsewhere that end up in some build.
    pub(crate) fn foreign(&self) -> impl Iterator<Item = &Package> {
        self.packages
            .iter()
            .filter(|package| self.is_built(package) && !self.workspace_members.contains(&package.id))
    }

    /// Who depends on a package: the names of its direct dependants.
    pub(crate) fn dependants(&self, id: &str) -> BTreeSet<&str> {
        let names: BTreeMap<&str, &str> = self
            .packages
            .iter()
            .filter(|package| self.is_built(package))
            .map(|package| (package.id.as_str(), package.name.as_str()))
            .collect();
        self.resolve
            .nodes
            .iter()
            .filter(|node| node.deps.iter().any(|dep| dep.pkg == id))
            .filter_map(|node| names.get(node.id.as_str()).copied())
            .collect()
    }

    fn is_built(&self, package: &Package) -> bool {
        self.built.contains(&(package.name.clone(), package.version.clone()))
    }
}

/// Reads a line of `cargo tree`: `serde v1.0.228`, with more behind it for some.
fn name_and_version(line: &str) -> Option<(String, String)> {
    let (name, rest) = line.split_once(" v")?;
    let version = rest.split(' ').next()?;
    Some((name.to_owned(), version.to_owned()))
}

impl Dependency {
    /// Whether it ends up in the crate itself: neither a dev- nor a build-dependency.
    pub(crate) fn is_normal(&self) -> bool {
        self.kind.is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_tree() {
        let pair = Some(("serde".to_owned(), "1.0.228".to_owned()));
        assert_eq!(name_and_version("serde v1.0.228"), pair);
        assert_eq!(name_and_version("serde v1.0.228 (*)"), pair);
        assert_eq!(name_and_version("serde v1.0.228 (proc-macro) (/x)"), pair);
        assert_eq!(name_and_version(""), None);
    }
}
