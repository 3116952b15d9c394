//! The published XML schema of UFTP.

use std::path::Path;

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use crate::python::{self, Requirements};
use crate::{Peer, workspace};

/// A process that validates payloads against the schema of a version of UFTP.
#[derive(Debug)]
pub struct Schema(Peer);

impl Schema {
    /// The schema of UFTP 3.1.0.
    pub fn load(directory: &Path) -> Result<Option<Self>> {
        Self::of("3.1.0", directory)
    }

    /// The schema of a version in the shared data, `3.0.0`, `3.1.0` or the unreleased `main`; `None` where that is absent,
    /// which is an error under continuous integration.
    pub fn of(version: &str, directory: &Path) -> Result<Option<Self>> {
        let folder = format!("schemas/uftp/{version}");
        let Some(schema) = workspace::shared_folder(&folder)?.map(|folder| folder.join("ALL.xsd")) else {
            return Ok(None);
        };
        let mut command = python::script(Requirements::Uftp, "validate_xsd.py")?;
        command.arg(schema);
        Ok(Some(Self(Peer::start(&format!("schema-{version}"), command, directory)?)))
    }

    /// What the schema finds wrong with a payload.
    pub fn complaints(&mut self, payload: &str) -> Result<Vec<String>> {
        let mark = self.0.mark();
        self.0.command(&json!({ "xml": payload }))?;
        let answer = self.0.wait_from(mark, "a verdict", |event| event.name() == "checked")?;
        let complaints = answer.value("complaints").and_then(Value::as_array).context("no verdict")?;
        Ok(complaints.iter().filter_map(|complaint| complaint.as_str().map(str::to_owned)).collect())
    }
}
