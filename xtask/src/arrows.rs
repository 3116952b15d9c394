//! Dependencies between the workspace's crates go one way (docs/adr).

use anyhow::{Result, bail};

use crate::cargo::Cargo;
use crate::metadata::{Metadata, Package};

/// Which crates of the workspace each may depend on. What is not listed may not be.
const ARROWS: &[(&str, &[&str])] = &[
    ("tieline-types", &[]),
    ("tieline-service", &["tieline-types"]),
    ("tieline-edge", &["tieline-service", "tieline-types"]),
    ("tieline-uftp", &["tieline-edge", "tieline-service", "tieline-types"]),
    ("tieline-ocpp", &["tieline-edge", "tieline-service", "tieline-types"]),
    ("tieline-flex", &["tieline-types"]),
    ("tieline-store", &["tieline-types"]),
    ("tieline-node", PROTOCOLS_AND_BELOW),
    ("tieline-sim", &["tieline-uftp", "tieline-ocpp", "tieline-edge", "tieline-service", "tieline-types"]),
    ("tieline", ALL),
    ("tieline-benches", ALL_AND_PEERS),
    ("tieline-interop", ALL),
    ("xtask", &[]),
];

const PROTOCOLS_AND_BELOW: &[&str] = &[
    "tieline-uftp",
    "tieline-ocpp",
    "tieline-edge",
    "tieline-service",
    "tieline-flex",
    "tieline-store",
    "tieline-types",
];

const ALL: &[&str] = &[
    "tieline-node",
    "tieline-sim",
    "tieline-uftp",
    "tieline-ocpp",
    "tieline-edge",
    "tieline-service",
    "tieline-flex",
    "tieline-store",
    "tieline-types",
];

/// The load runs measure the reference implementations, too.
const ALL_AND_PEERS: &[&str] = &[
    "tieline-node",
    "tieline-sim",
    "tieline-uftp",
    "tieline-ocpp",
    "tieline-edge",
    "tieline-service",
    "tieline-flex",
    "tieline-store",
    "tieline-types",
    "tieline-interop",
];

/// Foreign crates that only some of ours may name, with the reason.
const ROOMS: &[(&str, &[&str], &str)] = &[
    ("rusqlite", &["tieline-store"], "only the store names a database"),
    (
        "toml",
        &["tieline-node", "tieline", "tieline-interop", "tieline-benches", "xtask"],
        "only the node reads configuration",
    ),
    ("anyhow", &["tieline", "tieline-interop", "tieline-benches", "xtask"], "a library's errors are typed"),
    ("clap", &["tieline", "tieline-interop", "tieline-benches"], "only binaries have a command line"),
    (
        "tracing-subscriber",
        &["tieline", "tieline-interop", "tieline-benches"],
        "only binaries install loggers",
    ),
    ("tokio-rustls", &["tieline-edge"], "TLS is the edge's"),
    ("rustls-platform-verifier", &["tieline-edge"], "TLS is the edge's"),
    ("yawc", &["tieline-edge"], "WebSocket is the edge's"),
    ("hickory-resolver", &["tieline-edge"], "DNS is the edge's"),
];

/// Crates without IO.
const PURE: &[&str] = &["tieline-types", "tieline-flex"];
const IO: &[&str] =
    &["tokio", "hyper", "hyper-util", "axum", "reqwest", "rustls", "tracing-subscriber", "socket2", "mio"];

pub(crate) fn check(_: &Cargo, metadata: &Metadata) -> Result<()> {
    let violations: Vec<String> = metadata.members().flat_map(violations).collect();
    if violations.is_empty() {
        return Ok(());
    }
    for violation in &violations {
        eprintln!("{violation}");
    }
    bail!("{} dependencies go against the arrows", violations.len())
}

fn violations(package: &Package) -> Vec<String> {
    let name = package.name.as_str();
    let Some((_, allowed)) = ARROWS.iter().find(|(crate_name, _)| *crate_name == name) else {
        return vec![format!("{name} is not in the table of xtask/src/arrows.rs")];
    };
    let normal = package.dependencies.iter().filter(|dependency| dependency.is_normal());
    normal.filter_map(|dependency| violation(name, allowed, &dependency.name)).collect()
}

fn violation(name: &str, allowed: &[&str], dependency: &str) -> Option<String> {
    let is_ours = ARROWS.iter().any(|(crate_name, _)| *crate_name == dependency);
    if is_ours && !allowed.contains(&dependency) {
        return Some(format!("{name} → {dependency}: no arrow leads there"));
    }
    if PURE.contains(&name) && IO.contains(&dependency) {
        return Some(format!("{name} → {dependency}: {name} has no IO"));
    }
    let (_, rooms, reason) = ROOMS.iter().find(|(foreign, ..)| *foreign == dependency)?;
    (!rooms.contains(&name)).then(|| format!("{name} → {dependency}: {reason}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_one(name: &str, dependency: &str) -> Option<String> {
        let (_, allowed) = ARROWS.iter().find(|(crate_name, _)| *crate_name == name).unwrap();
        violation(name, allowed, dependency)
    }

    #[test]
    fn protocols_know_neither_each_other_nor_store_nor_node() {
        for (name, dependency) in [
            ("tieline-uftp", "tieline-ocpp"),
            ("tieline-ocpp", "tieline-store"),
            ("tieline-flex", "tieline-uftp"),
            ("tieline-store", "tieline-node"),
            ("tieline-types", "tieline-service"),
            ("tieline-node", "tieline"),
            ("tieline-node", "tieline-benches"),
            ("tieline-node", "tieline-sim"),
            ("tieline-sim", "tieline-node"),
            ("tieline-types", "tokio"),
            ("tieline-node", "rusqlite"),
            ("tieline-uftp", "anyhow"),
        ] {
            assert!(check_one(name, dependency).is_some(), "{name} → {dependency}");
        }
    }

    #[test]
    fn arrows_that_exist_are_free() {
        for (name, dependency) in [
            ("tieline-node", "tieline-uftp"),
            ("tieline-uftp", "tieline-edge"),
            ("tieline-store", "rusqlite"),
            ("tieline-uftp", "serde"),
            ("tieline", "anyhow"),
        ] {
            assert_eq!(check_one(name, dependency), None);
        }
    }

    #[test]
    fn the_arrows_make_no_circle() {
        // Each crate may only point to crates that may not, by any way, point back.
        for (name, allowed) in ARROWS {
            let mut reached = allowed.to_vec();
            let mut next = 0;
            while let Some(crate_name) = reached.get(next).copied() {
                assert_ne!(crate_name, *name);
                let (_, further) = ARROWS.iter().find(|(other, _)| *other == crate_name).unwrap();
                reached.extend(further.iter().filter(|other| !reached.contains(other)).collect::<Vec<_>>());
                next += 1;
            }
        }
    }
}
