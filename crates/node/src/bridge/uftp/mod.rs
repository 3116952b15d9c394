//! UFTP: messages in by the inbox, out by the outbox.

mod address_book;
mod agr;
mod courier;
mod deciding;
mod dso;
mod inbox;
mod letter;
mod metering;
mod prognosis;
mod settlement;
mod undeliverable;
mod verdict;
mod window;

pub(crate) use address_book::AddressBook;
pub(crate) use agr::AgrMarket;
pub(crate) use courier::Courier;
pub(crate) use deciding::Deciding;
pub(crate) use dso::DsoMarket;
pub(crate) use inbox::StoreInbox;
pub(crate) use letter::Letters;
pub(crate) use verdict::{ReceivedAt, Verdict, Work};

/// What a message of ours can't be written for.
fn unwritable(cause: &dyn std::fmt::Display) -> tieline_store::StoreError {
    tieline_store::StoreError::Misuse(format!("the message can't be written: {cause}"))
}
