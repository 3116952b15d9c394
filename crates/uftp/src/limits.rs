//! How much of a peer's bytes we are ready to look at.

use serde::{Deserialize, Serialize};

/// Bounds on what a received document may ask of us.
///
/// Each bound is checked before the work it bounds; going over one is a [`ParseError`](crate::ParseError) that
/// names it.
///
/// ```
/// use tieline_uftp::Limits;
///
/// let small = Limits { payload_bytes: 64 * 1024, ..Limits::default() };
/// assert!(small.payload_bytes < Limits::default().payload_bytes);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Longest `SignedMessage` in bytes. The default, 4 MiB, holds an offer of about 30 options of 1440 ISPs.
    pub envelope_bytes: usize,
    /// Longest payload in bytes, after Base64. Default 3 MiB.
    pub payload_bytes: usize,
    /// Deepest nesting of elements, the root being 1. Default 8; the schemas need 5.
    pub depth: usize,
    /// Most elements in one document. Default 50 000.
    pub elements: usize,
    /// Most attributes on one element. Default 32, at most 64; the schemas need 21.
    pub attributes: usize,
    /// Longest attribute value in bytes, before references are resolved; the envelope's `Body` is bounded by
    /// `envelope_bytes` alone. Default 8 KiB.
    pub value_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            envelope_bytes: 4 * 1024 * 1024,
            payload_bytes: 3 * 1024 * 1024,
            depth: 8,
            elements: 50_000,
            attributes: 32,
            value_bytes: 8 * 1024,
        }
    }
}
