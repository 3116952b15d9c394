//! The messages and data types of OCPP 1.6, one request and one response type per action.

pub use ocpp_kit::v1_6::*;
