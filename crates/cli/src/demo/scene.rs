use std::fmt;
use std::net::{IpAddr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use tieline_sim::{Behaviour, Scenario};
use tieline_types::{EntityAddress, TimeSpan};
use tieline_uftp::SigningKey;

use super::market::Market;
use super::{Demo, config, write};
use crate::uftp::{new_key, write_secret};

pub(super) const DSO: &str = "dso.example.com";
pub(super) const AGR: &str = "agr.example.com";
pub(super) const CRO: &str = "cro.example.com";
pub(super) const POINT: &str = "ean.871685900012345678";

/// The day, and the files of those who act in it.
#[derive(Debug)]
pub(super) struct Scene {
    pub(super) directory: PathBuf,
    pub(super) addresses: Addresses,
    pub(super) market: Market,
    pub(super) behaviours: Vec<Behaviour>,
    pub(super) seed: u64,
}

/// Where everybody listens.
#[derive(Clone, Copy, Debug)]
pub(super) struct Addresses {
    pub(super) dso: SocketAddr,
    pub(super) agr: SocketAddr,
    pub(super) cro: SocketAddr,
    pub(super) ocpp: SocketAddr,
    pub(super) clock: SocketAddr,
}

/// What everybody signs with.
#[derive(Debug)]
pub(super) struct Keys {
    pub(super) dso: SigningKey,
    pub(super) agr: SigningKey,
    pub(super) cro: SigningKey,
}

impl Scene {
    /// Draws the day and writes keys and configurations into `directory`.
    pub(super) fn set(demo: &Demo, directory: &Path) -> anyhow::Result<Self> {
        let market = Market::draw(demo)?;
        let span = TimeSpan::new(market.start, market.day.end()).context("--from is after the day")?;
        let mut scenario = Scenario::default();
        // Half of them in each way, in per mille.
        scenario.refuse = u16::from(demo.disobedient) * 5;
        scenario.ignore = scenario.refuse;
        let behaviours = scenario.behaviours(&market.population, span);
        let addresses = Addresses::free(demo.listen)?;
        std::fs::create_dir_all(directory).with_context(|| directory.display().to_string())?;
        let [dso, agr, cro] = [new_key()?, new_key()?, new_key()?];
        for (name, key) in [("dso.key", &dso), ("agr.key", &agr), ("cro.key", &cro)] {
            write_secret(&directory.join(name), key)?;
        }
        let keys = Keys { dso, agr, cro };
        write(&directory.join("dso.toml"), config::dso(&market, &addresses, &keys))?;
        write(&directory.join("agr.toml"), config::agr(&market, &addresses, &keys))?;
        write(&directory.join("cro.toml"), config::cro(&market, &addresses, &keys))?;
        write(&directory.join("expected-load.csv"), config::expected_load(&market))?;
        Ok(Self { directory: directory.to_owned(), addresses, market, behaviours, seed: demo.seed })
    }

    pub(super) fn point() -> anyhow::Result<EntityAddress> {
        Ok(POINT.parse()?)
    }
}

impl Addresses {
    /// Ports that nobody listens at.
    fn free(ip: IpAddr) -> anyhow::Result<Self> {
        let bind = || TcpListener::bind((ip, 0)).with_context(|| format!("--listen {ip}"));
        let [dso, agr, cro, ocpp, clock] = [bind()?, bind()?, bind()?, bind()?, bind()?];
        Ok(Self {
            dso: dso.local_addr()?,
            agr: agr.local_addr()?,
            cro: cro.local_addr()?,
            ocpp: ocpp.local_addr()?,
            clock: clock.local_addr()?,
        })
    }
}

impl fmt::Display for Scene {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { market, addresses, .. } = self;
        let population = &market.population;
        writeln!(
            f,
            "Tieline demo: {} in {}, {} chargers at {} connections behind one congestion point.\n",
            market.day.date().strftime("%A, %-d %B %Y"),
            market.calendar.zone_name().unwrap_or_default(),
            population.chargers().len(),
            population.connections().len(),
        )?;
        writeln!(f, "  DSO  {DSO}  http://{}  its own key, database and process", addresses.dso)?;
        writeln!(f, "  AGR  {AGR}  http://{}  its own key, database and process", addresses.agr)?;
        writeln!(f, "  CRO  {CRO}  http://{}  the common reference: who is connected where", addresses.cro)?;
        writeln!(f, "  CSMS ws://{}/ocpp, where the chargers speak OCPP 1.6 and 2.0.1", addresses.ocpp)?;
        write!(
            f,
            "  The transformer carries {} kW; {} sessions, and {} households besides.",
            market.transformer.rating.watts() / 1000,
            market.sessions.len(),
            market.transformer.households,
        )
    }
}
