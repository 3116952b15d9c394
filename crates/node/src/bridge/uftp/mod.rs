//! UFTP: messages in by the inbox, out by the outbox.

mod address_book;
mod agr;
mod courier;
mod deciding;
mod dso;
mod inbox;
mod letter;
mod verdict;
mod window;

pub(crate) use address_book::AddressBook;
pub(crate) use agr::AgrMarket;
pub(crate) use courier::Courier;
pub(crate) use deciding::Deciding;
pub(crate) use dso::DsoMarket;
pub(crate) use inbox::StoreInbox;
pub(crate) use letter::Letters;
pub(crate) use verdict::{Verdict, Work};
