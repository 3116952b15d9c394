//! Dependencies from elsewhere: licences, banned crates, duplicate versions and sources.
//!
//! The rules are in deny.toml, in the form of cargo-deny, of which this reads the part that needs no network.

mod config;
mod licence;

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Result, bail};

use crate::cargo::Cargo;
use crate::metadata::{Metadata, Package};
use config::{Config, Licences};
use licence::Expression;

pub(crate) fn check(cargo: &Cargo, metadata: &Metadata) -> Result<()> {
    let config = Config::read(&cargo.root().join("deny.toml"))?;
    let packages: Vec<&Package> = metadata.foreign().collect();
    let mut found = Vec::new();
    for package in &packages {
        found.extend(licence_violation(package, &config.licenses));
        found.extend(source_violation(package, &config.sources.allow_registry));
        found.extend(ban_violation(package, &config, &metadata.dependants(&package.id)));
    }
    found.extend(duplicates(&packages, &config));
    for note in unused(&packages, &config) {
        eprintln!("note: {note}");
    }
    if found.is_empty() {
        eprintln!("{} dependencies are within deny.toml", packages.len());
        return Ok(());
    }
    for line in &found {
        eprintln!("{line}");
    }
    bail!("{} dependencies are against deny.toml", found.len())
}

fn licence_violation(package: &Package, rules: &Licences) -> Option<String> {
    let Package { name, version, license, .. } = package;
    let Some(text) = license else { return Some(format!("{name} {version}: no licence")) };
    let exceptions = rules.exceptions.iter().filter(|exception| exception.name == *name);
    let allowed: BTreeSet<&str> = rules
        .allow
        .iter()
        .chain(exceptions.flat_map(|exception| &exception.allow))
        .map(String::as_str)
        .collect();
    match Expression::parse(text) {
        Ok(expression) if expression.is_met_by(&allowed) => None,
        Ok(_) => Some(format!("{name} {version}: licence {text} is not allowed")),
        Err(error) => Some(format!("{name} {version}: licence {text:?} cannot be read: {error}")),
    }
}

fn source_violation(package: &Package, allowed: &[String]) -> Option<String> {
    let Package { name, version, source, .. } = package;
    let source = source.as_deref().unwrap_or("a path outside the workspace");
    let is_allowed = allowed.iter().any(|registry| source.strip_prefix("registry+") == Some(registry));
    (!is_allowed).then(|| format!("{name} {version}: comes from {source}"))
}

fn ban_violation(package: &Package, config: &Config, dependants: &BTreeSet<&str>) -> Option<String> {
    let ban = config.bans.deny.iter().find(|ban| ban.name == package.name)?;
    let mut others =
        dependants.iter().filter(|name| !ban.wrappers.iter().any(|wrapper| wrapper == *name)).peekable();
    others.peek()?;
    let others: Vec<&str> = others.copied().collect();
    Some(format!(
        "{} {} is banned, and {} depends on it: {}",
        package.name,
        package.version,
        others.join(", "),
        ban.reason
    ))
}

/// Every version of a crate but one must be in the skip list.
fn duplicates(packages: &[&Package], config: &Config) -> Vec<String> {
    let mut versions: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for package in packages {
        versions.entry(&package.name).or_default().push(&package.version);
    }
    let is_skipped =
        |name: &str, version: &str| config.bans.skip.iter().any(|skip| skip.matches(name, version));
    versions
        .into_iter()
        .map(|(name, all)| {
            (name, all.into_iter().filter(|version| !is_skipped(name, version)).collect::<Vec<_>>())
        })
        .filter(|(_, left)| left.len() > 1)
        .map(|(name, left)| format!("{name} is there in versions {}", left.join(" and ")))
        .collect()
}

fn unused(packages: &[&Package], config: &Config) -> Vec<String> {
    let is_there = |test: &dyn Fn(&Package) -> bool| packages.iter().any(|package| test(package));
    let skips = config.bans.skip.iter();
    let exceptions = config.licenses.exceptions.iter();
    let skips = skips.filter(|skip| !is_there(&|package| skip.matches(&package.name, &package.version)));
    let exceptions = exceptions.filter(|exception| !is_there(&|package| package.name == exception.name));
    skips
        .map(|skip| format!("deny.toml skips {}, which is not there", skip.name))
        .chain(
            exceptions.map(|exception| format!("deny.toml excepts {}, which is not there", exception.name)),
        )
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(name: &str, version: &str, licence: &str) -> Package {
        serde_json::from_value(serde_json::json!({
            "id": format!("{name}@{version}"), "name": name, "version": version, "license": licence,
            "source": "registry+https://github.com/rust-lang/crates.io-index", "dependencies": [],
        }))
        .unwrap()
    }

    fn config() -> Config {
        Config::parse(
            r#"
            [licenses]
            allow = ["MIT", "Apache-2.0"]
            exceptions = [{ name = "odd", allow = ["MPL-2.0"] }]
            [bans]
            multiple-versions = "deny"
            deny = [{ name = "time", wrappers = ["rcgen"], reason = "jiff" }]
            skip = [{ name = "syn", version = "2", reason = "old derives" }]
            [sources]
            allow-registry = ["https://github.com/rust-lang/crates.io-index"]
            "#,
        )
        .unwrap()
    }

    #[test]
    fn licences_are_those_allowed_and_exceptions_are_for_one_crate() {
        let rules = config().licenses;
        assert_eq!(licence_violation(&package("a", "1.0.0", "MIT OR GPL-3.0"), &rules), None);
        assert_eq!(licence_violation(&package("odd", "1.0.0", "MPL-2.0"), &rules), None);
        assert!(licence_violation(&package("b", "1.0.0", "MPL-2.0"), &rules).is_some());
        assert!(licence_violation(&package("b", "1.0.0", "see file"), &rules).is_some());
        assert!(licence_violation(&Package { license: None, ..package("b", "1.0.0", "") }, &rules).is_some());
    }

    #[test]
    fn a_ban_spares_its_wrappers() {
        let time = package("time", "0.3.0", "MIT");
        assert_eq!(ban_violation(&time, &config(), &BTreeSet::from(["rcgen"])), None);
        let line = ban_violation(&time, &config(), &BTreeSet::from(["rcgen", "tieline-node"])).unwrap();
        assert_eq!(line, "time 0.3.0 is banned, and tieline-node depends on it: jiff");
        assert_eq!(ban_violation(&package("serde", "1.0.0", "MIT"), &config(), &BTreeSet::from(["x"])), None);
    }

    #[test]
    fn two_versions_are_too_many_unless_one_is_skipped() {
        let all =
            [package("syn", "2.0.1", "MIT"), package("syn", "3.0.0", "MIT"), package("rand", "0.8.5", "MIT")];
        assert!(duplicates(&all.iter().collect::<Vec<_>>(), &config()).is_empty());
        let all = [package("rand", "0.8.5", "MIT"), package("rand", "0.9.1", "MIT")];
        assert_eq!(
            duplicates(&all.iter().collect::<Vec<_>>(), &config()),
            ["rand is there in versions 0.8.5 and 0.9.1"]
        );
    }

    #[test]
    fn only_the_allowed_registry_will_do() {
        let allowed = config().sources.allow_registry;
        assert_eq!(source_violation(&package("a", "1.0.0", "MIT"), &allowed), None);
        for source in [Some("git+https://example.com/a".to_owned()), None] {
            assert!(
                source_violation(&Package { source, ..package("a", "1.0.0", "MIT") }, &allowed).is_some()
            );
        }
    }
}
