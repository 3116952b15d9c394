use serde::{Deserialize, Serialize};
use tieline_types::{Domain, EntityAddress, Power, TimeSpan};
use uuid::Uuid;

use super::message_key;

/// What was promised for one ISP by one accepted order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Promise {
    /// The DSO that ordered.
    pub(crate) counterparty: Domain,
    pub(crate) order: Uuid,
    pub(crate) congestion_point: EntityAddress,
    pub(crate) span: TimeSpan,
    /// The ordered change against the baseline.
    pub(crate) change: Power,
    /// The baseline that the offer was made on.
    pub(crate) baseline: Power,
}

record!(Promise, "promise", |this| {
    key: format!("{}/{}", message_key(&this.counterparty, this.order), this.span.start()),
    subject: this.congestion_point.to_string(),
    span: Some(this.span),
    open: true,
});
