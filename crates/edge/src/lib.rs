//! Where Tieline meets the network.

#[cfg(feature = "websocket")]
pub mod websocket;
