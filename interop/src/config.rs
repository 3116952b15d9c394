//! Configuration files for a node.

use std::fmt::Write as _;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::isp_window::TIME_ZONE;
use crate::uftp_peer::endpoint;
use crate::{IspWindow, KeyPair};

/// The UFTP half of a node's configuration.
#[derive(Debug, Clone)]
pub struct UftpConfig {
    /// `AGR` or `DSO`; the domain follows from it (`agr.example.com`).
    pub role: &'static str,
    /// The node's own keys.
    pub key: KeyPair,
    /// The port that it listens on.
    pub port: u16,
    /// Its counterpart.
    pub peer: PeerConfig,
}

/// The counterpart of a node.
#[derive(Debug, Clone)]
pub struct PeerConfig {
    /// `AGR` or `DSO`; the domain follows from it.
    pub role: &'static str,
    /// Its keys, of which the public one is configured.
    pub key: KeyPair,
    /// The port that it listens on.
    pub port: u16,
}

/// A node in the role of aggregator.
#[derive(Debug, Clone)]
pub struct AgrConfig {
    /// Its market side.
    pub uftp: UftpConfig,
    /// The congestion point of every connection.
    pub congestion_point: String,
    /// The port that chargers connect to.
    pub ocpp_port: u16,
    /// The chargers, each on a connection of its own.
    pub chargers: Vec<ChargerConfig>,
}

/// A charger that a node knows.
#[derive(Debug, Clone)]
pub struct ChargerConfig {
    /// Its identity.
    pub identity: String,
    /// Its connection's EntityAddress.
    pub connection: String,
    /// The unit in which its profiles are written.
    pub unit: Unit,
    /// Its Basic authentication password, if it has one.
    pub password: Option<String>,
}

/// The unit of charging limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Watts.
    W,
    /// Amperes per phase.
    A,
}

/// A node in the role of grid operator.
#[derive(Debug, Clone)]
pub struct DsoConfig {
    /// Its market side.
    pub uftp: UftpConfig,
    /// The congestion point in need.
    pub congestion_point: String,
    /// When help is needed.
    pub window: IspWindow,
    /// What is needed in each ISP, in watts relative to the baseline.
    pub minimum_power: i64,
    /// The highest price that is paid for an offer, EUR.
    pub maximum_price: Option<&'static str>,
}

/// A node that exchanges with its counterpart what is expected, measured and paid at a point with one connection.
#[derive(Debug, Clone)]
pub struct ReportingConfig {
    /// Its market side, in either role.
    pub uftp: UftpConfig,
    /// The congestion point.
    pub congestion_point: String,
    /// The connection behind it.
    pub connection: String,
    /// The port that chargers connect to, if it is an aggregator.
    pub ocpp_port: u16,
}

/// Files beside `tieline.toml`, with their contents.
pub(crate) type Secrets = Vec<(String, String)>;

/// What a node is configured with.
pub trait Config {
    /// The text of `tieline.toml`.
    fn toml(&self) -> String;
    /// The secret files that it names.
    fn secrets(&self) -> Secrets;
}

impl UftpConfig {
    fn write(&self, out: &mut String) {
        let Self { role, key: _, port, peer } = self;
        let (domain, peer_domain) = (domain(role), domain(peer.role));
        let _ = write!(
            out,
            r#"[node]
data = "data"

[uftp]
role = "{role}"
domain = "{domain}"
signing_key_file = "signing.key"
listen = "127.0.0.1:{port}"
time_zone = "{TIME_ZONE}"
isp_duration = "PT15M"
plaintext = true

[uftp.retry]
first = "100ms"
max = "500ms"
give_up_after = "2h"

[[uftp.peer]]
domain = "{peer_domain}"
role = "{peer_role}"
endpoint = "{endpoint}"
public_keys = ["{public}"]
tolerances = ["result_on_test_message_response", "eighteen_digit_ean"]
"#,
            peer_role = peer.role,
            endpoint = endpoint(peer.port),
            public = peer.key.public,
        );
    }

    fn secrets(&self) -> Secrets {
        vec![("signing.key".to_owned(), format!("{}\n", self.key.secret))]
    }
}

impl Config for AgrConfig {
    fn toml(&self) -> String {
        let mut out = String::new();
        self.uftp.write(&mut out);
        let _ = write!(
            out,
            r#"
[agr]
currency = "EUR"
price_per_mwh = "85.00"
plan_ahead = "3h"
offer_valid_for = "1h"

[[agr.congestion_point]]
entity_address = "{congestion_point}"

[ocpp]
listen = "127.0.0.1:{port}"
path = "/ocpp"
plaintext = true
id_tokens = "any"
heartbeat_interval = "5m"
"#,
            congestion_point = self.congestion_point,
            port = self.ocpp_port,
        );
        for charger in &self.chargers {
            let ChargerConfig { identity, connection, unit, password } = charger;
            let _ = write!(
                out,
                r#"
[[agr.connection]]
entity_address = "{connection}"
congestion_point = "{congestion_point}"

[[ocpp.charger]]
identity = "{identity}"
connection = "{connection}"
phases = 3
voltage = 230
maximum_current = 32
unit = "{unit:?}"
"#,
                congestion_point = self.congestion_point,
            );
            if password.is_some() {
                let _ = writeln!(out, r#"password_file = "{identity}.password""#);
            }
        }
        out
    }

    fn secrets(&self) -> Secrets {
        let passwords = self.chargers.iter().filter_map(|charger| {
            charger
                .password
                .as_ref()
                .map(|password| (format!("{}.password", charger.identity), format!("{password}\n")))
        });
        self.uftp.secrets().into_iter().chain(passwords).collect()
    }
}

impl Config for DsoConfig {
    fn toml(&self) -> String {
        let mut out = String::new();
        self.uftp.write(&mut out);
        let IspWindow { period, first, count, start } = &self.window;
        let _ = write!(
            out,
            r#"
[[dso.need]]
reference = "interop"
congestion_point = "{congestion_point}"
aggregators = ["{aggregator}"]
period = "{period}"
isps = [ {{ start = {first}, duration = {count}, min = {minimum}, max = 0 }} ]
expires = "{expires}"
decide_after = "1s"
currency = "EUR"
"#,
            congestion_point = self.congestion_point,
            aggregator = domain(self.uftp.peer.role),
            minimum = self.minimum_power,
            expires = with_offset(*start),
        );
        if let Some(price) = self.maximum_price {
            let _ = writeln!(out, r#"maximum_price = "{price}""#);
        }
        out
    }

    fn secrets(&self) -> Secrets {
        self.uftp.secrets()
    }
}

impl Config for ReportingConfig {
    fn toml(&self) -> String {
        let mut out = String::new();
        self.uftp.write(&mut out);
        let Self { uftp, congestion_point, connection, ocpp_port } = self;
        let peer = domain(uftp.peer.role);
        if uftp.role == "DSO" {
            let _ = write!(
                out,
                r#"
[[dso.congestion_point]]
entity_address = "{congestion_point}"
connections = ["{connection}"]
aggregators = ["{peer}"]

[dso.settlement]
period = "day"
currency = "EUR"
"#
            );
            return out;
        }
        let _ = write!(
            out,
            r#"
[agr]
currency = "EUR"
price_per_mwh = "85.00"
prognosis_at = "00:00"

[[agr.congestion_point]]
entity_address = "{congestion_point}"
dso = "{peer}"

[[agr.connection]]
entity_address = "{connection}"
congestion_point = "{congestion_point}"

[ocpp]
listen = "127.0.0.1:{ocpp_port}"
plaintext = true
id_tokens = "any"
"#
        );
        out
    }

    fn secrets(&self) -> Secrets {
        self.uftp.secrets()
    }
}

fn domain(role: &str) -> String {
    format!("{}.example.com", role.to_lowercase())
}

fn with_offset(instant: Timestamp) -> String {
    instant
        .display_with_offset(instant.to_zoned(TimeZone::get(TIME_ZONE).unwrap_or(TimeZone::UTC)).offset())
        .to_string()
}
