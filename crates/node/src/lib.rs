//! The Tieline node: one process that is an aggregator, a grid operator or a common reference operator in the market, and an
//! aggregator steers what it promised.
//!
//! A [`Config`] becomes a [`Node`] by [`Node::start`]: the database is opened, the listeners are bound, and the node's loops
//! take up whatever was left undone. Protocols, store and optimiser meet here and nowhere else: `bridge` maps messages
//! to the market's and the fleet's books and back, `role` decides.
//!
//! Everything that must happen later is a row in the store, and every decision is one change set, so a node that is
//! killed at any instant goes on where it was.
#![forbid(unsafe_code)]

/// Implements [`tieline_store::Record`] from expressions over the record.
macro_rules! record {
    ($type:ty, $kind:literal, |$this:ident| { key: $key:expr, subject: $subject:expr, span: $span:expr, open: $open:expr, }) => {
        impl tieline_store::Record for $type {
            const KIND: &'static str = $kind;

            fn key(&self) -> String {
                let $this = self;
                let _ = $this;
                $key
            }

            fn subject(&self) -> String {
                let $this = self;
                let _ = $this;
                $subject
            }

            fn span(&self) -> Option<tieline_types::TimeSpan> {
                let $this = self;
                let _ = $this;
                $span
            }

            fn open(&self) -> bool {
                let $this = self;
                let _ = $this;
                $open
            }
        }
    };
}

mod bells;
mod bridge;
mod capabilities;
pub mod command;
pub mod config;
mod context;
mod data;
mod environment;
mod error;
mod fleet;
pub mod ledger;
mod listening;
mod market;
mod node;
pub mod registry;
mod role;
mod roster;
mod wake;

pub use bridge::uftp::{NodeStorage, held, release};
pub use config::{Config, ConfigError};
pub use data::database_path;
pub use environment::Environment;
pub use error::NodeError;
pub use node::Node;
pub use tieline_edge::{Ids, RandomIds};
pub use wake::wake;
