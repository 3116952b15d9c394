//! Leniency towards one peer.

use ocpp_kit::decode::DecodeOptions;

/// What is forgiven to one peer. It is decided per peer at run time, never for a whole build.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Tolerance {
    /// How payloads are read: unknown members and enumeration values, spellings of times, numbers as strings.
    pub payload: DecodeOptions,
    /// Accept message ids longer than 36 characters. Otherwise such a CALL is refused with `RpcFrameworkError`.
    pub long_message_ids: bool,
    /// Serve a CALL that arrives while another one of the peer is unanswered. OCPP 2.x forbids it (Part 4 §4.1.1),
    /// 1.6 advises against it; chargers do it nonetheless. Otherwise such a CALL is refused with `ProtocolError`.
    pub concurrent_calls: bool,
}

impl Tolerance {
    /// What the standard demands, except that undefined members are ignored and concurrent calls are served.
    pub const fn strict() -> Self {
        Self { payload: DecodeOptions::strict(), long_message_ids: false, concurrent_calls: true }
    }

    /// What real chargers need: unknown enumeration values are kept, times without an offset or with a space are
    /// understood, numbers may be strings, message ids may be long.
    pub const fn lenient() -> Self {
        Self { payload: DecodeOptions::lenient(), long_message_ids: true, concurrent_calls: true }
    }
}

impl Default for Tolerance {
    fn default() -> Self {
        Self::strict()
    }
}
