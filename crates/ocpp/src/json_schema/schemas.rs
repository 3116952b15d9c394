use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use jsonschema::Validator;
use ocpp_kit::decode::{DecodeError, DecodeErrorKind};
use serde_json::Value;
use serde_json::value::RawValue;

use super::classify::worst;
use crate::Version;

/// The schemas of one version's messages. What has no schema here is not judged.
pub struct Schemas {
    version: Version,
    /// By the name of the message: `BootNotificationRequest`, `BootNotificationResponse`.
    validators: BTreeMap<String, Validator>,
}

/// Why schemas cannot be used. Each is the fault of whoever gave them.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SchemaError {
    /// A file or folder cannot be read.
    #[error("cannot read {}", path.display())]
    File {
        /// The file or folder.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// A file is not JSON.
    #[error("{} is no JSON", path.display())]
    Json {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: serde_json::Error,
    },
    /// A schema says what it may not.
    #[error("the schema of {message} cannot be used: {cause}")]
    Schema {
        /// The message.
        message: String,
        /// What is wrong.
        cause: String,
    },
    /// A folder has no schema in it.
    #[error("{} holds no schema", .0.display())]
    Empty(PathBuf),
}

impl Schemas {
    /// No schema yet: nothing is judged.
    pub const fn none(version: Version) -> Self {
        Self { version, validators: BTreeMap::new() }
    }

    /// Reads all files of a folder that end in `.json`. They have the names that the Open Charge Alliance gives them:
    /// `BootNotification.json` or `BootNotificationRequest.json`, and `BootNotificationResponse.json`.
    ///
    /// # Errors
    ///
    /// The folder or a file cannot be read, a file is no schema, or there is none.
    pub fn read(version: Version, folder: &Path) -> Result<Self, SchemaError> {
        let at = |path: &Path| {
            let path = path.to_owned();
            move |source| SchemaError::File { path, source }
        };
        let mut schemas = Self::none(version);
        for entry in fs::read_dir(folder).map_err(at(folder))? {
            let path = entry.map_err(at(folder))?.path();
            let Some(message) = name_of(&path) else { continue };
            let text = fs::read(&path).map_err(at(&path))?;
            let schema = serde_json::from_slice(&text)
                .map_err(|source| SchemaError::Json { path: path.clone(), source })?;
            schemas = schemas.with(&message, &schema)?;
        }
        if schemas.validators.is_empty() { Err(SchemaError::Empty(folder.to_owned())) } else { Ok(schemas) }
    }

    /// The same with this schema of a message, in place of one that there may be. A name without `Request` or `Response` is
    /// that of a request. References to other documents are not followed.
    ///
    /// # Errors
    ///
    /// It is no schema, or refers to what is not there.
    pub fn with(mut self, message: &str, schema: &Value) -> Result<Self, SchemaError> {
        let validator = jsonschema::options().should_validate_formats(true).build(schema);
        let validator = validator
            .map_err(|error| SchemaError::Schema { message: message.to_owned(), cause: error.to_string() })?;
        let is_whole = message.ends_with("Request") || message.ends_with("Response");
        let name = if is_whole { message.to_owned() } else { format!("{message}Request") };
        self.validators.insert(name, validator);
        Ok(self)
    }

    /// The version of the messages.
    pub const fn version(&self) -> Version {
        self.version
    }

    /// How many messages have a schema.
    pub fn len(&self) -> usize {
        self.validators.len()
    }

    /// Whether no message has a schema.
    pub fn is_empty(&self) -> bool {
        self.validators.is_empty()
    }

    /// Whether the payload of a request obeys its schema.
    ///
    /// # Errors
    ///
    /// It does not: its worst fault.
    pub fn check_request(&self, action: &str, payload: &RawValue) -> Result<(), DecodeError> {
        self.check(&format!("{action}Request"), payload)
    }

    /// Whether the payload of a response to this action obeys its schema.
    ///
    /// # Errors
    ///
    /// It does not: its worst fault.
    pub fn check_response(&self, action: &str, payload: &RawValue) -> Result<(), DecodeError> {
        self.check(&format!("{action}Response"), payload)
    }

    fn check(&self, message: &str, payload: &RawValue) -> Result<(), DecodeError> {
        let Some(validator) = self.validators.get(message) else { return Ok(()) };
        let format = |reason: String| DecodeError::new(DecodeErrorKind::Format, "", reason);
        // OCPP 1.6 allows `null` for an empty payload (1.6-J §4.2.1).
        let is_null = self.version == Version::V1_6 && payload.get() == "null";
        let text = if is_null { "{}" } else { payload.get() };
        let value: Value = serde_json::from_str(text).map_err(|error| format(error.to_string()))?;
        if !value.is_object() {
            return Err(format("the payload is not a JSON object".to_owned()));
        }
        worst(validator, &value).map_or(Ok(()), Err)
    }
}

impl fmt::Debug for Schemas {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Schemas")
            .field("version", &self.version)
            .field("messages", &self.validators.len())
            .finish_non_exhaustive()
    }
}

/// The message whose schema a file is, by its name.
fn name_of(path: &Path) -> Option<String> {
    let is_json = path.extension().is_some_and(|extension| extension == "json");
    path.file_stem().filter(|_| is_json).and_then(|name| name.to_str()).map(ToOwned::to_owned)
}
