use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tieline_ocpp::{AbsentMember, Identity, MessageRate, Tolerance, Version};
use tieline_types::EntityAddress;

use super::key_file::read_secret;
use super::proxy::{ProxyConfig, ProxyFile};
use super::tls::{ChargersTlsFile, Transport, transport};
use super::{ConfigError, Interval, ListenerLimits, path};

/// The chargers' side of a node.
#[derive(Debug)]
#[non_exhaustive]
pub struct OcppConfig {
    /// Where chargers connect to.
    pub listen: SocketAddr,
    /// The path before the charger's identity.
    pub path: String,
    /// How the listener protects connections.
    pub transport: Transport,
    /// The CSMS that the chargers are passed on to, if they are not this node's own.
    pub proxy: Option<ProxyConfig>,
    /// Whose identification is accepted: nobody's where another CSMS decides.
    pub id_tokens: IdTokens,
    /// The organization in chargers' certificates (`CpoName` of 1.6, `OrganizationName` of 2.x), if one is demanded.
    pub cpo_name: Option<String>,
    /// How often a charger is to send Heartbeat.
    pub heartbeat_interval: Interval,
    /// How many messages each charger may send; without it, as many as it can.
    pub message_rate: Option<MessageRate>,
    /// What the listener bears.
    pub limits: ListenerLimits,
    /// The chargers that may connect.
    pub chargers: Vec<ChargerConfig>,
}

/// Whose identification (1.6 idTag, 2.x idToken) is accepted.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum IdTokens {
    /// Only these.
    Listed(Vec<String>),
    /// Everybody's: the file says `"any"`.
    Any(Any),
}

/// The word `any`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Any {
    /// `any`
    Any,
}

impl IdTokens {
    /// Whether `token` is accepted; 1.6 compares without case.
    pub fn accepts(&self, token: &str) -> bool {
        match self {
            Self::Any(_) => true,
            Self::Listed(tokens) => tokens.iter().any(|known| known.eq_ignore_ascii_case(token)),
        }
    }
}

/// The unit in which a charger's profiles are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ProfileUnit {
    /// Watts.
    W,
    /// Amperes per phase, in steps of 0.1 A.
    A,
}

/// One charger.
#[derive(Clone)]
#[non_exhaustive]
pub struct ChargerConfig {
    /// Its identity, the last segment of the path that it connects to.
    pub identity: String,
    /// The connection that feeds it.
    pub connection: EntityAddress,
    /// Phases of each EVSE: 1 to 3.
    pub phases: u8,
    /// Volts between phase and neutral.
    pub voltage: u16,
    /// Amperes per phase, at the most.
    pub maximum_current: u16,
    /// The unit of its profiles; `None` for the one that the charger says that it takes.
    pub unit: Option<ProfileUnit>,
    /// Its Basic password.
    pub password: Option<String>,
    /// The common name of its client certificate (security profile 3). Without this and a password it connects unauthenticated.
    pub serial_number: Option<String>,
    /// What is forgiven to it.
    pub tolerance: Tolerance,
}

impl std::fmt::Debug for ChargerConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ChargerConfig")
            .field("identity", &self.identity)
            .field("connection", &self.connection)
            .field("phases", &self.phases)
            .field("voltage", &self.voltage)
            .field("maximum_current", &self.maximum_current)
            .field("unit", &self.unit)
            .field("password", &self.password.as_ref().map(|_| "…"))
            .field("serial_number", &self.serial_number)
            .field("tolerance", &self.tolerance)
            .finish()
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OcppFile {
    listen: SocketAddr,
    #[serde(default = "default_path")]
    path: String,
    tls: Option<ChargersTlsFile>,
    #[serde(default)]
    plaintext: bool,
    proxy: Option<ProxyFile>,
    id_tokens: Option<IdTokens>,
    cpo_name: Option<String>,
    #[serde(default = "default_heartbeat")]
    heartbeat_interval: Interval,
    message_rate: Option<MessageRateFile>,
    #[serde(default)]
    limits: ListenerLimits,
    #[serde(default)]
    charger: Vec<ChargerFile>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct MessageRateFile {
    per_second: NonZeroU32,
    burst: NonZeroU32,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ChargerFile {
    identity: String,
    connection: EntityAddress,
    phases: u8,
    #[serde(default = "default_voltage")]
    voltage: u16,
    maximum_current: u16,
    unit: Option<ProfileUnit>,
    password_file: Option<PathBuf>,
    serial_number: Option<String>,
    #[serde(default)]
    tolerances: Vec<String>,
    #[serde(default)]
    absent_member: Vec<AbsentMemberFile>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct AbsentMemberFile {
    action: String,
    member: String,
    value: toml::Value,
}

fn default_path() -> String {
    "/ocpp".to_owned()
}

const fn default_heartbeat() -> Interval {
    Interval::from_secs(300)
}

const fn default_voltage() -> u16 {
    230
}

impl OcppFile {
    pub(super) fn resolve(self, base: &Path) -> Result<OcppConfig, ConfigError> {
        let transport = transport("ocpp", base, self.tls, self.plaintext)?;
        if !self.path.is_empty() {
            path::check("ocpp.path", &self.path)?;
        }
        if self.path.ends_with('/') {
            return Err(ConfigError::invalid(
                "ocpp.path",
                "has no / at its end: it stands before the identity",
            ));
        }
        let proxy = self.proxy.map(|proxy| proxy.resolve(base)).transpose()?;
        let id_tokens = match (self.id_tokens, &proxy) {
            (Some(tokens), None) => tokens,
            (None, Some(_)) => IdTokens::Listed(Vec::new()),
            (None, None) => {
                return Err(ConfigError::invalid(
                    "ocpp.id_tokens",
                    "is \"any\", or the tokens that are accepted",
                ));
            }
            (Some(_), Some(_)) => {
                let cause = "means nothing with ocpp.proxy: the CSMS behind decides";
                return Err(ConfigError::invalid("ocpp.id_tokens", cause));
            }
        };
        let chargers =
            self.charger.into_iter().map(|charger| charger.resolve(base)).collect::<Result<Vec<_>, _>>()?;
        for (index, charger) in chargers.iter().enumerate() {
            if proxy.is_some() && charger.password.is_some() {
                return Err(ConfigError::invalid(
                    format!("ocpp.charger {} password_file", charger.identity),
                    "means nothing with ocpp.proxy: the CSMS behind knows the password",
                ));
            }
            if charger.serial_number.is_some() && !transport.asks_for_certificates() {
                return Err(ConfigError::invalid(
                    format!("ocpp.charger {} serial_number", charger.identity),
                    "is that of a certificate, and ocpp.tls.client_authorities names nobody who issues one",
                ));
            }
            if chargers.iter().take(index).any(|other| other.identity == charger.identity) {
                return Err(ConfigError::invalid(
                    format!("ocpp.charger {}", charger.identity),
                    "is there twice",
                ));
            }
        }
        Ok(OcppConfig {
            listen: self.listen,
            path: self.path,
            transport,
            id_tokens,
            proxy,
            cpo_name: self.cpo_name,
            heartbeat_interval: self.heartbeat_interval,
            message_rate: self
                .message_rate
                .map(|rate| MessageRate { per_second: rate.per_second.get(), burst: rate.burst.get() }),
            limits: self.limits.check("ocpp")?,
            chargers,
        })
    }
}

impl ChargerFile {
    fn resolve(self, base: &Path) -> Result<ChargerConfig, ConfigError> {
        let key = format!("ocpp.charger {}", self.identity);
        let supply = (self.phases, self.voltage, self.maximum_current);
        let mut charger =
            checked_charger(&self.identity, &self.connection, supply, self.unit, &self.tolerances)?;
        let password = self
            .password_file
            .map(|path| {
                read_secret(&base.join(path)).map(|text| text.trim_end_matches(['\r', '\n']).to_owned())
            })
            .transpose()?;
        if password.as_ref().is_some_and(String::is_empty) {
            return Err(ConfigError::invalid(format!("{key} password_file"), "holds no password"));
        }
        charger.tolerance.absent_members = absent_members(&key, self.absent_member)?;
        charger.password = password;
        if self.serial_number.as_ref().is_some_and(String::is_empty) {
            return Err(ConfigError::invalid(format!("{key} serial_number"), "is not empty"));
        }
        charger.serial_number = self.serial_number;
        Ok(charger)
    }
}

/// A charger of this identity and connection, with phases, volts and amperes, without a password.
///
/// # Errors
///
/// One of them is none that a charger can have.
pub(crate) fn checked_charger(
    identity: &str,
    connection: &EntityAddress,
    (phases, voltage, maximum_current): (u8, u16, u16),
    unit: Option<ProfileUnit>,
    tolerances: &[String],
) -> Result<ChargerConfig, ConfigError> {
    let key = format!("ocpp.charger {identity}");
    // The rules of 1.6, which are the widest.
    Identity::parse(identity, Version::V1_6)
        .map_err(|error| ConfigError::invalid(format!("{key} identity"), error))?;
    if !(1..=3).contains(&phases) {
        return Err(ConfigError::invalid(format!("{key} phases"), "is 1, 2 or 3"));
    }
    if maximum_current < 6 {
        return Err(ConfigError::invalid(
            format!("{key} maximum_current"),
            "an EV can't be told less than 6 A, so less is no charger",
        ));
    }
    if voltage == 0 {
        return Err(ConfigError::invalid(format!("{key} voltage"), "is 1 or more"));
    }
    Ok(ChargerConfig {
        identity: identity.to_owned(),
        connection: connection.clone(),
        phases,
        voltage,
        maximum_current,
        unit,
        password: None,
        serial_number: None,
        tolerance: tolerance(&key, tolerances)?,
    })
}

fn tolerance(key: &str, names: &[String]) -> Result<Tolerance, ConfigError> {
    let mut tolerance = Tolerance::strict();
    for name in names {
        match name.as_str() {
            "all" => tolerance = Tolerance::lenient(),
            name => {
                tolerance
                    .set(name)
                    .map_err(|error| ConfigError::invalid(format!("{key} tolerances"), error))?;
            }
        }
    }
    Ok(tolerance)
}

fn absent_members(key: &str, absent: Vec<AbsentMemberFile>) -> Result<Vec<AbsentMember>, ConfigError> {
    let absent_member = |AbsentMemberFile { action, member, value }| {
        let invalid = |why: &dyn std::fmt::Display| {
            ConfigError::invalid(format!("{key} absent_member {action} {member}"), why)
        };
        if !member.starts_with('/') {
            return Err(invalid(&"is a JSON pointer, such as /chargingStation/vendorName"));
        }
        let value = serde_json::to_value(value).map_err(|error| invalid(&error))?;
        Ok(AbsentMember { action, member, value })
    };
    absent.into_iter().map(absent_member).collect()
}
