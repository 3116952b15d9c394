//! One request, offer and order from the Python grid operator to our aggregator and on to its chargers.

use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use jiff::{SignedDuration, Timestamp};
use rust_decimal::Decimal;
use serde_json::Value;
use tempfile::TempDir;
use tieline_interop::{
    AGR_KEY, AgrConfig, Charger, ChargerConfig, ChargerSettings, ChargingProfile, DSO_KEY, Event, IspWindow,
    Node, OcppVersion, PeerConfig, UftpConfig, UftpPeer, Unit, free_port,
};

use crate::market::{self, Messages};

/// How many ISPs are asked for.
const ISPS: i64 = 4;
/// How long an exchange that is over is watched for messages that should not come.
const QUIET: Duration = Duration::from_millis(1_500);

/// A moment of the exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Moment {
    /// The chargers are about to report that they charge.
    TransactionBegun,
    /// The chargers charge; nothing has been asked yet.
    BeforeRequest,
    /// The DSO is about to send its request.
    RequestHandedOver,
    /// The DSO has the HTTP answer to its request.
    RequestDelivered,
    /// The FlexRequestResponse has arrived.
    RequestAnswered,
    /// The FlexOffer has arrived.
    OfferReceived,
    /// The DSO has the HTTP answer to its FlexOfferResponse.
    OfferAnswered,
    /// The DSO is about to send its order.
    OrderHandedOver,
    /// The DSO has the HTTP answer to its order.
    OrderDelivered,
    /// The FlexOrderResponse has arrived.
    OrderAnswered,
    /// Every charger has accepted a charging profile for the order.
    ProfileReceived,
}

/// A charger of the exchange: what it speaks, and the unit that its profiles are configured to be in.
pub(crate) type Kind = (OcppVersion, Unit);

/// What both sides have seen when the exchange is over.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct View {
    /// The business messages that the DSO received.
    pub(crate) messages: Messages,
    /// The limits in watts that each charger follows: before the window, at the begin and the end of each of its ISPs,
    /// and after it.
    pub(crate) limits: Vec<Vec<Decimal>>,
}

/// The node, its peers, and where they stand.
pub(crate) struct Exchange {
    pub(crate) node: Node,
    pub(crate) dso: UftpPeer,
    pub(crate) chargers: Vec<Charger>,
    pub(crate) window: IspWindow,
    pub(crate) directory: TempDir,
    pub(crate) node_endpoint: String,
    pub(crate) ocpp_port: u16,
    /// The DSO says of the offer that it had been submitted before, and only then that it accepts it: so it is when the
    /// offer was sent twice and the DSO decides slowly.
    pub(crate) repeats_are_answered: bool,
    kinds: Vec<Kind>,
    kill_at: Option<Moment>,
    conversation: String,
}

impl Exchange {
    /// Starts a node, the DSO and the chargers. The node will be killed and started again at `kill_at`.
    pub(crate) fn start(kinds: &[Kind], kill_at: Option<Moment>) -> Result<Self> {
        let directory = TempDir::new().context("cannot create a directory")?;
        let (agr_port, dso_port, ocpp_port) = (free_port()?, free_port()?, free_port()?);
        let chargers = (1..).zip(kinds).map(|(number, kind)| charger_config(number, *kind)).collect();
        let config = AgrConfig {
            uftp: UftpConfig {
                role: "AGR",
                key: AGR_KEY,
                port: agr_port,
                peer: PeerConfig { role: "DSO", key: DSO_KEY, port: dso_port },
            },
            congestion_point: market::CONGESTION_POINT.to_owned(),
            ocpp_port,
            chargers,
        };
        let dso = UftpPeer::dso(DSO_KEY, dso_port, AGR_KEY, agr_port, directory.path())?;
        let node = Node::start(&config, directory.path())?;
        let chargers = config.chargers.iter().zip(kinds).map(|(charger, (version, _))| {
            let settings = ChargerSettings {
                version: *version,
                identity: &charger.identity,
                port: ocpp_port,
                password: charger.password.as_deref(),
                // Both habits are met in the field, so each version has one.
                boots_again: *version == OcppVersion::V16,
            };
            Charger::start(settings, directory.path())
        });
        Ok(Self {
            chargers: chargers.collect::<Result<_>>()?,
            node,
            dso,
            window: IspWindow::after(Timestamp::now(), ISPS)?,
            node_endpoint: format!("http://127.0.0.1:{agr_port}/shapeshifter/api/v3/message"),
            ocpp_port,
            repeats_are_answered: false,
            directory,
            kinds: kinds.to_vec(),
            kill_at,
            conversation: market::uuid(1),
        })
    }

    /// The whole exchange, from plugging in to what everybody has seen at the end; `reduction` watts are asked for.
    pub(crate) fn run(mut self, reduction: i64) -> Result<View> {
        let view = self.try_run(reduction);
        self.explained(view)
    }

    fn try_run(&mut self, reduction: i64) -> Result<View> {
        self.charge()?;
        let offer = self.request(reduction)?;
        self.order(&offer)?;
        self.at(Moment::ProfileReceived)?;
        self.finish(&offer)
    }

    /// A failure with the node's log.
    pub(crate) fn explained<T>(&self, result: Result<T>) -> Result<T> {
        result.map_err(|error| error.context(self.node.quoted_log()))
    }

    /// Every charger begins a transaction.
    pub(crate) fn charge(&mut self) -> Result<()> {
        for charger in &mut self.chargers {
            charger.begin_transaction()?;
        }
        self.at(Moment::TransactionBegun)?;
        for charger in &mut self.chargers {
            charger.transaction_started()?;
        }
        self.at(Moment::BeforeRequest)
    }

    /// The FlexRequest, up to the FlexOffer, which is given, and its FlexOfferResponse.
    pub(crate) fn request(&mut self, reduction: i64) -> Result<Event> {
        let conversation = self.conversation.clone();
        let request = market::uuid(2);
        self.dso
            .send("FlexRequest", &market::flex_request(&self.window, &request, &conversation, reduction))?;
        self.at(Moment::RequestHandedOver)?;
        self.dso.delivered("FlexRequest", &conversation)?;
        self.at(Moment::RequestDelivered)?;
        self.dso.received("FlexRequestResponse", &conversation)?;
        self.at(Moment::RequestAnswered)?;
        let offer = self.dso.received("FlexOffer", &conversation)?;
        ensure!(offer.text("fields.FlexRequestMessageID") == Some(&request), "for which request? {offer}");
        self.at(Moment::OfferReceived)?;
        if self.repeats_are_answered {
            self.dso.send("FlexOfferResponse", &market::already_submitted(&offer, "FlexOfferMessageID")?)?;
        }
        self.dso.send("FlexOfferResponse", &market::accepted(&offer, "FlexOfferMessageID")?)?;
        self.dso.delivered("FlexOfferResponse", &conversation)?;
        self.at(Moment::OfferAnswered)?;
        Ok(offer)
    }

    /// The FlexOrder, up to the charging profiles that follow from it.
    pub(crate) fn order(&mut self, offer: &Event) -> Result<()> {
        let conversation = self.conversation.clone();
        self.dso.send("FlexOrder", &market::flex_order(offer, &market::uuid(3))?)?;
        self.at(Moment::OrderHandedOver)?;
        self.dso.delivered("FlexOrder", &conversation)?;
        self.at(Moment::OrderDelivered)?;
        let response = self.dso.received("FlexOrderResponse", &conversation)?;
        ensure!(
            response.text("fields.FlexOrderMessageID") == Some(&market::uuid(3)),
            "for which order? {response}"
        );
        self.at(Moment::OrderAnswered)?;
        let begin = self.window.begin(0);
        for charger in &mut self.chargers {
            // Any limit below the maximum: what it must be is asked at the end.
            charger.profile(|profile| profile.at(begin).is_some_and(|watts| watts < maximum()))?;
        }
        Ok(())
    }

    /// Kills the node and starts it again if this is the moment.
    fn at(&mut self, moment: Moment) -> Result<()> {
        if self.kill_at != Some(moment) {
            return Ok(());
        }
        self.node.kill()?;
        let marks: Vec<_> = self.chargers.iter_mut().map(|charger| charger.peer().mark()).collect();
        self.node.restart()?;
        for (charger, mark) in self.chargers.iter_mut().zip(marks) {
            charger.peer().wait_from(mark, "reconnection", |event| event.name() == "connected")?;
        }
        Ok(())
    }

    /// Watches for a while, checks what must hold in any case and gives what was seen.
    fn finish(&mut self, offer: &Event) -> Result<View> {
        thread::sleep(QUIET);
        let isps = offer.value("fields.OfferOption.0.ISP").cloned().unwrap_or(Value::Null);
        let offered = market::powers(&isps, &self.window)?;
        let profiles = self.installed()?;
        self.check_sums(&profiles, &offered)?;
        let view = View {
            messages: market::business_messages(&mut self.dso),
            limits: profiles.iter().map(|profile| limits(profile, &self.window)).collect(),
        };
        market::check(&mut self.dso, "AGR", self.directory.path())?;
        let journal = self.node.verified_journal()?;
        ensure!(journal.contains(&market::uuid(2)), "the journal lacks the request: {journal}");
        ensure!(journal.contains(&market::uuid(3)), "the journal lacks the order: {journal}");
        Ok(view)
    }

    /// The one profile of each charger, which must end, and allow either nothing or 6 A and more.
    fn installed(&mut self) -> Result<Vec<ChargingProfile>> {
        let mut all = Vec::new();
        for (charger, (_, unit)) in self.chargers.iter_mut().zip(&self.kinds) {
            for event in charger.peer().events() {
                let refused =
                    event.name() == "set_charging_profile" && event.text("status") != Some("Accepted");
                ensure!(!refused && event.name() != "failed", "{event}");
            }
            let installed = charger.installed()?;
            let [profile] = installed.as_slice() else {
                anyhow::bail!("not one profile: {installed:?}");
            };
            ensure!(profile.purpose == "TxProfile", "{profile:?}");
            ensure!(profile.unit == format!("{unit:?}"), "configured is {unit:?}: {profile:?}");
            let end = profile.end.with_context(|| format!("no end: {profile:?}"))?;
            ensure!(end >= self.window.end(), "ends before the order does: {profile:?}");
            ensure!(end <= self.window.end() + SignedDuration::from_hours(24), "hardly bounded: {profile:?}");
            let minimum = Decimal::from(Charger::MINIMUM_WATTS);
            for watts in profile.limits.values() {
                ensure!(
                    watts.is_zero() || (*watts >= minimum && *watts <= maximum()),
                    "{watts} W: {profile:?}"
                );
            }
            all.push(profile.clone());
        }
        Ok(all)
    }

    /// The limits of all chargers add up to what they would draw without the order, changed as ordered.
    fn check_sums(&self, profiles: &[ChargingProfile], ordered: &[i64]) -> Result<()> {
        let baseline = i64::try_from(profiles.len())? * Charger::MAXIMUM_WATTS;
        // A limit in amperes has one decimal: it may be up to 0.1 A on three phases of 230 V below, and never above.
        let in_amperes = self.kinds.iter().filter(|(_, unit)| *unit == Unit::A).count();
        let slack = Decimal::from(69 * in_amperes);
        for (index, change) in (0..).zip(ordered) {
            let instant = self.window.begin(index);
            let sum: Decimal =
                profiles.iter().map(|profile| profile.at(instant).unwrap_or_else(maximum)).sum();
            let target = Decimal::from(baseline + change);
            ensure!(
                sum <= target && sum >= target - slack,
                "{sum} W at {instant}, ordered is {target}: {profiles:?}"
            );
        }
        Ok(())
    }
}

fn charger_config(number: usize, (_, unit): Kind) -> ChargerConfig {
    ChargerConfig {
        identity: format!("CP-{number}"),
        connection: format!("ean.87168590001234500{number}"),
        unit,
        password: (number == 1).then(|| "interop-password-1".to_owned()),
    }
}

fn limits(profile: &ChargingProfile, window: &IspWindow) -> Vec<Decimal> {
    let second = SignedDuration::from_secs(1);
    let boundaries = (0..=window.count).map(|index| window.begin(index));
    boundaries
        .flat_map(|boundary| [boundary - second, boundary])
        .map(|instant| profile.at(instant).unwrap_or_else(maximum))
        .collect()
}

fn maximum() -> Decimal {
    Decimal::from(Charger::MAXIMUM_WATTS)
}
