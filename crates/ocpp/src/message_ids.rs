//! The source of message ids.

/// Makes the ids of our own CALL and SEND messages.
///
/// An id has at most 36 characters and must differ from all that were used before towards the same charging station,
/// on any connection (2.0.1 Part 4 §4.1.4 with errata 2023-12). That excludes counters that begin anew.
pub trait MessageIds: Send + Sync + 'static {
    /// An id that was never used before.
    fn next_id(&self) -> String;
}

/// Random UUIDs (version 4).
#[cfg(any(feature = "client", feature = "server"))]
#[derive(Clone, Copy, Debug, Default)]
pub struct RandomMessageIds;

#[cfg(any(feature = "client", feature = "server"))]
impl MessageIds for RandomMessageIds {
    #[expect(clippy::disallowed_methods, reason = "this is where random ids enter")]
    fn next_id(&self) -> String {
        uuid::Uuid::new_v4().to_string()
    }
}

/// The port in the shape that the engine wants.
#[cfg(any(feature = "client", feature = "server"))]
pub(crate) struct EngineIds(pub(crate) std::sync::Arc<dyn MessageIds>);

#[cfg(any(feature = "client", feature = "server"))]
impl ocpp_kit::types::IdGenerator for EngineIds {
    fn next_id(&mut self) -> ocpp_kit::types::MessageId {
        ocpp_kit::types::MessageId::truncating(&self.0.next_id())
    }
}
