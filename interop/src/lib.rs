//! The reference implementations as peers of the `tieline` binary.
//!
//! Everything here sees Tieline from outside: a configuration file, a process, its sockets and its command line. So the
//! harness depends on no crate of Tieline. The peers are the scripts in `interop/python`, on shapeshifter-uftp and on
//! mobilityhouse's `ocpp`.
//!
//! - [`Node`]: `tieline run` over a data directory, to be killed and started again.
//! - [`UftpPeer`] and [`Charger`]: a market participant and an EV charger, each a [`Peer`] process.
//! - [`OcppPeer`]: either end of an OCPP session on a library of others.
//! - [`IspWindow`]: some ISPs soon to come, for requests and orders.
//! - [`Browser`]: Chromium without a screen, to look at pages that Tieline writes; [`Document`] and [`Picture`] are what
//!   it saw.
//! - [`NameServer`]: BIND with a signed root zone of its own, to look participants up.
//! - [`Schema`]: the published XML schema as a judge of what Tieline writes; [`JsonSchemas`]: the JSON schemas of OCPP.

#![forbid(unsafe_code)]
#![expect(
    clippy::disallowed_methods,
    reason = "the harness stands outside the node: it has the wall clock, the environment and threads that may block"
)]

mod browser;
mod charger;
mod charging_profile;
mod config;
mod document;
mod event;
mod isp_window;
mod json_schema;
mod keys;
mod name_server;
mod node;
mod node_js;
mod ocpp_peer;
mod peer;
mod port;
mod python;
mod schema;
mod tieline;
mod uftp_peer;
mod workspace;

pub use browser::{Browser, ColourScheme, Picture};
pub use charger::{Charger, ChargerSettings, OcppVersion};
pub use charging_profile::ChargingProfile;
pub use config::{AgrConfig, ChargerConfig, DsoConfig, PeerConfig, ReportingConfig, UftpConfig, Unit};
pub use document::Document;
pub use event::Event;
pub use isp_window::IspWindow;
pub use json_schema::JsonSchemas;
pub use keys::{AGR_KEY, CRO_KEY, DSO_KEY, KeyPair};
pub use name_server::{NameServer, Signing, Zone};
pub use node::{Node, write_secret};
pub use node_js::node_command;
pub use ocpp_peer::{OcppLibrary, OcppOutcome, OcppPeer};
pub use peer::{PATIENCE, Peer};
pub use port::free_port;
pub use python::{Requirements, python_command};
pub use schema::Schema;
pub use tieline::run;
pub use uftp_peer::{Known, UftpPeer, UftpSettings};
pub use workspace::{root as workspace_root, shared_folder};

/// Where UFTP 3 is served.
const PATH: &str = "/shapeshifter/api/v3/message";
