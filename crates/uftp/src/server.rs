//! Receiving messages over HTTP.

mod address_book;
mod inbox;
mod receiver;
mod request;

pub use address_book::{AddressBook, AddressBookError, FixedAddressBook, KnownParticipant};
pub use inbox::{Inbox, InboxError, MemoryInbox};

pub use crate::storage::Receipt;
pub use receiver::{Receiver, ReceiverConfig};
