#![cfg_attr(
    all(feature = "client", feature = "server", feature = "service", feature = "discovery"),
    doc = include_str!("guide.md")
)]
#![cfg_attr(
    not(all(feature = "client", feature = "server", feature = "service", feature = "discovery")),
    doc = "Shapeshifter/UFTP, the protocol of the flexibility market. Its guide needs all features."
)]
#![forbid(unsafe_code)]

#[cfg(feature = "client")]
mod client;
mod concern;
pub mod cro;
mod decision;
mod delivery;
#[cfg(all(feature = "client", feature = "server"))]
mod destination;
#[cfg(feature = "discovery")]
pub mod discovery;
mod endpoint;
mod envelope;
mod header;
mod history;
#[cfg(feature = "client")]
mod http_answer;
mod key;
mod limits;
pub mod message;
#[cfg(feature = "client")]
pub mod oauth;
mod protocol;
mod received;
mod refusal;
mod rejection;
mod revision;
mod role;
pub mod rules;
#[cfg(feature = "server")]
pub mod server;
#[cfg(feature = "service")]
pub mod service;
pub mod storage;
mod tolerance;
pub mod value;
mod xml;

#[cfg(feature = "client")]
pub use client::Client;
pub use concern::{Participant, concerns};
pub use decision::{Accepted, Decision, Noted, Rejected, Undecided};
pub use delivery::Delivery;
#[cfg(all(feature = "client", feature = "server"))]
pub use destination::{Destination, Destinations};
pub use endpoint::{Endpoint, InvalidEndpoint, MESSAGE_PATH};
pub use envelope::{SignatureError, SignedMessage, seal, seal_message};
pub use header::Header;
pub use history::{Direction, Exchanged, Fate, History, HistoryError, MemoryHistory};
pub use key::{KeyError, OwnKeys, Signer, SignerError, SigningKey, VerifyingKey};
pub use limits::Limits;
pub use message::{Message, MessageType, Payload, parse, parse_with};
pub use protocol::{OtherMessage, Uftp};
pub use received::Received;
pub use refusal::{Culprit, Refusal};
pub use rejection::RejectionReason;
pub use revision::{InvalidVersion, Revision, UnknownRevision, Version};
pub use role::{Role, UnknownRole};
pub use tolerance::{Tolerance, UnknownTolerance};
pub use xml::{InvalidText, ParseError, ParseErrorKind, Text};
