//! What every answer says.

use crate::Revision;
use crate::rejection::RejectionReason;
use crate::xml::lexical::words;
use crate::xml::{ParseError, Text, XmlWriter};

use super::Root;

/// Whether a message was accepted (`AcceptedRejectedType`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AcceptedRejected {
    /// The message is valid, and its sender may rely on it.
    Accepted,
    /// The message counts for nothing.
    Rejected,
}

words!(
    AcceptedRejected, "AcceptedRejectedType",
    "Accepted" => AcceptedRejected::Accepted,
    "Rejected" => AcceptedRejected::Rejected,
);

/// The attributes that every answer has (`PayloadMessageResponseType`).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Response {
    /// `Result`: whether the message was accepted.
    pub result: AcceptedRejected,
    /// `RejectionReason`: why not. The text demands it of a rejection; the schema does not, so that a received
    /// one may lack it. Several reasons are joined with semicolons.
    pub rejection_reason: Option<Text>,
}

impl Response {
    /// An acceptance.
    pub const ACCEPTED: Self = Self { result: AcceptedRejected::Accepted, rejection_reason: None };

    /// A rejection for these reasons; without any it says that the message is invalid.
    ///
    /// ```
    /// use tieline_uftp::{RejectionReason, message::Response};
    ///
    /// let rejected = Response::rejected(&[RejectionReason::IspConflict, RejectionReason::PeriodOutOfBounds]);
    /// assert_eq!(rejected.rejection_reason.unwrap(), "ISP conflict; Period out of bounds");
    /// ```
    pub fn rejected(reasons: &[RejectionReason]) -> Self {
        Self::rejected_in(reasons, &Revision::LATEST)
    }

    /// The same in the texts of a revision.
    pub fn rejected_in(reasons: &[RejectionReason], revision: &Revision) -> Self {
        let reasons = if reasons.is_empty() { &[RejectionReason::InvalidMessage] } else { reasons };
        Self {
            result: AcceptedRejected::Rejected,
            rejection_reason: Some(Text::lossy(&RejectionReason::join_in(reasons, revision))),
        }
    }

    /// Whether the message was accepted.
    pub fn is_accepted(&self) -> bool {
        self.result == AcceptedRejected::Accepted
    }

    /// The reasons, one by one. Empty where none is given.
    pub fn reasons(&self) -> Vec<RejectionReason> {
        self.rejection_reason.as_ref().map(|text| RejectionReason::split(text.as_str())).unwrap_or_default()
    }

    pub(crate) fn read(root: &mut Root<'_, '_>) -> Result<Self, ParseError> {
        Ok(Self { result: root.required("Result")?, rejection_reason: root.optional("RejectionReason")? })
    }

    pub(crate) fn write(&self, writer: &mut XmlWriter) {
        writer.attribute("Result", &self.result);
        writer.optional("RejectionReason", self.rejection_reason.as_ref());
    }
}
