//! Sessions between real sockets: charging stations and a CSMS, ours or made of raw frames.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod actions;
mod calls;
#[cfg(feature = "charge-point")]
mod charge_point;
mod check_frame;
mod check_proxy;
#[cfg(feature = "validation")]
mod check_routing;
mod damage;
mod der_control;
mod frames;
mod handlers;
mod handshake;
#[cfg(feature = "json-schema")]
mod json_schema;
mod layers;
mod order;
mod proxy;
mod registry;

mod rules;
mod smart_charging;
mod support;
mod tls;
