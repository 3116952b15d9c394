//! Finding participants: the keys that they sign with, and where they take messages.
//!
//! - [`DnsAddressBook`]: the records that participants publish in the domain name system (3.x, appendix on transport,
//!   service discovery), believed only if DNSSEC proves them.
//! - [`GopacsAddressBook`]: the address book of GOPACS, version 3, over HTTP; messages go through its broker.
//! - [`AddressBooks`]: several books, asked in order.
//!
//! Each is an [`AddressBook`](crate::server::AddressBook) for the receiver, which needs keys, and [`Destinations`] for whoever posts, who
//! needs an address. What was found is kept as long as it holds ([`CacheConfig`]). Whatever goes wrong may pass with time, and
//! senders are told so (419).

mod books;
mod cache;
mod dns;
mod error;
mod gopacs;
mod published;

pub use books::AddressBooks;
pub use cache::CacheConfig;
pub use dns::{DnsAddressBook, DnsBookConfig};
pub use error::DiscoveryError;

pub use crate::destination::{Destination, Destinations};
pub use gopacs::{GopacsAddressBook, GopacsConfig, GopacsParticipant};
pub use published::{PublishedVersion, UnknownVersion};
