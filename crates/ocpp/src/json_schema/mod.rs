//! Validation with JSON Schema files, beside the types.
//!
//! Payloads are read into types that hold every constraint of the official schemas, so no schema is needed to run. With the
//! files at hand (they are the Open Charge Alliance's, and not part of this crate) [`Schemas`] says independently what a
//! payload is worth, in the same codes: as a tool in tests, and, as the layer [`JsonSchema`], for those who hold their peers to
//! schemas of their own, such as stricter ones with the members that they want in `customData`.
//!
//! ```
//! use serde_json::json;
//! use tieline_ocpp::json_schema::Schemas;
//! use tieline_ocpp::{RawValue, Version};
//!
//! let vendor = json!({
//!     "$schema": "http://json-schema.org/draft-06/schema#",
//!     "type": "object",
//!     "properties": { "customData": { "type": "object", "required": ["site"] } },
//!     "required": ["customData"]
//! });
//! let schemas = Schemas::none(Version::V2_0_1).with("HeartbeatRequest", &vendor)?;
//! let payload = RawValue::from_string(r#"{"customData": {"vendorId": "com.example"}}"#.to_owned())?;
//! let error = schemas.check_request("Heartbeat", &payload).unwrap_err();
//! assert_eq!(error.path, "/customData/site");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod classify;
#[cfg(any(feature = "client", feature = "server"))]
mod layer;
mod schemas;

#[cfg(any(feature = "client", feature = "server"))]
pub use layer::{JsonSchema, JsonSchemaService};
pub use schemas::{SchemaError, Schemas};
