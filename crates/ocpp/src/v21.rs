//! The messages and data types of OCPP 2.1, one request and one response type per action.

pub use ocpp_kit::v2_1::*;
