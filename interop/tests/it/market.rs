//! What every market test shares: identifiers, the messages of a grid operator and an aggregator, and what must hold
//! of every message that the node sent.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use tieline_interop::{Event, IspWindow, Schema, UftpPeer};

pub(crate) const CONGESTION_POINT: &str = "ean.871685900012345678";

/// What the peers say about a message that they have had before.
const ALREADY_SUBMITTED: &str = "Already Submitted";

/// Business messages that arrived, by type and result, and how many of each.
pub(crate) type Messages = BTreeMap<(String, String), usize>;

/// A UUID made from a number, for the ids of one test.
pub(crate) fn uuid(number: u64) -> String {
    format!("00000000-0000-4000-8000-{number:012}")
}

/// `fields` with the members of `more`.
pub(crate) fn with(mut fields: Value, more: &Value) -> Value {
    if let (Some(fields), Some(more)) = (fields.as_object_mut(), more.as_object()) {
        fields.extend(more.clone());
    }
    fields
}

/// A FlexRequest for at most `reduction` watts less in each ISP of the window.
pub(crate) fn flex_request(
    window: &IspWindow,
    message_id: &str,
    conversation: &str,
    reduction: i64,
) -> Value {
    with(
        window.flex_message(CONGESTION_POINT),
        &json!({
            "MessageID": message_id,
            "ConversationID": conversation,
            "Revision": 1,
            "ExpirationDateTime": window.begin(0).to_string(),
            "ISP": [{
                "Disposition": "Requested",
                "MinPower": -reduction,
                "MaxPower": 0,
                "Start": window.first,
                "Duration": window.count,
            }],
        }),
    )
}

/// An Accepted response to `request`, whose reference is the attribute `reference`.
pub(crate) fn accepted(request: &Event, reference: &str) -> Result<Value> {
    Ok(json!({
        "ConversationID": request.required("conversation_id")?,
        "Result": "Accepted",
        reference: request.required("message_id")?,
    }))
}

/// The response to a repeated `request`, before it has been decided on.
pub(crate) fn already_submitted(request: &Event, reference: &str) -> Result<Value> {
    let rejected = json!({ "Result": "Rejected", "RejectionReason": ALREADY_SUBMITTED });
    Ok(with(accepted(request, reference)?, &rejected))
}

/// A FlexOrder for the first option of a FlexOffer, as it was offered.
pub(crate) fn flex_order(offer: &Event, message_id: &str) -> Result<Value> {
    let take = |path: &str| offer.value(path).cloned().with_context(|| format!("no {path} in {offer}"));
    Ok(json!({
        "MessageID": message_id,
        "ConversationID": take("conversation_id")?,
        "ISP-Duration": take("fields.ISP-Duration")?,
        "TimeZone": take("fields.TimeZone")?,
        "Period": take("fields.Period")?,
        "CongestionPoint": take("fields.CongestionPoint")?,
        "FlexOfferMessageID": take("message_id")?,
        "Price": take("fields.OfferOption.0.Price")?,
        "Currency": take("fields.Currency")?,
        "OrderReference": "ORDER-1",
        "OptionReference": take("fields.OfferOption.0.OptionReference")?,
        "ActivationFactor": "1.00",
        "ISP": take("fields.OfferOption.0.ISP")?,
    }))
}

/// The power of each ISP of the window in a list of ISP elements; nothing outside the window may have any.
pub(crate) fn powers(isps: &Value, window: &IspWindow) -> Result<Vec<i64>> {
    let mut powers = vec![0; usize::try_from(window.count)?];
    for isp in isps.as_array().context("a list of ISPs")? {
        let number = |name: &str| isp[name].as_i64().with_context(|| format!("no {name} in {isp}"));
        let (start, duration, power) = (number("Start")?, number("Duration")?, number("Power")?);
        for number in start..start + duration {
            match usize::try_from(number - window.first).ok().and_then(|index| powers.get_mut(index)) {
                Some(slot) => *slot = power,
                None => ensure!(power == 0, "{power} W in ISP {number}, which was not asked for"),
            }
        }
    }
    Ok(powers)
}

/// The business messages that a peer received. Answers to its own repeats are left out.
pub(crate) fn business_messages(peer: &mut UftpPeer) -> Messages {
    let mut messages = Messages::new();
    for message in peer.messages() {
        if message.text("fields.RejectionReason").is_some_and(|reason| reason.contains(ALREADY_SUBMITTED)) {
            continue;
        }
        let name = message.text("type").unwrap_or_default().to_owned();
        let result = message.text("fields.Result").unwrap_or_default().to_owned();
        *messages.entry((name, result)).or_default() += 1;
    }
    messages
}

/// The same, written down.
pub(crate) fn expected(messages: &[(&str, &str)]) -> Messages {
    messages.iter().map(|(name, result)| (((*name).to_owned(), (*result).to_owned()), 1)).collect()
}

/// What must hold of everything that a node in `role` sent: the right sender and role, repeats that are identical,
/// payloads that the schema finds valid; and nothing of what was sent to it may have failed.
pub(crate) fn check(peer: &mut UftpPeer, role: &str, directory: &Path) -> Result<()> {
    for event in peer.peer().events() {
        ensure!(!matches!(event.name(), "refused" | "expired" | "failed"), "{event}");
    }
    let messages = peer.messages();
    for message in messages.iter().chain(&peer.repeats()) {
        ensure!(message.is("identical"), "sent again with other bytes: {message}");
        ensure!(message.text("role") == Some(role), "not from {role}: {message}");
    }
    validate(&messages, directory)
}

/// The payloads of these messages are valid by the published XML schema.
#[expect(clippy::print_stdout, reason = "whoever runs the tests should see what they could not check")]
pub(crate) fn validate(messages: &[Event], directory: &Path) -> Result<()> {
    let Some(mut schema) = Schema::load(directory)? else {
        println!("the payloads are not validated: no XML schemas beside the workspace");
        return Ok(());
    };
    for message in messages {
        let complaints = schema.complaints(message.required("payload")?)?;
        ensure!(complaints.is_empty(), "{complaints:?} in {message}");
    }
    Ok(())
}
