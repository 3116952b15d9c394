use serde::{Deserialize, Serialize};
use tieline_types::{Domain, IspNumber, Power, TimeSpan};
use uuid::Uuid;

use super::{IspPower, Window, message_key};

/// A D-Prognosis: sent by an AGR, received by a DSO.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Prognosis {
    pub(crate) message_id: Uuid,
    pub(crate) conversation_id: Uuid,
    /// The other side: the DSO that it is for, or the AGR that expects it.
    pub(crate) counterparty: Domain,
    pub(crate) window: Window,
    /// The day.
    pub(crate) span: TimeSpan,
    pub(crate) revision: i64,
    /// Every ISP of the day.
    pub(crate) powers: Vec<IspPower>,
    /// The orders that an AGR has put into it; those that a DSO had placed when it came.
    pub(crate) orders: Vec<Uuid>,
    /// What an AGR's expectation rests on; a DSO does not know it.
    pub(crate) expected_from: Option<ExpectedFrom>,
    pub(crate) state: PrognosisState,
}

/// What an expectation rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum ExpectedFrom {
    /// The typical day of the configuration.
    ExpectedLoad,
    /// The same ISPs of so many earlier days, as measured.
    MeasuredDays(u32),
    /// The sessions that were present.
    PresentSessions,
}

/// How far a prognosis has come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum PrognosisState {
    /// Sent, and not answered yet.
    Sent,
    /// Accepted.
    Accepted,
    /// Refused by the DSO.
    Rejected { reason: String },
    /// It could not be delivered.
    Undeliverable { cause: String },
}

impl Prognosis {
    /// Whether it counts, or may still count.
    pub(crate) const fn stands(&self) -> bool {
        matches!(self.state, PrognosisState::Sent | PrognosisState::Accepted)
    }

    /// The power that is expected in an ISP.
    pub(crate) fn power(&self, isp: IspNumber) -> Option<Power> {
        self.powers.iter().find(|run| run.isps.contains(isp)).map(|run| run.power)
    }
}

/// What the changes of a day are counted against: the first accepted prognosis with no order in it.
///
/// A later one holds what was ordered, so a change that was counted against it would be counted from a baseline
/// that another change has moved.
pub(crate) fn baseline_of<'a>(prognoses: impl IntoIterator<Item = &'a Prognosis>) -> Option<&'a Prognosis> {
    prognoses
        .into_iter()
        .filter(|prognosis| prognosis.state == PrognosisState::Accepted && prognosis.orders.is_empty())
        .min_by_key(|prognosis| prognosis.revision)
}

record!(Prognosis, "prognosis", |this| {
    key: message_key(&this.counterparty, this.message_id),
    subject: this.window.congestion_point.to_string(),
    span: Some(this.span),
    open: this.state == PrognosisState::Sent,
});
