//! A protocol crate without default features is messages, codec, sessions and rules; and a feature only gates code,
//! so each of them works alone.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};

use crate::cargo::Cargo;

const CRATES: &[&str] = &["tieline-uftp", "tieline-ocpp"];

/// Crates with features, and each set of features that is built apart from all others.
const ALONE: &[(&str, &[&str])] = &[
    ("tieline-uftp", &["", "client", "discovery", "server"]),
    ("tieline-ocpp", &["", "client", "charge-point", "server", "events", "validation", "json-schema"]),
    ("tieline-edge", &["", "client", "dns", "server", "static-rsa", "websocket", "virtual-clock"]),
    ("tieline-store", &[""]),
];

/// What such a build may not contain.
const FORBIDDEN: &[&str] = &[
    "axum",
    "hickory-resolver",
    "hyper",
    "hyper-util",
    "mio",
    "openssl",
    "reqwest",
    "rusqlite",
    "rustls",
    "socket2",
    "tieline-edge",
    "tieline-store",
    "tokio-rustls",
    "yawc",
];

/// What tokio may bring: the timer of the service layer's time-out and the locks of its turns, which need `pin-project-lite` and nothing else.
const TOKIO: &[&str] = &["default", "sync", "time"];

pub(crate) fn check(cargo: &Cargo) -> Result<()> {
    let mut found = Vec::new();
    for name in CRATES {
        let tree = cargo.output(&[
            "tree",
            "--package",
            name,
            "--no-default-features",
            "--edges",
            "normal",
            "--prefix",
            "none",
            "--format",
            "{p}|{f}",
        ])?;
        let contents = read(&tree)?;
        found.extend(strangers(&contents).into_iter().map(|stranger| format!("{name} contains {stranger}")));
    }
    for line in &found {
        eprintln!("{line}");
    }
    if !found.is_empty() {
        bail!("a protocol crate without default features must have no IO");
    }
    for (name, sets) in ALONE {
        for features in *sets {
            let package = ["clippy", "--package", name, "--no-default-features", "--features", features];
            cargo.run(&[&package[..], &["--", "--deny", "warnings"]].concat())?;
        }
    }
    Ok(())
}

/// Names and features of the packages in the output of `cargo tree`.
fn read(tree: &str) -> Result<BTreeMap<&str, Vec<&str>>> {
    tree.lines()
        .map(|line| {
            let (package, features) = line.split_once('|').with_context(|| format!("unexpected: {line}"))?;
            let name = package.split(' ').next().unwrap_or(package);
            // A package that was listed before is marked, and its features are repeated.
            let features = features.trim_end_matches(" (*)");
            Ok((name, features.split(',').filter(|feature| !feature.is_empty()).collect()))
        })
        .collect()
}

fn strangers(contents: &BTreeMap<&str, Vec<&str>>) -> Vec<String> {
    let mut strangers: Vec<String> = FORBIDDEN
        .iter()
        .filter(|name| contents.contains_key(**name))
        .map(|name| (*name).to_owned())
        .collect();
    if let Some(features) = contents.get("tokio") {
        let others = features.iter().filter(|feature| !TOKIO.contains(feature));
        strangers.extend(others.map(|feature| format!("tokio with the feature `{feature}`")));
    }
    strangers
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_forbidden_crates_and_features() {
        let tree =
            "tieline-uftp v0.1.0 (/x)|\ntokio v1.54.1|net,time\nhyper v1.12.0|client (*)\nserde v1.0|derive";
        let found = strangers(&read(tree).unwrap());
        assert_eq!(found, ["hyper", "tokio with the feature `net`"]);
    }

    #[test]
    fn a_timer_is_fine() {
        assert!(
            strangers(&read("a v0.1.0|\ntokio v1.54.1|time\nserde v1.0|default,derive (*)").unwrap())
                .is_empty()
        );
    }
}
