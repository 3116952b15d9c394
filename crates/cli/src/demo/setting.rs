use std::fmt::{self, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail, ensure};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use tieline_ocpp::Version;
use tieline_types::{IspCalendar, IspDay, IspDuration, IspRange, TimeSpan};
use tieline_uftp::SigningKey;

use super::charger::Fitted;
use crate::uftp::{new_key, write_secret};

const ZONE: &str = "Europe/Amsterdam";
const POINT: &str = "ean.871685900012345678";
const CONNECTION: &str = "ean.871685900012345001";

/// What the DSO needs less, in watts.
const NEED: i64 = 40_000;

/// A charger of the demo.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) identity: &'static str,
    pub(super) version: Version,
    pub(super) phases: u8,
    pub(super) maximum_current: u16,
    pub(super) unit: &'static str,
}

pub(super) const CHARGERS: [Plan; 5] = [
    Plan { identity: "CP-1", version: Version::V1_6, phases: 3, maximum_current: 32, unit: "W" },
    Plan { identity: "CP-2", version: Version::V1_6, phases: 3, maximum_current: 32, unit: "A" },
    Plan { identity: "CP-3", version: Version::V1_6, phases: 1, maximum_current: 16, unit: "A" },
    Plan { identity: "CP-4", version: Version::V2_0_1, phases: 3, maximum_current: 32, unit: "W" },
    Plan { identity: "CP-5", version: Version::V2_1, phases: 3, maximum_current: 16, unit: "W" },
];

impl Plan {
    /// What it draws when nobody limits it, in watts.
    fn full(&self) -> i64 {
        i64::from(self.phases) * 230 * i64::from(self.maximum_current)
    }

    /// Watts for one of its units.
    fn watts_per_unit(&self) -> i64 {
        if self.unit == "A" { i64::from(self.phases) * 230 } else { 1 }
    }
}

/// Two nodes' files, and what the DSO needs.
#[derive(Debug)]
pub(super) struct Setting {
    directory: PathBuf,
    dso: SocketAddr,
    agr: SocketAddr,
    ocpp: SocketAddr,
    day: IspDay,
    isps: IspRange,
    span: TimeSpan,
}

impl Setting {
    /// Makes keys and configurations in `directory`, for the next two ISPs after `now`.
    pub(super) fn prepare(directory: PathBuf, now: Timestamp) -> anyhow::Result<Self> {
        let calendar = IspCalendar::new(TimeZone::get(ZONE)?, IspDuration::from_minutes(15)?);
        let (day, isps) = next_isps(&calendar, now)?;
        let span = day.range(isps)?;
        let [dso, agr, ocpp] = free_addresses()?;
        let setting = Self { directory, dso, agr, ocpp, day, isps, span };
        std::fs::create_dir_all(&setting.directory)
            .with_context(|| setting.directory.display().to_string())?;
        let (dso_key, agr_key) = (new_key()?, new_key()?);
        write_secret(&setting.directory.join("dso.key"), &dso_key)?;
        write_secret(&setting.directory.join("agr.key"), &agr_key)?;
        write(&setting.dso_config(), &setting.dso_text(&agr_key))?;
        write(&setting.agr_config(), &setting.agr_text(&dso_key)?)?;
        Ok(setting)
    }

    pub(super) fn dso_config(&self) -> PathBuf {
        self.directory.join("dso.toml")
    }

    pub(super) fn agr_config(&self) -> PathBuf {
        self.directory.join("agr.toml")
    }

    pub(super) fn ocpp_address(&self) -> SocketAddr {
        self.ocpp
    }

    fn dso_text(&self, agr: &SigningKey) -> String {
        let peer = peer("agr.example.com", "AGR", self.agr, agr);
        let own = own("dso", "DSO", self.dso);
        let (start, duration) = (self.isps.start(), self.isps.duration());
        let (period, expires) = (self.day.date(), self.span.start());
        format!(
            "{own}{peer}
[[dso.need]]
reference = \"demo\"
congestion_point = \"{POINT}\"
aggregators = [\"agr.example.com\"]
period = \"{period}\"
isps = [{{ start = {start}, duration = {duration}, min = -{NEED}, max = 0 }}]
expires = \"{expires}\"
decide_after = \"5s\"
maximum_price = \"100.00\"
currency = \"EUR\"
"
        )
    }

    fn agr_text(&self, dso: &SigningKey) -> anyhow::Result<String> {
        let peer = peer("dso.example.com", "DSO", self.dso, dso);
        let own = own("agr", "AGR", self.agr);
        let mut text = format!(
            "{own}{peer}
[agr]
currency = \"EUR\"
price_per_mwh = \"85.00\"

[[agr.congestion_point]]
entity_address = \"{POINT}\"

[[agr.connection]]
entity_address = \"{CONNECTION}\"
congestion_point = \"{POINT}\"

[ocpp]
listen = \"{}\"
plaintext = true
id_tokens = \"any\"
",
            self.ocpp
        );
        for Plan { identity, phases, maximum_current, unit, .. } in &CHARGERS {
            write!(
                text,
                "
[[ocpp.charger]]
identity = \"{identity}\"
connection = \"{CONNECTION}\"
phases = {phases}
maximum_current = {maximum_current}
unit = \"{unit}\"
"
            )?;
        }
        Ok(text)
    }

    /// Whether the limits add up to what was ordered, are legal and end.
    pub(super) fn check(&self, told: &[Fitted]) -> anyhow::Result<()> {
        let baseline: i64 = CHARGERS.iter().map(Plan::full).sum();
        let mut sum = 0;
        for fitted in told {
            let plan =
                CHARGERS.iter().find(|plan| plan.identity == fitted.charger).context("an unknown charger")?;
            ensure!(
                fitted.start == self.span.start(),
                "{}: the limits start at {}",
                fitted.charger,
                fitted.start
            );
            ensure!(
                fitted.end() == self.span.end(),
                "{}: the limits end at {}",
                fitted.charger,
                fitted.end()
            );
            let [(0, limit)] = fitted.periods.as_slice() else {
                bail!("{}: the limit changes", fitted.charger)
            };
            let tenths: i64 = (*limit * rust_decimal::Decimal::TEN).try_into()?;
            let watts = tenths * plan.watts_per_unit() / 10;
            let minimum = i64::from(plan.phases) * 230 * 6;
            ensure!(watts == 0 || watts >= minimum, "{}: {watts} W is less than 6 A", fitted.charger);
            sum += watts;
        }
        ensure!(sum == baseline - NEED, "the limits add up to {sum} W instead of {} W", baseline - NEED);
        println!("\n  {baseline} W without the order, {NEED} W ordered away, {sum} W told: exact");
        Ok(())
    }
}

impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let zone = self.span.start().to_zoned(TimeZone::get(ZONE).unwrap_or(TimeZone::UTC));
        writeln!(
            f,
            "Tieline demo: one signed order from a grid operator reaches {} chargers.\n",
            CHARGERS.len()
        )?;
        writeln!(f, "  DSO  dso.example.com  http://{}  its own key and database", self.dso)?;
        writeln!(
            f,
            "  AGR  agr.example.com  http://{}  its own key and database, chargers at ws://{}/ocpp",
            self.agr, self.ocpp
        )?;
        write!(
            f,
            "  The DSO needs {} kW less behind {POINT} in ISPs {} to {} of {}, from {}.",
            NEED / 1000,
            self.isps.start(),
            self.isps.last(),
            self.day.date(),
            zone.strftime("%H:%M")
        )
    }
}

fn own(name: &str, role: &str, listen: SocketAddr) -> String {
    format!(
        "[node]
data = \"{name}\"

[uftp]
role = \"{role}\"
domain = \"{name}.example.com\"
signing_key_file = \"{name}.key\"
listen = \"{listen}\"
plaintext = true
time_zone = \"{ZONE}\"
isp_duration = \"PT15M\"
"
    )
}

fn peer(domain: &str, role: &str, address: SocketAddr, key: &SigningKey) -> String {
    format!(
        "
[[uftp.peer]]
domain = \"{domain}\"
role = \"{role}\"
endpoint = \"http://{address}/shapeshifter/api/v3/message\"
public_keys = [\"{}\"]
",
        key.verifying_key().to_base64()
    )
}

/// The next two ISPs, or the last one of the day where there is only one left.
fn next_isps(calendar: &IspCalendar, now: Timestamp) -> anyhow::Result<(IspDay, IspRange)> {
    let (today, current) = calendar.locate(now)?;
    let next_today = current.next().filter(|next| *next <= today.last());
    let (day, first) =
        if let Some(next) = next_today { (today, next) } else { calendar.locate(today.end())? };
    let last = first.next().filter(|next| *next <= day.last()).unwrap_or(first);
    Ok((day, IspRange::between(first, last)?))
}

/// Loopback addresses that nobody listens at.
fn free_addresses() -> anyhow::Result<[SocketAddr; 3]> {
    let bind = || {
        TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .and_then(|listener| Ok((listener.local_addr()?, listener)))
    };
    let (one, two, three) = (bind()?, bind()?, bind()?);
    Ok([one.0, two.0, three.0])
}

fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    std::fs::write(path, text).with_context(|| path.display().to_string())
}
