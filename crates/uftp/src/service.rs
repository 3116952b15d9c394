//! A participant as a service: messages in, decisions and messages out, and nothing lost in between.
//!
//! ```text
//!  peers ──POST──▶ Receiver ──▶ inbox ──▶ rules ──▶ pre_process ──▶ answer ──┐
//!                   200 once                            │                    ▼
//!                   it is kept                       process ──▶ messages ─▶ outbox ──POST──▶ peers
//! ```
//!
//! [`Handlers`] say what a role does with each message, [`Setup`] puts a participant together, [`Running`] is one at work. All
//! that must survive a crash is in a [`Storage`](crate::storage::Storage), and changes in steps that are done as a whole or not at all.

mod client;
mod conversation;
mod courier;
mod deciding;
mod delivery;
mod desk;
mod events;
mod following_up;
mod handlers;
mod inbox;
mod letters;
mod participant;
mod path;
mod processing;
mod replies;
mod role;
mod terms;
mod work;

pub use client::{
    AgrCroClient, AgrDsoClient, CroAgrClient, CroDsoClient, DsoAgrClient, DsoCroClient, RoleClient,
};
pub use conversation::{Conversation, Unsendable};
pub use delivery::{DeliveryConfig, ReplyWithin};
pub use events::{Event, EventWork, Events, Ignored, Undeliverable};
pub use handlers::{AgrService, CroService, DsoService, Handlers, RoleRoutes};
pub use inbox::{InboxConfig, StorageInbox};
pub use letters::Letters;
pub use participant::{Bells, Running, Setup};
pub use processing::{Processed, Processing};
pub use role::{Agr, Cro, Dso, Goes, ReceivedBy, RoleType};
pub use terms::Terms;
pub use work::{ReceivedAt, Work};
