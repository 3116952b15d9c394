use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use tieline_store::{Records as _, Store, StoreError, Stored};
use tieline_types::{Domain, Energy, EntityAddress, IspNumber, TimeSpan};
use uuid::Uuid;

use super::message_key;

/// What a connection took on one day, as the latest Metering message says: sent by an AGR, received by a DSO.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Metered {
    pub(crate) message_id: Uuid,
    pub(crate) conversation_id: Uuid,
    /// The other side: the DSO that is told, or the AGR that measured.
    pub(crate) counterparty: Domain,
    /// The congestion point that the connection lies behind.
    pub(crate) congestion_point: EntityAddress,
    pub(crate) connection: EntityAddress,
    pub(crate) period: Date,
    /// The day.
    pub(crate) span: TimeSpan,
    pub(crate) revision: i64,
    /// Import less export in each ISP of the day.
    pub(crate) energies: Vec<Energy>,
    /// The ISPs whose energy is a straight line over a gap; a DSO does not know them.
    pub(crate) interpolated: Vec<IspNumber>,
    /// Whether the AGR was there for the whole day.
    pub(crate) whole: bool,
    pub(crate) state: MeteredState,
}

/// How far a Metering message has come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum MeteredState {
    /// Sent, and not answered yet.
    Sent,
    /// Accepted.
    Accepted,
    /// Refused by the DSO.
    Rejected { reason: String },
    /// It could not be delivered.
    Undeliverable { cause: String },
}

impl Metered {
    /// There is one for each counterparty, connection and day: a later revision takes the place of the one before.
    pub(crate) fn key_of(counterparty: &Domain, connection: &EntityAddress, period: Date) -> String {
        format!("{counterparty} {connection} {period}")
    }
}

record!(Metered, "metering", |this| {
    key: Self::key_of(&this.counterparty, &this.connection, this.period),
    subject: this.congestion_point.to_string(),
    span: Some(this.span),
    open: this.state == MeteredState::Sent,
});

/// Finds what a Metering message said, for its answer. A later revision of the same day has taken its place by then, or not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct MeteringMessage {
    pub(crate) counterparty: Domain,
    pub(crate) message_id: Uuid,
    /// The key of the [`Metered`] record.
    pub(crate) metered: String,
}

record!(MeteringMessage, "metering-message", |this| {
    key: message_key(&this.counterparty, this.message_id),
    subject: this.metered.clone(),
    span: None,
    open: false,
});

/// What the Metering message with this key said, unless another has taken its place.
pub(crate) async fn metered_by(store: &dyn Store, key: &str) -> Result<Option<Stored<Metered>>, StoreError> {
    let Some(message) = store.record::<MeteringMessage>(key).await? else { return Ok(None) };
    let metered = store.record::<Metered>(&message.value.metered).await?;
    Ok(metered.filter(|metered| metered.value.message_id == message.value.message_id))
}
