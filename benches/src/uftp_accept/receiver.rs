//! The accept path alone: receiver, server and store, as a node puts them together, and nothing behind them.

use std::path::Path;
use std::sync::Arc;

use anyhow::Result;
use tieline_edge::listener::PlainListener;
use tieline_edge::{ServeConfig, SystemClock, serve as serve_http};
use tieline_store::{Receipt as Stored, SqliteOptions, SqliteStore, Store as _, StoreError};
use tieline_uftp::server::{
    FixedAddressBook, Inbox, InboxError, KnownParticipant, Receipt, Receiver, ReceiverConfig,
};
use tieline_uftp::{Participant, Received, Role};
use tokio_util::sync::CancellationToken;

use crate::{sample, server};

/// Serves until the process that started this one is gone.
pub fn serve(port: u16, data: &Path) -> Result<()> {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?.block_on(async {
        let inbox = DurableInbox(open(data)?);
        let book = FixedAddressBook::new().with(
            Role::Dso,
            sample::SENDER.parse()?,
            KnownParticipant::new(vec![sample::verifying_key()]),
        );
        let us = Participant { role: Role::Agr, domain: sample::RECIPIENT.parse()? };
        let receiver = Receiver::new(inbox, book, Arc::new(SystemClock), ReceiverConfig::new(vec![us]));
        let listener = PlainListener::bind(([127, 0, 0, 1], port).into())?;
        server::ready();
        serve_http(listener, receiver, ServeConfig::default(), CancellationToken::new()).await;
        Ok(())
    })
}

struct DurableInbox(SqliteStore);

/// Its store.
pub(super) fn open(data: &Path) -> Result<SqliteStore> {
    Ok(SqliteStore::open(&data.join("tieline.sqlite"), SqliteOptions::default())?)
}

impl Inbox for DurableInbox {
    async fn accept(&self, received: Received) -> Result<Receipt, InboxError> {
        let header = received.payload.header();
        let received = tieline_store::Received {
            protocol: "uftp",
            peer: received.sender.to_string(),
            recipient: header.recipient_domain.to_string(),
            message_id: header.message_id.to_string(),
            conversation: header.conversation_id.to_string(),
            label: received.payload.message_type().to_string(),
            raw: received.envelope,
            body: received.payload_bytes,
            note: String::new(),
            received_at: received.received_at,
        };
        match self.0.receive(received).await {
            Ok(Stored::New(_)) => Ok(Receipt::Stored),
            Ok(Stored::AlreadySubmitted { .. }) => Ok(Receipt::AlreadySubmitted { decided: true }),
            Ok(Stored::DuplicateIdentifier { .. }) => Ok(Receipt::DuplicateIdentifier),
            Err(error) => Err(failed(error)),
        }
    }
}

fn failed(error: StoreError) -> InboxError {
    InboxError::Storage(Box::new(error))
}
