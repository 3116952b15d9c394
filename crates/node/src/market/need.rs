use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use tieline_types::{Currency, Domain};
use uuid::Uuid;

use super::{RequestedPower, Window};

/// A congestion that a DSO wants relieved, and what became of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Need {
    pub(crate) reference: String,
    pub(crate) window: Window,
    pub(crate) aggregators: Vec<Domain>,
    pub(crate) isps: Vec<RequestedPower>,
    pub(crate) expires: Timestamp,
    pub(crate) maximum_price: Option<Decimal>,
    pub(crate) currency: Currency,
    /// The FlexRequests that it became, one for each aggregator.
    pub(crate) requests: Vec<Uuid>,
    pub(crate) state: NeedState,
}

/// How far a need has come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum NeedState {
    /// Requested: offers are awaited.
    Requested,
    /// Decided: these orders were placed; none, if no offer served.
    Decided { orders: Vec<Uuid> },
}

record!(Need, "need", |this| {
    key: this.reference.clone(),
    subject: this.window.congestion_point.to_string(),
    span: None,
    open: matches!(this.state, NeedState::Requested),
});
