//! The configuration files of the nodes.

use std::fmt::Write as _;
use std::net::SocketAddr;

use tieline_sim::RateUnit;
use tieline_sim::grid::GridNeed;
use tieline_uftp::SigningKey;

use super::market::Market;
use super::scene::{AGR, Addresses, CRO, DSO, Keys, POINT};

/// What the aggregator asks for a megawatt hour, in EUR.
const PRICE: &str = "85.00";
/// What it owes for a megawatt hour that it did not deliver, in EUR.
const PENALTY: &str = "200.00";

pub(super) fn dso(market: &Market, addresses: &Addresses, keys: &Keys) -> String {
    let mut text = own("dso", "DSO", addresses.dso, market, addresses);
    text += &peer(AGR, "AGR", addresses.agr, &keys.agr);
    text += &peer(CRO, "CRO", addresses.cro, &keys.cro);
    text += &registered();
    let connections: Vec<String> =
        market.population.connections().iter().map(|known| format!("\"{}\"", known.address)).collect();
    let isps: Vec<String> = market.needs.iter().map(isp).collect();
    let (period, request_at) = (market.day.date(), market.request_at);
    let expires = request_at + jiff::SignedDuration::from_mins(30);
    let _ = write!(
        text,
        "
[[dso.congestion_point]]
entity_address = \"{POINT}\"
aggregators = [\"{AGR}\"]
connections = [{connections}]
day_ahead_redispatch_by = \"AGR\"

[dso.settlement]
period = \"day\"
after = \"3h\"
penalty_per_mwh = \"{PENALTY}\"
currency = \"EUR\"

[[dso.need]]
reference = \"evening\"
congestion_point = \"{POINT}\"
aggregators = [\"{AGR}\"]
period = \"{period}\"
request_at = \"{request_at}\"
isps = [
{isps}]
expires = \"{expires}\"
decide_after = \"5m\"
currency = \"EUR\"
",
        connections = connections.join(", "),
        isps = isps.concat(),
    );
    text
}

fn isp(need: &GridNeed) -> String {
    let GridNeed { isps, requested, min, max } = need;
    let (start, duration) = (isps.start(), isps.duration());
    let (min, max) = (min.watts(), max.watts());
    let available = if *requested { "" } else { ", available = true" };
    format!("  {{ start = {start}, duration = {duration}, min = {min}, max = {max}{available} }},\n")
}

pub(super) fn agr(market: &Market, addresses: &Addresses, keys: &Keys) -> String {
    let mut text = own("agr", "AGR", addresses.agr, market, addresses);
    text += &peer(DSO, "DSO", addresses.dso, &keys.dso);
    text += &peer(CRO, "CRO", addresses.cro, &keys.cro);
    text += &registered();
    let _ = write!(
        text,
        "
[agr]
currency = \"EUR\"
price_per_mwh = \"{PRICE}\"
metering_after = \"1h\"

[agr.settlement]
penalty_per_mwh = \"{PENALTY}\"

[[agr.congestion_point]]
entity_address = \"{POINT}\"
dso = \"{DSO}\"
expected_load = \"expected-load.csv\"
"
    );
    for known in market.population.connections() {
        let (address, limit) = (&known.address, known.limit.watts());
        let _ = write!(
            text,
            "
[[agr.connection]]
entity_address = \"{address}\"
congestion_point = \"{POINT}\"
limit = {limit}
"
        );
    }
    let _ = write!(
        text,
        "
[ocpp]
listen = \"{}\"
plaintext = true
id_tokens = \"any\"
heartbeat_interval = \"1h\"
",
        addresses.ocpp
    );
    for (index, charger) in market.population.chargers().iter().enumerate() {
        let Some(connection) = market.population.connection_of(index) else { continue };
        let unit = if charger.unit == RateUnit::Watts { "W" } else { "A" };
        let _ = write!(
            text,
            "
[[ocpp.charger]]
identity = \"{}\"
connection = \"{}\"
phases = {}
maximum_current = {}
unit = \"{unit}\"
",
            charger.identity, connection.address, charger.phases, charger.maximum_current
        );
    }
    text
}

/// It serves the two others.
pub(super) fn cro(market: &Market, addresses: &Addresses, keys: &Keys) -> String {
    let mut text = own("cro", "CRO", addresses.cro, market, addresses);
    text += &peer(DSO, "DSO", addresses.dso, &keys.dso);
    text += &peer(AGR, "AGR", addresses.agr, &keys.agr);
    text += "\n[cro]\nmode = \"closed\"\n";
    for (role, domain) in [("DSO", DSO), ("AGR", AGR)] {
        let _ = write!(text, "\n[[cro.member]]\nrole = \"{role}\"\ndomain = \"{domain}\"\n");
    }
    text
}

/// `HH:MM,watts` for each quarter of an hour of the local day that has it.
pub(super) fn expected_load(market: &Market) -> String {
    let mut rows: Vec<(jiff::civil::Time, i64)> = Vec::new();
    for ((_, span), power) in market.day.isps().zip(&market.expected) {
        let time = market.calendar.time_zone().to_datetime(span.start()).time();
        // The hour that a day in autumn has twice is written once.
        if rows.iter().all(|(known, _)| *known != time) {
            rows.push((time, power.watts()));
        }
    }
    rows.sort_unstable();
    rows.iter().fold(String::from("time,watts\n"), |mut text, (time, watts)| {
        let _ = writeln!(text, "{},{watts}", time.strftime("%H:%M"));
        text
    })
}

fn own(name: &str, role: &str, listen: SocketAddr, market: &Market, addresses: &Addresses) -> String {
    format!(
        "[node]
data = \"{name}\"

[clock]
server = \"{clock}\"
name = \"{name}\"

[uftp]
role = \"{role}\"
domain = \"{name}.example.com\"
signing_key_file = \"{name}.key\"
listen = \"{listen}\"
plaintext = true
time_zone = \"{zone}\"
isp_duration = \"PT15M\"
",
        clock = addresses.clock,
        zone = market.calendar.zone_name().unwrap_or_default(),
    )
}

/// With whom it registers what it has.
fn registered() -> String {
    format!("\n[uftp.cro]\ndomain = \"{CRO}\"\n")
}

/// Connections have the 18 digits of a European article number; the schemas of UFTP have 16.
fn peer(domain: &str, role: &str, address: SocketAddr, key: &SigningKey) -> String {
    format!(
        "
[[uftp.peer]]
domain = \"{domain}\"
role = \"{role}\"
endpoint = \"http://{address}/shapeshifter/api/v3/message\"
public_keys = [\"{}\"]
tolerances = [\"eighteen_digit_ean\"]
",
        key.verifying_key().to_base64()
    )
}
