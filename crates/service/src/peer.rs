use std::fmt::Display;

/// A handle on the sender of a message.
///
/// Each protocol has its own: an OCPP peer can be called back, a UFTP peer is a domain in a role. Clones are cheap.
/// `Display` writes the identity under which the sender is known, for logs; never anything secret.
pub trait Peer: Clone + Display + Send + Sync + 'static {}
