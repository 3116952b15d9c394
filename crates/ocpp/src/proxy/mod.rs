//! In front of another CSMS: a proxy that adds calls of its own.
//!
//! To a charging station it is its CSMS, to the CSMS it is the station: same identity, same credentials, same sub-protocol.
//! Messages pass in both directions as they are, byte for byte, whether they are valid or not; a close passes with its code and
//! reason; a refusal of the CSMS before the upgrade passes with its status.
//!
//! ```
//! use tieline_ocpp::proxy::Proxy;
//!
//! let proxy = Proxy::builder("wss://csms.example.com/ocpp")?.prefix("/ocpp").build();
//! // An HTTP service, for `tieline_edge::serve`; its stations, to call them:
//! let stations = proxy.registry();
//! # let _ = stations;
//! # Ok::<(), tieline_ocpp::proxy::InvalidUpstream>(())
//! ```
//!
//! # Calls of our own
//!
//! A [`Peer`](crate::Peer) from the [registry](Proxy::registry) calls the station as if it were connected to us (2.0.1 Part 4 §6.4). The
//! answers stay here: the CSMS gets none of them, not even one that comes too late. Message ids are random UUIDs and are
//! never those of a call of the CSMS that the station has still to answer.
//!
//! A station has one CALL to answer at a time (Part 4 §4.1.1). So a call of ours waits until the station has answered the CSMS, and a
//! call of the CSMS waits while ours is unanswered: for [`Limits::call_timeout`](crate::Limits::call_timeout) at the most. Without a call of
//! ours nothing ever waits.
//!
//! # Looking on
//!
//! [`Proxy::frames`] tells every message that passes. Who looks on too slowly misses some, and is told how many; the station and the
//! CSMS never wait for it, and do not notice when nobody looks on.

mod builder;
mod endpoint;
mod frames;
mod ours;
mod relay;
mod side;

pub use builder::{Builder, InvalidUpstream};
pub use endpoint::Proxy;
pub use frames::{Origin, ProxiedFrame, ProxiedFrames};
