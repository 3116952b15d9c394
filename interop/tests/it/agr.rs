//! The Python grid operator trades with our aggregator.

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use jiff::Timestamp;
use serde_json::json;
use tieline_interop::{AGR_KEY, Event, OcppVersion, PATIENCE, Unit, run, write_secret};

use crate::exchange::Exchange;
use crate::market;

#[test]
fn offers_what_its_chargers_can_do_within_the_request() -> Result<()> {
    let mut exchange = Exchange::start(&[(OcppVersion::V16, Unit::W)], None)?;
    let offer = request(&mut exchange);
    let offer = exchange.explained(offer)?;
    let window = exchange.window.clone();

    assert_eq!(
        market::powers(offer.value("fields.OfferOption.0.ISP").context("no ISPs")?, &window)?,
        [-10_000; 4]
    );
    // 10 kW for one hour at 85.00 EUR/MWh.
    assert_eq!(offer.text("fields.OfferOption.0.Price"), Some("0.8500"));
    assert_eq!(offer.text("fields.Currency"), Some("EUR"));
    assert_eq!(offer.text("fields.CongestionPoint"), Some(market::CONGESTION_POINT));
    assert_eq!(offer.text("fields.Period"), Some(window.period.to_string().as_str()));
    let expires: Timestamp = offer.required("fields.ExpirationDateTime")?.parse()?;
    assert!(expires > Timestamp::now() && expires <= window.end(), "expires at {expires}");
    Ok(())
}

fn request(exchange: &mut Exchange) -> Result<Event> {
    exchange.charge()?;
    let offer = exchange.request(10_000)?;
    market::check(&mut exchange.dso, "AGR", exchange.directory.path())?;
    Ok(offer)
}

#[test]
fn answers_a_test_message() -> Result<()> {
    let mut exchange = Exchange::start(&[], None)?;
    let conversation = market::uuid(7);
    exchange.dso.send("TestMessage", &json!({ "ConversationID": conversation }))?;
    let answer = exchange.dso.received("TestMessageResponse", &conversation);
    exchange.explained(answer)?;
    market::check(&mut exchange.dso, "AGR", exchange.directory.path())
}

/// The command line seals a TestMessage, the Python grid operator takes it and answers, and our node takes the answer,
/// with the `Result` that shapeshifter-uftp gives it against the schema.
#[test]
fn sends_a_test_message_from_the_command_line() -> Result<()> {
    let mut exchange = Exchange::start(&[], None)?;
    let (message, conversation) = (market::uuid(8), market::uuid(9));
    let payload = format!(
        r#"<?xml version="1.0" encoding="UTF-8"?>
<TestMessage Version="3.1.0" SenderDomain="agr.example.com" RecipientDomain="dso.example.com" TimeStamp="{now}" MessageID="{message}" ConversationID="{conversation}"/>
"#,
        now = Timestamp::now(),
    );
    let directory = exchange.directory.path().to_owned();
    fs::write(directory.join("test-message.xml"), &payload)?;
    write_secret(&directory.join("seal.key"), AGR_KEY.secret)?;
    let seal = [
        "uftp",
        "seal",
        "--key",
        "seal.key",
        "--domain",
        "agr.example.com",
        "--role",
        "AGR",
        "test-message.xml",
    ];
    let envelope = run(&seal, &directory)?;
    let endpoint = exchange.dso.endpoint.clone();
    assert_eq!(exchange.dso.post(&endpoint, &envelope)?, 200);
    exchange.dso.received("TestMessage", &conversation)?;

    fs::write(directory.join("sealed.xml"), &envelope)?;
    let opened = run(&["uftp", "open", "--public-key", AGR_KEY.public, "sealed.xml"], &directory)?;
    assert_eq!(opened.trim_end(), payload.trim_end());

    // The library answers by itself and reports nothing, so the node's journal is asked.
    let answer = journalled(&exchange, &conversation, "TestMessageResponse");
    exchange.explained(answer)
}

/// Waits until the node's journal has a message of this type and conversation.
fn journalled(exchange: &Exchange, conversation: &str, message: &str) -> Result<()> {
    let deadline = Instant::now() + PATIENCE;
    while Instant::now() < deadline {
        if exchange.node.journal()?.lines().any(|line| line.contains(conversation) && line.contains(message))
        {
            return Ok(());
        }
        thread::sleep(Duration::from_millis(100));
    }
    bail!("no {message} in the journal:\n{}", exchange.node.journal()?)
}
