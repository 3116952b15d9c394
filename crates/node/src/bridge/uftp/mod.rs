//! UFTP: messages in by the inbox, out by the outbox.

mod address_book;
mod agr;
mod common_reference;
mod cro;
mod dso;
mod events;
mod held;
mod history;
mod inbox;
mod letter;
mod metering;
mod portfolio;
mod prognosis;
mod registrar;
mod settlement;
mod storage;
mod terms;
mod undeliverable;
mod verdict;
mod window;

pub(crate) use address_book::AddressBook;
pub(crate) use agr::AgrMarket;
pub(crate) use cro::CommonReferenceOperator;
pub(crate) use dso::DsoMarket;
pub(crate) use events::{MarketEvents, Replies};
pub use held::{held, release};
pub(crate) use letter::{Letters, delivery};
pub(crate) use registrar::Registrar;
pub use storage::NodeStorage;
pub(crate) use storage::REPLY;
pub(crate) use terms::MarketTerms;
pub(crate) use verdict::{Verdict, Work};

use verdict::keep;

/// What a message of ours can't be written for.
fn unwritable(cause: &dyn std::fmt::Display) -> tieline_store::StoreError {
    tieline_store::StoreError::Misuse(format!("the message can't be written: {cause}"))
}

/// What a message that the protocol's rules let through can't be read for: they should have rejected it.
fn unreadable(cause: &dyn std::fmt::Display) -> tieline_store::StoreError {
    tieline_store::StoreError::Misuse(format!(
        "the message can't be read, though it keeps the rules: {cause}"
    ))
}
