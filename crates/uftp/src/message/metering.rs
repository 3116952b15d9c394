//! The messages about measured values (`UFTP-metering.xsd`).

#[expect(clippy::module_inception, reason = "the schema and its message have one name")]
mod metering;
mod metering_response;

pub use metering::{Metering, MeteringIsp, MeteringProfile, ProfileType, Unit};
pub use metering_response::MeteringResponse;
