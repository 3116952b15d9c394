//! What is expected, measured and paid, with the Python library on the other side.

use anyhow::{Context as _, Result, ensure};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde_json::{Value, json};
use tempfile::TempDir;
use tieline_interop::{
    AGR_KEY, DSO_KEY, Event, Node, PeerConfig, ReportingConfig, UftpConfig, UftpPeer, free_port,
};

use crate::market;

const CONNECTION: &str = "ean.871685900012345001";

/// The local day, so many days from today, and how many quarters of an hour it has.
fn day(from_today: i64) -> Result<(Date, i64)> {
    let today = Timestamp::now().to_zoned(TimeZone::get("Europe/Amsterdam")?).date();
    let date = today.checked_add(jiff::Span::new().days(from_today))?;
    let zone = TimeZone::get("Europe/Amsterdam")?;
    let (start, end) = (date.to_zoned(zone.clone())?, date.tomorrow()?.to_zoned(zone)?);
    Ok((date, start.timestamp().duration_until(end.timestamp()).as_mins() / 15))
}

fn in_market_terms(date: Date) -> Value {
    json!({ "ISP-Duration": "PT15M", "TimeZone": "Europe/Amsterdam", "Period": date.to_string() })
}

fn config(role: &'static str, ports: (u16, u16, u16)) -> ReportingConfig {
    let (key, peer) = if role == "AGR" {
        (AGR_KEY, PeerConfig { role: "DSO", key: DSO_KEY, port: ports.1 })
    } else {
        (DSO_KEY, PeerConfig { role: "AGR", key: AGR_KEY, port: ports.1 })
    };
    ReportingConfig {
        uftp: UftpConfig { role, key, port: ports.0, peer },
        congestion_point: market::CONGESTION_POINT.to_owned(),
        connection: CONNECTION.to_owned(),
        ocpp_port: ports.2,
    }
}

/// A prognosis for each of today and tomorrow reaches the library, again after a kill, and its answer is taken.
#[test]
fn an_aggregator_says_what_it_expects() -> Result<()> {
    let directory = TempDir::new()?;
    let ports = (free_port()?, free_port()?, free_port()?);
    let mut node = Node::start(&config("AGR", ports), directory.path())?;
    node.kill()?;
    let mut dso = UftpPeer::dso(DSO_KEY, ports.1, AGR_KEY, ports.0, directory.path())?;
    node.restart()?;
    for from_today in [0, 1] {
        let (date, count) = day(from_today)?;
        let date = date.to_string();
        let prognosis = dso.peer().wait(&format!("the prognosis for {date}"), |event| {
            event.text("type") == Some("D-Prognosis") && event.text("fields.Period") == Some(&date)
        })?;
        ensure!(prognosis.text("fields.CongestionPoint") == Some(market::CONGESTION_POINT), "{prognosis}");
        let isps = prognosis.value("fields.ISP").and_then(Value::as_array).context("no ISPs")?;
        let covered: i64 = isps.iter().filter_map(|isp| isp["Duration"].as_i64()).sum();
        ensure!(covered == count, "{covered} of {count} ISPs: {prognosis}");
        let conversation = prognosis.required("conversation_id")?.to_owned();
        dso.send("D-PrognosisResponse", &market::accepted(&prognosis, "D-PrognosisMessageID")?)?;
        dso.delivered("D-PrognosisResponse", &conversation)?;
    }
    market::check(&mut dso, "AGR", directory.path())?;
    ensure!(market::business_messages(&mut dso)[&("D-Prognosis".to_owned(), String::new())] == 2);
    node.verified_journal().map(drop)
}

/// A settlement of an order that was never placed is rejected, item by item, in a way that the schema allows.
#[test]
fn an_aggregator_answers_a_settlement() -> Result<()> {
    let directory = TempDir::new()?;
    let ports = (free_port()?, free_port()?, free_port()?);
    let _node = Node::start(&config("AGR", ports), directory.path())?;
    let mut dso = UftpPeer::dso(DSO_KEY, ports.1, AGR_KEY, ports.0, directory.path())?;
    let (yesterday, _) = day(-1)?;
    let conversation = market::uuid(7);
    let isp = json!({
        "Start": 41, "Duration": 2, "BaselinePower": 30000, "OrderedFlexPower": -10000, "ActualPower": 20000,
        "DeliveredFlexPower": -10000, "PowerDeficiency": 0,
    });
    let settlement = json!({
        "ConversationID": conversation,
        "Result": "Accepted",
        "PeriodStart": yesterday.to_string(),
        "PeriodEnd": yesterday.to_string(),
        "Currency": "EUR",
        "FlexOrderSettlement": [{
            "OrderReference": "ORDER-9", "Period": yesterday.to_string(),
            "CongestionPoint": market::CONGESTION_POINT,
            "Price": "1.0000", "Penalty": "0.0000", "NetSettlement": "1.0000", "ISP": [isp],
        }],
        "ContractSettlement": [{
            "ContractID": "none",
            "Period": [{
                "Period": yesterday.to_string(),
                "ISP": [{ "Start": 1, "Duration": 1, "ReservedPower": 0 }],
            }],
        }],
    });
    dso.send("FlexSettlement", &settlement)?;
    let answer = dso.received("FlexSettlementResponse", &conversation)?;
    ensure!(answer.text("fields.Result") == Some("Rejected"), "{answer}");
    let reason = answer.required("fields.RejectionReason")?;
    ensure!(reason == "Unknown reference OrderReference", "{answer}");
    let status = answer.value("fields.FlexOrderSettlementStatus.0").context("no status")?;
    ensure!(status["OrderReference"] == "ORDER-9" && status["Disposition"] == "Disputed", "{answer}");
    market::check(&mut dso, "AGR", directory.path())
}

/// A grid operator takes the library's prognosis and metering, and says what is wrong with the next ones.
#[test]
fn a_grid_operator_takes_what_is_expected_and_measured() -> Result<()> {
    let directory = TempDir::new()?;
    let ports = (free_port()?, free_port()?, free_port()?);
    let mut node = Node::start(&config("DSO", ports), directory.path())?;
    let mut agr = UftpPeer::agr(AGR_KEY, ports.1, DSO_KEY, ports.0, directory.path())?;
    let (tomorrow, quarters) = day(1)?;
    let prognosis = |conversation: &str, count: i64| {
        market::with(
            in_market_terms(tomorrow),
            &json!({
                "ConversationID": conversation,
                "CongestionPoint": market::CONGESTION_POINT,
                "Revision": 1,
                "ISP": [{ "Power": 30000, "Start": 1, "Duration": count }],
            }),
        )
    };
    let (yesterday, hours) = day(-1)?;
    let metering = |conversation: &str| {
        let isps: Vec<Value> = (1..=hours).map(|isp| json!({ "Start": isp, "Value": "0.25" })).collect();
        market::with(
            in_market_terms(yesterday),
            &json!({
                "ConversationID": conversation,
                "Revision": 1,
                "EAN": "E871685900012345001",
                "Profile": [{ "ProfileType": "ImportEnergy", "Unit": "kWh", "ISP": isps }],
            }),
        )
    };
    let cases = [
        ("D-Prognosis", prognosis(&market::uuid(1), quarters), 1, None),
        (
            "D-Prognosis",
            prognosis(&market::uuid(2), quarters - 1),
            2,
            Some("Lacking ISPs; Subordinate sequence number"),
        ),
        ("Metering", metering(&market::uuid(3)), 3, None),
        ("Metering", metering(&market::uuid(4)), 4, Some("Subordinate sequence number")),
    ];
    for (message, fields, conversation, rejected) in cases {
        agr.send(message, &fields)?;
        let answer: Event = agr.received(&format!("{message}Response"), &market::uuid(conversation))?;
        ensure!(answer.text("fields.RejectionReason") == rejected, "{answer}");
        let result = if rejected.is_some() { "Rejected" } else { "Accepted" };
        ensure!(answer.text("fields.Result") == Some(result), "{answer}");
    }
    market::check(&mut agr, "DSO", directory.path())?;
    node.verified_journal().map(drop)
}
