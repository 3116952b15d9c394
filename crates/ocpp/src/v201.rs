//! The messages and data types of OCPP 2.0.1, one request and one response type per action.

pub use ocpp_kit::v2_0_1::*;
