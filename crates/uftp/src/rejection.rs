//! Why a message is rejected.

use std::borrow::Cow;
use std::fmt;

use crate::xml::Text;
use crate::{Revision, Version};

/// What joins several reasons in one `RejectionReason`; a reader splits at the semicolon alone.
const SEPARATOR: &str = "; ";

/// One reason of a `RejectionReason` (3.x, section 3.5). Their order is that of the standard's tables.
///
/// What is written is the text of the 3.x standard. What is read is recognised in the spellings of the 3.x text,
/// of the text that is to follow it and of the two public libraries, without regard to case, blanks and
/// punctuation; anything else is [`RejectionReason::Other`].
///
/// ```
/// use tieline_uftp::RejectionReason;
///
/// let reasons = RejectionReason::split("ISPs Out Of Bounds; TimeZone rejected; on holiday");
/// assert_eq!(reasons[..2], [RejectionReason::IspsOutOfBounds, RejectionReason::TimeZoneRejected]);
/// assert_eq!(reasons[2].to_string(), "on holiday");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum RejectionReason {
    /// The sender in the envelope is not the one in the message, or its role may not send this message.
    InvalidSender,
    /// The message is not valid, or not one that this role takes.
    InvalidMessage,
    /// `RecipientDomain` is none of ours.
    UnknownRecipient,
    /// The sender is excluded.
    BarredSender,
    /// The `MessageID` was used before for something else.
    DuplicateIdentifier,
    /// The very same message was received before. Its sender takes this for success.
    AlreadySubmitted,
    /// `ISP-Duration` is not the market's.
    IspDurationRejected,
    /// `TimeZone` has not the market's offset.
    TimeZoneRejected,
    /// The `CongestionPoint` is unknown, or not the sender's.
    InvalidCongestionPoint,
    /// A message or contract that is referred to is unknown; the name of the attribute, such as
    /// `FlexRequestMessageID`.
    UnknownReference(Text),
    /// `Period` is not that of the message referred to.
    ReferencePeriodMismatch,
    /// The message referred to has expired.
    ReferenceMessageExpired,
    /// The message referred to has been revoked.
    ReferenceMessageRevoked,
    /// An ISP is not in the day.
    IspsOutOfBounds,
    /// An ISP is addressed twice.
    IspConflict,
    /// `Period` is in the past or too far ahead.
    PeriodOutOfBounds,
    /// `ExpirationDateTime` is in the past or after the last ISP.
    ExpirationDateTimeOutOfBounds,
    /// D-Prognosis: an ISP of the day is missing.
    LackingIsps,
    /// D-Prognosis, FlexOffer, FlexReservationUpdate: a power is not possible.
    PowerValueRejection,
    /// `Revision` is not above that of an earlier message.
    SubordinateSequenceNumber,
    /// FlexRequest: no ISP is Requested.
    LackingRequestedDisposition,
    /// FlexRequest: a Requested ISP has no direction.
    RequestedPowerDiscrepancy,
    /// FlexRequest: `MinPower` is above `MaxPower`.
    PowerDiscrepancy,
    /// FlexOffer: there is no baseline.
    NoBaseline,
    /// FlexOffer: the offer does not fit the request.
    RequestMismatch,
    /// FlexOffer: several options at a point that takes only one.
    NoMutexOfferSupport,
    /// FlexOfferRevocation: the offer has been ordered.
    FlexibilityProcured,
    /// FlexOrder: the ISPs are not those of the offer.
    IspMismatch,
    /// FlexOrder: the power is not that of the offer.
    PowerMismatch,
    /// FlexOrder: the price is not that of the offer.
    PriceMismatch,
    /// FlexReservationUpdate: too late.
    DeadlineExpired,
    /// Portfolio: the common reference does not serve this participant.
    Unauthorized,
    /// Portfolio: nothing is connected there.
    NoConnectionsAvailable,
    /// FlexSettlement: an order of the period is missing.
    MissingSettlementItems,
    /// FlexSettlement: `PeriodStart` is not acceptable.
    PeriodStartRejected,
    /// FlexSettlement: `PeriodEnd` is not acceptable.
    PeriodEndRejected,
    /// The message's `Version` is not spoken here. The standard demands this rejection and gives no text for it.
    UnsupportedVersion(Version),
    /// Anything else.
    Other(Text),
}

use RejectionReason as R;

/// The reasons with a fixed text: first the text of 3.x, then other spellings.
const TEXTS: &[(RejectionReason, &[&str])] = &[
    (
        R::InvalidSender,
        &[
            "Invalid Sender",
            "Unknown SenderDomain",
            "Invalid SenderRole",
            "Invalid Sender combination",
            "Mismatch SenderDomain",
        ],
    ),
    (R::InvalidMessage, &["Invalid Message", "Invalid SignedMessage"]),
    (R::UnknownRecipient, &["Unknown Recipient", "Unknown RecipientDomain"]),
    (R::BarredSender, &["Barred Sender"]),
    (R::DuplicateIdentifier, &["Duplicate Identifier"]),
    (R::AlreadySubmitted, &["Already Submitted"]),
    (R::IspDurationRejected, &["ISP duration rejected"]),
    (R::TimeZoneRejected, &["Time zone rejected"]),
    (R::InvalidCongestionPoint, &["Invalid congestion point"]),
    (R::ReferencePeriodMismatch, &["Reference Period mismatch"]),
    (R::ReferenceMessageExpired, &["Reference message expired"]),
    (R::ReferenceMessageRevoked, &["Reference message revoked"]),
    (R::IspsOutOfBounds, &["ISPs out of bounds"]),
    (R::IspConflict, &["ISP conflict", "Overlapping ISPs conflict"]),
    (R::PeriodOutOfBounds, &["Period out of bounds"]),
    (
        R::ExpirationDateTimeOutOfBounds,
        &["ExpirationDateTime out of bounds", "ExpirationDateTime out of bounds (ISPs related)"],
    ),
    (R::LackingIsps, &["Lacking ISPs"]),
    (R::PowerValueRejection, &["Power value rejection"]),
    (R::SubordinateSequenceNumber, &["Subordinate sequence number"]),
    (R::LackingRequestedDisposition, &["Lacking Requested Disposition"]),
    (R::RequestedPowerDiscrepancy, &["Requested Power discrepancy"]),
    (R::PowerDiscrepancy, &["Power discrepancy"]),
    (R::NoBaseline, &["No baseline"]),
    (R::RequestMismatch, &["Request mismatch"]),
    (R::NoMutexOfferSupport, &["No MutEx offer support"]),
    (R::FlexibilityProcured, &["Flexibility procured"]),
    (R::IspMismatch, &["ISP mismatch"]),
    (R::PowerMismatch, &["Power mismatch"]),
    (R::PriceMismatch, &["Price mismatch"]),
    (R::DeadlineExpired, &["Deadline expired"]),
    (R::Unauthorized, &["Unauthorized"]),
    (R::NoConnectionsAvailable, &["No connections available"]),
    (R::MissingSettlementItems, &["Missing Settlement Items"]),
    (R::PeriodStartRejected, &["PeriodStart rejected"]),
    (R::PeriodEndRejected, &["PeriodEnd rejected"]),
];

impl RejectionReason {
    /// A reason in words of one's own.
    pub fn other(text: &str) -> Self {
        Self::Other(Text::lossy(text))
    }

    /// The reason that `text` gives.
    pub fn recognise(text: &str) -> Self {
        let text = text.trim();
        let known = |(_, spellings): &&(Self, &[&str])| spellings.iter().any(|known| same_words(known, text));
        if let Some((reason, _)) = TEXTS.iter().find(known) {
            return reason.clone();
        }
        if let Some(reference) = unknown_reference(text) {
            return Self::UnknownReference(Text::lossy(reference));
        }
        if let Some(version) =
            text.strip_prefix(UNSUPPORTED_VERSION).and_then(|rest| rest.trim().parse().ok())
        {
            return Self::UnsupportedVersion(version);
        }
        Self::other(text)
    }

    /// The reasons in a `RejectionReason`.
    pub fn split(text: &str) -> Vec<Self> {
        text.split(';').filter(|part| !part.trim().is_empty()).map(Self::recognise).collect()
    }

    /// One text for several reasons.
    pub fn join(reasons: &[Self]) -> String {
        Self::join_in(reasons, &Revision::LATEST)
    }

    /// One text for several reasons, in the texts of a revision.
    pub fn join_in(reasons: &[Self], revision: &Revision) -> String {
        let texts: Vec<_> = reasons.iter().map(|reason| reason.text_in(revision)).collect();
        texts.join(SEPARATOR)
    }

    /// The text of a revision.
    pub fn text_in(&self, revision: &Revision) -> Cow<'static, str> {
        match self {
            later if !revision.later_texts => later.text(),
            Self::InvalidSender => "Mismatch SenderDomain".into(),
            Self::UnknownRecipient => "Unknown RecipientDomain".into(),
            Self::TimeZoneRejected => "TimeZone rejected".into(),
            Self::InvalidCongestionPoint => "Invalid CongestionPoint".into(),
            Self::UnknownReference(reference) => format!("Unknown {reference} reference").into(),
            same => same.text(),
        }
    }

    /// The text of the 3.x standard.
    pub fn text(&self) -> Cow<'static, str> {
        match self {
            Self::UnknownReference(reference) => format!("Unknown reference {reference}").into(),
            Self::UnsupportedVersion(version) => format!("{UNSUPPORTED_VERSION} {version}").into(),
            Self::Other(text) => text.as_str().to_owned().into(),
            fixed => TEXTS
                .iter()
                .find(|(reason, _)| reason == fixed)
                .and_then(|(_, texts)| texts.first())
                .map_or("Invalid Message", |text| text)
                .into(),
        }
    }
}

const UNSUPPORTED_VERSION: &str = "Unsupported Version";

/// What is unknown, in «Unknown reference X» and «Unknown X reference».
fn unknown_reference(text: &str) -> Option<&str> {
    let mut words = text.split_ascii_whitespace();
    let (first, second, third) = (words.next()?, words.next()?, words.next()?);
    if words.next().is_some() || !first.eq_ignore_ascii_case("unknown") {
        return None;
    }
    match (second.eq_ignore_ascii_case("reference"), third.eq_ignore_ascii_case("reference")) {
        (true, false) => Some(third),
        (false, true) => Some(second),
        _ => None,
    }
}

/// Equal but for case, blanks and punctuation.
fn same_words(one: &str, other: &str) -> bool {
    letters(one).eq(letters(other))
}

fn letters(text: &str) -> impl Iterator<Item = char> {
    text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase)
}

impl fmt::Display for RejectionReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_is_recognised() {
        for (reason, texts) in TEXTS {
            for text in *texts {
                assert_eq!(RejectionReason::recognise(text), *reason);
                assert_eq!(RejectionReason::recognise(&format!(" {} ", text.to_uppercase())), *reason);
            }
        }
    }

    #[test]
    fn no_two_reasons_share_a_text() {
        let all: Vec<&str> = TEXTS.iter().flat_map(|(_, texts)| texts.iter().copied()).collect();
        for (index, text) in all.iter().enumerate() {
            assert!(!all[..index].iter().any(|other| same_words(other, text)), "{text}");
        }
    }

    #[test]
    fn references_and_versions_read_back() {
        let reference = RejectionReason::UnknownReference("FlexRequestMessageID".parse().unwrap());
        assert_eq!(RejectionReason::recognise("Unknown reference FlexRequestMessageID"), reference);
        assert_eq!(RejectionReason::recognise("unknown FlexRequestMessageID reference"), reference);
        assert_eq!(reference.text(), "Unknown reference FlexRequestMessageID");
        let version = RejectionReason::UnsupportedVersion("9.9.9".parse().unwrap());
        assert_eq!(RejectionReason::recognise(&version.text()), version);
    }

    #[test]
    fn the_texts_of_each_revision_are_recognised() {
        let reference = RejectionReason::UnknownReference("FlexOfferMessageID".parse().unwrap());
        for reason in TEXTS.iter().map(|(reason, _)| reason).chain([&reference]) {
            for revision in [&Revision::V3_0, &Revision::V3_1, &Revision::MAIN] {
                assert_eq!(RejectionReason::recognise(&reason.text_in(revision)), *reason);
            }
        }
        let join = |revision| RejectionReason::join_in(&[R::TimeZoneRejected, reference.clone()], revision);
        assert_eq!(join(&Revision::V3_1), "Time zone rejected; Unknown reference FlexOfferMessageID");
        assert_eq!(join(&Revision::MAIN), "TimeZone rejected; Unknown FlexOfferMessageID reference");
    }

    #[test]
    fn the_rest_is_kept_as_it_is() {
        assert_eq!(
            RejectionReason::split("; on holiday ;"),
            [RejectionReason::Other("on holiday".parse().unwrap())]
        );
    }
}
