//! What our aggregator refuses.

use anyhow::Result;
use serde_json::json;

use crate::exchange::Exchange;
use crate::market;

#[test]
fn a_request_for_an_isp_that_the_day_does_not_have() -> Result<()> {
    let mut exchange = Exchange::start(&[], None)?;
    let conversation = market::uuid(1);
    let request = market::flex_request(&exchange.window, &market::uuid(2), &conversation, 10_000);
    // 101 is beyond even the longest day, that of the autumn's clock change.
    let isp = json!([{ "Disposition": "Requested", "MinPower": -10_000, "MaxPower": 0, "Start": 101, "Duration": 1 }]);
    exchange.dso.send("FlexRequest", &market::with(request, &json!({ "ISP": isp })))?;
    let response = exchange.dso.received("FlexRequestResponse", &conversation);
    let response = exchange.explained(response)?;
    assert_eq!(response.text("fields.Result"), Some("Rejected"));
    let reason = response.required("fields.RejectionReason")?;
    assert!(reason.to_lowercase().contains("isps out of bounds"), "{reason}");
    assert_eq!(response.text("fields.FlexRequestMessageID"), Some(market::uuid(2).as_str()));
    market::check(&mut exchange.dso, "AGR", exchange.directory.path())
}

#[test]
fn a_request_for_a_congestion_point_that_it_does_not_serve() -> Result<()> {
    let mut exchange = Exchange::start(&[], None)?;
    let conversation = market::uuid(1);
    let request = market::flex_request(&exchange.window, &market::uuid(2), &conversation, 10_000);
    exchange.dso.send(
        "FlexRequest",
        &market::with(request, &json!({ "CongestionPoint": "ean.111111111111111111" })),
    )?;
    let response = exchange.dso.received("FlexRequestResponse", &conversation);
    let response = exchange.explained(response)?;
    assert_eq!(response.text("fields.Result"), Some("Rejected"));
    let reason = response.required("fields.RejectionReason")?;
    assert!(reason.to_lowercase().contains("invalid congestion point"), "{reason}");
    Ok(())
}

#[test]
fn a_message_with_a_bad_signature() -> Result<()> {
    let mut exchange = Exchange::start(&[], None)?;
    let request = market::flex_request(&exchange.window, &market::uuid(2), &market::uuid(1), 10_000);
    assert_eq!(exchange.dso.send_corrupted("FlexRequest", &request)?, 401);
    let journal = exchange.node.verified_journal()?;
    assert!(!journal.contains(&market::uuid(2)), "an unsigned message reached the journal: {journal}");
    Ok(())
}

#[test]
fn what_is_no_signed_message_or_comes_from_a_stranger() -> Result<()> {
    let mut exchange = Exchange::start(&[], None)?;
    let endpoint = exchange.node_endpoint.clone();
    assert_eq!(exchange.dso.post(&endpoint, "<FlexRequest/>")?, 400);
    assert_eq!(exchange.dso.post(&endpoint, "not XML at all")?, 400);
    let stranger = r#"<SignedMessage SenderDomain="nobody.example.com" SenderRole="DSO" Body="AAAA"/>"#;
    assert_eq!(exchange.dso.post(&endpoint, stranger)?, 419);
    Ok(())
}
