//! The rules of the messages between AGR and DSO: what makes one acceptable, given what was agreed and what was exchanged.
//!
//! [`check`] names every rule that a message breaks. It has no clock, and of the past it knows what a [`History`] tells. The
//! same rules serve both sides: what was received is decided on with them, and what is to be sent is tried out with them.
//!
//! An acceptance may have more to say than that; [`acceptance`] works it out: which orders a D-Prognosis shows, and which
//! items of a FlexSettlement are right.
//!
//! ```
//! # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
//! use jiff::tz::TimeZone;
//! use tieline_types::{IspCalendar, IspDuration};
//! use tieline_uftp::rules::{Terms, check};
//! use tieline_uftp::{Direction, MemoryHistory, Participant, RejectionReason, Role, Tolerance, parse};
//!
//! let request = parse(
//!     br#"<FlexRequest Version="3.1.0" SenderDomain="dso.example.com" RecipientDomain="agr.example.com"
//!         TimeStamp="2026-06-03T14:30:00Z" MessageID="8a8e7728-1c41-43d1-8d35-b9e20d1f339c"
//!         ConversationID="b24e9760-2919-43ee-8c16-833c977f976f" ISP-Duration="PT15M" TimeZone="Europe/Brussels"
//!         Period="2026-06-04" CongestionPoint="ean.871685900012636543" Revision="1"
//!         ExpirationDateTime="2026-06-03T20:00:00Z">
//!         <ISP Disposition="Available" MinPower="0" MaxPower="1000" Start="96" Duration="2"/>
//!     </FlexRequest>"#,
//!     &Tolerance::STRICT,
//! )?;
//! let dso = Participant { role: Role::Dso, domain: "dso.example.com".parse()? };
//! let terms = Terms::new(IspCalendar::new(TimeZone::get("Europe/Amsterdam")?, IspDuration::PT15M));
//! let now = "2026-06-03T14:30:01Z".parse()?;
//! let broken = check(&request, &dso, Direction::Received, &terms, &MemoryHistory::new(), now).await?;
//! assert_eq!(broken, [RejectionReason::IspsOutOfBounds, RejectionReason::LackingRequestedDisposition]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod case;
mod contract_settlement;
mod d_prognosis;
mod flex_offer;
mod flex_offer_revocation;
mod flex_order;
mod flex_request;
mod flex_reservation_update;
mod flex_settlement;
mod metering;
mod past;
mod response;
mod settlement_item;
mod terms;

use jiff::Timestamp;

use crate::{
    Accepted, Direction, Exchanged, Fate, History, HistoryError, MessageType, Participant, Payload,
    RejectionReason,
};

use case::{Case, Reasons};
use past::Past;

pub use d_prognosis::flex_order_statuses;
pub use settlement_item::settlement_statuses;
pub use terms::{
    CongestionPointTerms, ContractTerms, MeteringTerms, ReservationDeadline, SettlementTerms, Terms,
};

/// Every rule that a message breaks, each once, in the order of the standard's tables; none if it is right.
///
/// - `counterparty` is the other side: who sent it, or who is to get it.
/// - `direction`: [`Direction::Received`] asks whether the counterparty's message is to be accepted; [`Direction::Sent`]
///   whether a message of our own would be right. The history may have the message itself already.
/// - `now`: when it was received, or is to be sent. What had not expired by then is in time.
///
/// Where a rule has a fact that another rule found wrong, it says nothing: of a message with another ISP duration no ISP is
/// checked, and of a second message under a known `MessageID` that alone is said.
///
/// An answer that breaks a rule is not to be taken note of, and nobody is told: there is no answer to an answer. Of one that
/// was received it matters only what it answers, and whether it contradicts what was known; of one that is to be sent, all
/// that it says. A TestMessage is always right, and so is a request to or from a common reference operator: these rules are
/// not about it.
pub async fn check<H: History>(
    payload: &Payload,
    counterparty: &Participant,
    direction: Direction,
    terms: &Terms,
    history: &H,
    now: Timestamp,
) -> Result<Vec<RejectionReason>, HistoryError> {
    let past = Past { counterparty, history, own: payload.header().message_id };
    if let Some(known) = history.message(counterparty, past.own).await?
        && let Some(reason) = repeated(payload, direction, &known)
    {
        return Ok(vec![reason]);
    }
    let case = Case { terms, direction, now };
    let reasons = match payload {
        Payload::FlexRequest(message) => {
            flex_request::flex_request(message, &case, &past.alike(payload).await?)
        }
        Payload::DPrognosis(message) => d_prognosis::d_prognosis(message, &case, &past.alike(payload).await?),
        Payload::FlexOffer(message) => {
            let facts = flex_offer::OfferFacts {
                request: past.message(message.flex_request_message_id).await?,
                prognosis: past.message(message.d_prognosis_message_id).await?,
                orders: past.about(MessageType::FlexOrder, &message.flex).await?,
            };
            flex_offer::flex_offer(message, &case, &facts)
        }
        Payload::FlexOrder(message) => {
            let facts = flex_order::OrderFacts {
                offer: past.message(message.flex_offer_message_id).await?,
                about_offer: past.referring_to(message.flex_offer_message_id).await?,
                prognosis: past.message(message.d_prognosis_message_id).await?,
            };
            flex_order::flex_order(message, &case, &facts)
        }
        Payload::FlexOfferRevocation(message) => {
            let offer = Some(message.flex_offer_message_id);
            let about_offer = past.referring_to(offer).await?;
            let offer = past.message(offer).await?;
            flex_offer_revocation::flex_offer_revocation(message, &case, offer.as_ref(), &about_offer)
        }
        Payload::FlexReservationUpdate(message) => {
            let earlier = past.alike(payload).await?;
            flex_reservation_update::flex_reservation_update(message, &case, &earlier)
        }
        Payload::FlexSettlement(message) => {
            let settled = past.settled(message).await?;
            let orders = past.orders_of(message).await?;
            flex_settlement::flex_settlement(message, &case, &orders, &settled)
        }
        Payload::Metering(message) => {
            let earlier = past.at_place(payload).await?;
            metering::metering(message, &case, &earlier)
        }
        answer => check_answer(answer, &case, &past).await?,
    };
    Ok(reasons.into_iter().collect())
}

/// The acceptance of a received message, with what its answer says beyond that: to a D-Prognosis which orders it shows
/// ([`flex_order_statuses`]), to a FlexSettlement which items are right ([`settlement_statuses`]), to others nothing.
///
/// `now`: when the message was received.
pub async fn acceptance<H: History>(
    payload: &Payload,
    counterparty: &Participant,
    terms: &Terms,
    history: &H,
    now: Timestamp,
) -> Result<Accepted, HistoryError> {
    let past = Past { counterparty, history, own: payload.header().message_id };
    Ok(match payload {
        Payload::DPrognosis(message) => {
            let orders = past.about(MessageType::FlexOrder, &message.flex).await?;
            let prognoses = past.prognoses_before(payload, &orders).await?;
            Accepted::Orders(flex_order_statuses(message, &orders, &prognoses, terms, now))
        }
        Payload::FlexSettlement(message) => {
            let orders = past.orders_of(message).await?;
            let prognoses = past.prognoses_of(message, &orders).await?;
            Accepted::Items(settlement_statuses(message, &orders, &prognoses, terms))
        }
        _ => Accepted::new(),
    })
}

/// What is to be said of a message whose identifier is known: it is another one, or the very same, which was decided on.
fn repeated(payload: &Payload, direction: Direction, known: &Exchanged) -> Option<RejectionReason> {
    if known.direction != direction || known.payload != *payload {
        return Some(RejectionReason::DuplicateIdentifier);
    }
    let decided = direction == Direction::Received && known.fate != Fate::Open;
    // An answer has no fate of its own.
    (decided && !payload.message_type().is_response()).then_some(RejectionReason::AlreadySubmitted)
}

async fn check_answer<H: History>(
    answer: &Payload,
    case: &Case<'_>,
    past: &Past<'_, H>,
) -> Result<Reasons, HistoryError> {
    let Some((id, response)) = answer.response() else { return Ok(Reasons::new()) };
    let request = past.message(Some(id)).await?;
    let mut reasons = response::answer(answer, response, case, request.as_ref());
    if case.direction == Direction::Received || !reasons.is_empty() {
        return Ok(reasons);
    }
    reasons.extend(response::has_reason(response));
    match answer {
        Payload::FlexSettlementResponse(message) => {
            reasons.extend(response::settlement_items(message, case, request.as_ref()));
        }
        Payload::DPrognosisResponse(message) => {
            for status in &message.flex_order_statuses {
                let order = past.message(Some(status.flex_order_message_id)).await?;
                reasons.extend(response::order_status(case, order.as_ref()));
            }
        }
        _ => {}
    }
    Ok(reasons)
}
