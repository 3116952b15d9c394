use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use http::Extensions;

use crate::Protocol;

/// What is known of a message before its body is read: who sent it, under which version, action and id.
///
/// A clone shares everything but the extensions, so it costs one reference count as long as there are none.
pub struct Head<P: Protocol> {
    facts: Arc<Facts<P>>,
    /// What the transport and the layers attached to the message.
    pub extensions: Extensions,
}

struct Facts<P: Protocol> {
    version: P::Version,
    action: Cow<'static, str>,
    message_id: Cow<'static, str>,
    peer: P::Peer,
}

impl<P: Protocol> Head<P> {
    /// The head of a message, without extensions.
    pub fn new(
        version: P::Version,
        action: impl Into<Cow<'static, str>>,
        message_id: impl Into<Cow<'static, str>>,
        peer: P::Peer,
    ) -> Self {
        let facts = Facts { version, action: action.into(), message_id: message_id.into(), peer };
        Self { facts: Arc::new(facts), extensions: Extensions::new() }
    }

    /// The version of the protocol that the message belongs to.
    pub fn version(&self) -> P::Version {
        self.facts.version
    }

    /// The action's name, as the peer wrote it.
    pub fn action(&self) -> &str {
        &self.facts.action
    }

    /// The message's id, as the peer wrote it.
    pub fn message_id(&self) -> &str {
        &self.facts.message_id
    }

    /// The sender.
    pub fn peer(&self) -> &P::Peer {
        &self.facts.peer
    }

    /// The same head for the case of a fault: one reference count, whatever the extensions.
    pub fn without_extensions(&self) -> Self {
        Self { facts: Arc::clone(&self.facts), extensions: Extensions::new() }
    }
}

impl<P: Protocol> Clone for Head<P> {
    fn clone(&self) -> Self {
        Self { facts: Arc::clone(&self.facts), extensions: self.extensions.clone() }
    }
}

impl<P: Protocol> fmt::Debug for Head<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Head")
            .field("version", &self.version())
            .field("action", &self.action())
            .field("message_id", &self.message_id())
            .field("peer", &format_args!("{}", self.peer()))
            .finish_non_exhaustive()
    }
}
