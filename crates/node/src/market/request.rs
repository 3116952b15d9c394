use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tieline_types::{Domain, IspRange, Power, TimeSpan};
use uuid::Uuid;

use super::{Window, message_key};

/// A FlexRequest: received by an AGR, sent by a DSO.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Request {
    pub(crate) message_id: Uuid,
    pub(crate) conversation_id: Uuid,
    /// The other side: the DSO that asks, or the AGR that is asked.
    pub(crate) counterparty: Domain,
    pub(crate) window: Window,
    pub(crate) span: TimeSpan,
    pub(crate) isps: Vec<RequestedPower>,
    pub(crate) expires: Timestamp,
    pub(crate) contract: Option<String>,
    /// The declared need that a DSO's request is for.
    pub(crate) need: Option<String>,
    pub(crate) state: RequestState,
}

/// The bounds of the change that is wanted, or that would be welcome, in each ISP of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RequestedPower {
    pub(crate) isps: IspRange,
    pub(crate) min: Power,
    pub(crate) max: Power,
    /// True for Disposition `Requested`.
    pub(crate) requested: bool,
}

/// How far a request has come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum RequestState {
    /// Sent and not answered yet.
    Sent,
    /// Accepted: it can be offered on until it expires.
    Accepted,
    /// Rejected by the AGR.
    Rejected { reason: String },
    /// It could not be delivered.
    Undeliverable { cause: String },
}

record!(Request, "request", |this| {
    key: message_key(&this.counterparty, this.message_id),
    subject: this.window.congestion_point.to_string(),
    span: Some(this.span),
    open: matches!(this.state, RequestState::Sent | RequestState::Accepted),
});
