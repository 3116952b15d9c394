//! The published JSON schemas of OCPP, read by a validator of others.

use std::path::Path;

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use crate::Peer;
use crate::python::{self, Requirements};

/// A process that validates payloads with Python's `jsonschema`.
#[derive(Debug)]
pub struct JsonSchemas(Peer);

impl JsonSchemas {
    /// The schemas in this folder. The log goes to `directory`.
    pub fn load(folder: &Path, directory: &Path) -> Result<Self> {
        let mut command = python::script(Requirements::Ocpp, "validate_json.py")?;
        command.arg(folder);
        Ok(Self(Peer::start("json-schemas", command, directory)?))
    }

    /// What the schema of this name, its file without the ending, finds wrong with each payload: where, as a JSON
    /// pointer, and what.
    pub fn complaints(&mut self, schema: &str, payloads: &[Value]) -> Result<Vec<Vec<(String, String)>>> {
        let mark = self.0.mark();
        self.0.command(&json!({ "schema": schema, "payloads": payloads }))?;
        let answer = self.0.wait_from(mark, "a verdict", |event| event.name() == "checked")?;
        let complaints = answer.value("complaints").cloned().context("no verdict")?;
        serde_json::from_value(complaints).context("complaints are texts")
    }
}
