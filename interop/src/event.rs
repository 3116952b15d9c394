//! What a peer reports.

use std::fmt;

use anyhow::{Context as _, Result};
use serde_json::Value;

/// One line from a peer: the member `event` names it, the others depend on it.
#[derive(Debug, Clone, PartialEq)]
pub struct Event(Value);

impl Event {
    pub(crate) fn new(line: Value) -> Self {
        Self(line)
    }

    /// What happened: `received`, `sent`, `set_charging_profile`, ….
    pub fn name(&self) -> &str {
        self.text("event").unwrap_or_default()
    }

    /// The text at a path of member names such as `fields.Result`, if there is one.
    pub fn text(&self, path: &str) -> Option<&str> {
        self.value(path).and_then(Value::as_str)
    }

    /// As [`text`](Self::text), where the text has to be there.
    pub fn required(&self, path: &str) -> Result<&str> {
        self.text(path).with_context(|| format!("no text {path} in {self}"))
    }

    /// The truth value at a path, `false` where there is none.
    pub fn is(&self, path: &str) -> bool {
        self.value(path).and_then(Value::as_bool).unwrap_or_default()
    }

    /// The value at a path of member names and list positions such as `fields.OfferOption.0.ISP`.
    pub fn value(&self, path: &str) -> Option<&Value> {
        path.split('.').try_fold(&self.0, |value, step| match step.parse::<usize>() {
            Ok(position) => value.get(position),
            Err(_) => value.get(step),
        })
    }
}

/// One line, without the payload and what was read of it, which `fields` says again.
impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut line = self.0.clone();
        if let Some(members) = line.as_object_mut() {
            members.remove("payload");
            members.remove("read");
        }
        write!(f, "{line}")
    }
}
