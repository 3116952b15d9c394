//! The ways to a CSMS: the maker's own, and those that a CSMS sets (2.x B09, B10; a higher security profile, 1.6 whitepaper
//! and 2.x A05).

mod road;
mod slots;

use std::fmt;

use serde::{Deserialize, Serialize};
use tieline_edge::websocket::Connector;

pub(crate) use road::Road;
pub(crate) use slots::{Networks, SlotRefusal};

/// A way to a CSMS (`NetworkConnectionProfileType`). In 1.6 the present one with another security profile.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct NetworkProfile {
    /// The address, to which the identity will be added.
    pub csms_url: String,
    /// 1 (password), 2 (password over TLS) or 3 (client certificate).
    pub security_profile: i32,
    /// The interface, as `OCPPInterfaceEnumType` spells it; empty in 1.6.
    pub interface: String,
    /// How long to wait for an answer, in seconds; not positive: as long as otherwise.
    pub message_timeout: i32,
    /// The identity there, if it is another (2.1).
    pub identity: Option<String>,
    /// The password there, if it is another (2.1).
    pub password: Option<String>,
    /// How to dial in to a mobile network (`APNType`), as the CSMS has written it.
    pub apn: Option<serde_json::Value>,
    /// The private network to join (`VPNType`), as the CSMS has written it.
    pub vpn: Option<serde_json::Value>,
}

impl fmt::Debug for NetworkProfile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Passwords are in the rest.
        f.debug_struct("NetworkProfile")
            .field("csms_url", &self.csms_url)
            .field("security_profile", &self.security_profile)
            .field("interface", &self.interface)
            .finish_non_exhaustive()
    }
}

/// How a maker's station gets to a CSMS by a [`NetworkProfile`].
#[derive(Clone, Debug)]
pub struct Network {
    /// The address, to which the identity will be added; that of the profile unless the maker knows better.
    pub csms_url: String,
    /// Trust, certificate and times of the connection.
    pub connector: Connector,
}

impl Network {
    /// The way to this address.
    pub fn new(csms_url: impl Into<String>, connector: Connector) -> Self {
        Self { csms_url: csms_url.into(), connector }
    }
}
