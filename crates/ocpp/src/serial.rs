//! In which order the messages of a station are handled.
//!
//! By default handlers run at the same time, up to [`Limits::max_handlers`](crate::Limits::max_handlers), and answers go out as they
//! finish. These layers change that, for a router or for a route.
//!
//! ```
//! use tieline_ocpp::{Ocpp, serial, v201};
//! use tieline_service::{Call, Router};
//!
//! async fn on_event(_: Call<v201::TransactionEventRequest>) -> v201::TransactionEventResponse {
//!     v201::TransactionEventResponse::new()
//! }
//!
//! let router = Router::<Ocpp, ()>::new().on(on_event).layer(serial::per_transaction()).with_state(());
//! # let _ = router;
//! ```

use serde::Deserialize;
use tieline_service::{Incoming, Serial};

use crate::{Ocpp, Version};

/// Finds out to what a message belongs.
pub type Key<K> = fn(&Incoming<Ocpp>) -> Option<K>;

/// Handles the messages of each connection one after the other.
pub fn per_connection() -> Serial<u64, Key<u64>> {
    Serial::by(|incoming: &Incoming<Ocpp>| Some(incoming.head.peer().generation()))
}

/// What is in order: the session, and in 2.x the transaction.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Transaction(u64, String);

/// Handles the messages of each transaction one after the other, and others at the same time.
///
/// In 2.x the transaction is that of the TransactionEvent. In 1.6 StartTransaction has no number yet and StopTransaction no connector, so
/// all StartTransaction, MeterValues and StopTransaction of one connection are in order (1.6 §4.8 and §4.10).
pub fn per_transaction() -> Serial<Transaction, Key<Transaction>> {
    Serial::by(transaction)
}

fn transaction(incoming: &Incoming<Ocpp>) -> Option<Transaction> {
    let (session, action) = (incoming.head.peer().generation(), incoming.head.action());
    if incoming.head.version() == Version::V1_6 {
        let is_of_one = matches!(action, "StartTransaction" | "MeterValues" | "StopTransaction");
        return is_of_one.then(|| Transaction(session, String::new()));
    }
    if action != "TransactionEvent" {
        return None;
    }
    // One that can't be read is refused by its handler, whenever that is.
    let event: Event = serde_json::from_str(incoming.message.payload().get()).ok()?;
    Some(Transaction(session, event.transaction_info.transaction_id))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Event {
    transaction_info: TransactionInfo,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct TransactionInfo {
    transaction_id: String,
}
