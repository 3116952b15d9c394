//! A charge point with simulated hardware, and a CSMS that answers as it is told.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ocpp_kit::station::device_model::Attribute;
use serde_json::{Value, json};
use tieline_edge::websocket::Connector;
use tieline_ocpp::charge_point::{
    Allowed, Backoff, Builder, CertificateHash, Certified, ChargePoint, ChargingStationInfo, ComponentKey,
    Customer, DataType, Display, DisplayMessage, FirmwareRequest, Hardware, LinkTimes, LogRequest, Meter,
    Monitor, MonitorKind, Network, NetworkProfile, Preset, Unlocked, UploadFailure, VariableSpec,
};
use tieline_ocpp::client::ChargingStation;
use tieline_ocpp::types::Decimal;
use tieline_ocpp::v21::{DERControl, SetDERControlRequest};
use tieline_ocpp::{
    Answer, CallError, CallFailure, CallOptions, ErrorCode, Ocpp, RawValue, Registry, Version,
};
use tieline_service::Reply;
use tieline_types::ManualClock;

use crate::support::{eventually, json as raw, open_csms, serve, service};

/// The instant at which every test begins.
pub(crate) const START: &str = "2026-06-01T10:00:00Z";

/// The connector of EVSE 1, which has a thermometer.
pub(crate) fn outlet() -> ComponentKey {
    ComponentKey::new("Connector").evse(1, Some(1))
}

/// Hardware without metal.
#[derive(Debug, Default)]
pub(crate) struct Bench {
    pub(crate) register: AtomicI64,
    pub(crate) extra_power: AtomicI64,
    /// The numbers of the messages that it was told to show, and the costs.
    pub(crate) shown: Mutex<Vec<Vec<i32>>>,
    pub(crate) costs: Mutex<Vec<(i32, String)>>,
    pub(crate) is_blind: AtomicBool,
    /// The way with a client certificate leads nowhere.
    pub(crate) is_cut_off: AtomicBool,
    /// The controls that it was told to follow.
    pub(crate) controls: Mutex<Vec<Vec<String>>>,
    /// The serial numbers of certificates whose customers it has forgotten.
    pub(crate) forgotten: Mutex<Vec<String>>,
    pub(crate) downloads_fail: AtomicI64,
    pub(crate) bad_signature: AtomicBool,
    pub(crate) resets: Mutex<Vec<(Option<i32>, bool)>>,
    /// What it was told that an EVSE may draw: `A 16`, or `free`.
    pub(crate) limits: Mutex<Vec<(i32, String)>>,
}

impl Hardware for Bench {
    fn meter(&self, evse: i32) -> Meter {
        let power = 11_000 + self.extra_power.load(Ordering::Relaxed);
        Meter::new(self.register.load(Ordering::Relaxed) + i64::from(evse)).with_power(power)
    }

    fn variables(&self, _: i32) -> Vec<(ComponentKey, VariableSpec)> {
        let limits = (Some(Decimal::from(-40)), Some(Decimal::from(120)));
        let temperature = VariableSpec::new("Temperature", DataType::Decimal)
            .unit("Celsius")
            .limits(limits.0, limits.1)
            .attribute(Attribute::Target, "40");
        vec![(outlet(), temperature)]
    }

    fn monitors(&self, _: i32) -> Vec<Preset> {
        let hot = |value, severity| {
            Monitor::new(outlet(), "Temperature", MonitorKind::UpperThreshold, value).with_severity(severity)
        };
        vec![Preset::HardWired(hot(90, 1)), Preset::Preconfigured(hot(70, 4))]
    }

    fn limit(&self, evse: i32, allowed: Option<&Allowed>) {
        let text = allowed.map_or_else(
            || "free".to_owned(),
            |allowed| {
                let limit = allowed.period.limits.limit.map_or_else(
                    || "-".to_owned(),
                    |limit| limit.to_string().trim_end_matches(".0").to_owned(),
                );
                format!("{:?} {limit}", allowed.unit)
            },
        );
        self.limits.lock().unwrap().push((evse, text));
    }

    fn display(&self) -> Option<Display> {
        (!self.is_blind.load(Ordering::Relaxed)).then(Display::default)
    }

    fn show(&self, messages: &[DisplayMessage]) {
        self.shown.lock().unwrap().push(messages.iter().map(|message| message.id).collect());
    }

    fn cost_updated(&self, evse: i32, total: Decimal) -> bool {
        self.costs.lock().unwrap().push((evse, total.to_string()));
        !self.is_blind.load(Ordering::Relaxed)
    }

    fn der_controls(&self) -> BTreeSet<DERControl> {
        if self.is_blind.load(Ordering::Relaxed) {
            BTreeSet::new()
        } else {
            [DERControl::LimitMaxDischarge].into()
        }
    }

    fn follow_der(&self, controls: &[SetDERControlRequest]) {
        self.controls.lock().unwrap().push(controls.iter().map(|one| one.control_id.clone()).collect());
    }

    fn network(&self, profile: &NetworkProfile) -> Option<Network> {
        // The tests have no certificates.
        let address = profile.csms_url.replace("wss://", "ws://");
        let leads_nowhere = self.is_cut_off.load(Ordering::Relaxed) && profile.security_profile == 3;
        let address = if leads_nowhere { "ws://127.0.0.1:1/ocpp" } else { &address };
        (!self.is_blind.load(Ordering::Relaxed)).then(|| Network::new(address, Connector::default()))
    }

    fn unlock(&self, _: i32, _: i32) -> Unlocked {
        Unlocked::Unlocked
    }

    fn reset(&self, evse: Option<i32>, hard: bool) -> futures_util::future::BoxFuture<'_, ()> {
        self.resets.lock().unwrap().push((evse, hard));
        Box::pin(async {})
    }

    fn download(&self, _: &FirmwareRequest) -> futures_util::future::BoxFuture<'_, bool> {
        let fails = self.downloads_fail.fetch_sub(1, Ordering::Relaxed) > 0;
        Box::pin(async move { !fails })
    }

    fn verify(&self, _: &FirmwareRequest) -> bool {
        !self.bad_signature.load(Ordering::Relaxed)
    }

    fn trusts_signer(&self, certificate: &str) -> bool {
        certificate == "the maker's"
    }

    fn install(&self, _: &FirmwareRequest) -> futures_util::future::BoxFuture<'_, bool> {
        Box::pin(async { true })
    }

    fn log_name(&self, log: &LogRequest) -> Option<String> {
        Some(if log.is_security_log { "security.log" } else { "diagnostics.log" }.to_owned())
    }

    fn upload(&self, log: &LogRequest) -> futures_util::future::BoxFuture<'_, Result<(), UploadFailure>> {
        let denied = log.location.contains("denied");
        Box::pin(async move { if denied { Err(UploadFailure::PermissionDenied) } else { Ok(()) } })
    }

    fn install_certificate(&self, _: &str, pem: &str) -> Certified {
        if pem.contains("CERTIFICATE") { Certified::Accepted } else { Certified::Rejected }
    }

    fn delete_certificate(&self, hash: &CertificateHash) -> Certified {
        if hash.serial_number == "01" { Certified::Accepted } else { Certified::NotFound }
    }

    fn certificates(&self, uses: &[String]) -> Vec<(String, CertificateHash)> {
        let hash = CertificateHash {
            algorithm: "SHA256".to_owned(),
            issuer_name_hash: "aa".to_owned(),
            issuer_key_hash: "bb".to_owned(),
            serial_number: "01".to_owned(),
        };
        let known = ["CentralSystemRootCertificate", "CSMSRootCertificate"];
        let asked = |known: &&str| uses.iter().any(|wanted| wanted == known);
        known.into_iter().filter(asked).map(|known| (known.to_owned(), hash.clone())).collect()
    }

    fn customer_information(&self, customer: &Customer) -> Vec<String> {
        customer.customer_identifier.iter().map(|_| "x".repeat(1100)).collect()
    }

    fn clear_customer(&self, customer: &Customer) {
        let certificate = customer.certificate.iter();
        self.forgotten.lock().unwrap().extend(certificate.map(|hash| hash.serial_number.clone()));
    }

    fn signing_request(&self) -> Option<String> {
        Some("-----BEGIN CERTIFICATE REQUEST-----".to_owned())
    }

    fn certificate_signed(&self, chain: &str) -> bool {
        chain.contains("ours")
    }
}

/// What a CSMS answers to an action: the next of these, and the last again and again.
type Answers = BTreeMap<String, VecDeque<Result<Value, ErrorCode>>>;

/// A CSMS that records.
#[derive(Clone)]
pub(crate) struct Csms {
    pub(crate) address: SocketAddr,
    pub(crate) registry: Registry,
    said: Arc<Mutex<Vec<(String, Value)>>>,
    answers: Arc<Mutex<Answers>>,
}

impl Csms {
    pub(crate) async fn start() -> Self {
        let said = Arc::new(Mutex::new(Vec::new()));
        let answers: Arc<Mutex<Answers>> = Arc::default();
        let registry = Registry::new();
        let (heard, given) = (Arc::clone(&said), Arc::clone(&answers));
        let answering = service(move |incoming: tieline_service::Incoming<Ocpp>| {
            let action = incoming.head.action().to_owned();
            let payload: Value = serde_json::from_str(incoming.message.payload().get()).unwrap();
            heard.lock().unwrap().push((action.clone(), payload));
            let version = incoming.message.version();
            let mut answers = given.lock().unwrap();
            let answer = match answers.get_mut(&action) {
                Some(left) if left.len() > 1 => left.pop_front().unwrap(),
                Some(left) => left.front().cloned().unwrap_or_else(|| Ok(usual(version, &action))),
                None => Ok(usual(version, &action)),
            };
            async move {
                match answer {
                    Ok(payload) => Reply::new(Answer::Result(raw(&payload.to_string()))),
                    Err(code) => Reply::new(Answer::Error(CallError::new(code, "as the test wants it"))),
                }
            }
        });
        let csms = open_csms(answering).registry(registry.clone()).build();
        let address = serve(csms).await;
        Self { address, registry, said, answers }
    }

    /// Answers in this way from now on: one after the other, the last again and again.
    pub(crate) fn answer(&self, action: &str, answers: impl IntoIterator<Item = Result<Value, ErrorCode>>) {
        self.answers.lock().unwrap().insert(action.to_owned(), answers.into_iter().collect());
    }

    /// All that was said.
    pub(crate) fn said(&self) -> Vec<(String, Value)> {
        self.said.lock().unwrap().clone()
    }

    /// What was said with this action.
    pub(crate) fn all(&self, action: &str) -> Vec<Value> {
        self.said().into_iter().filter(|(known, _)| known == action).map(|(_, payload)| payload).collect()
    }

    /// Waits until an action was said so often, and returns the last of them.
    pub(crate) async fn heard(&self, action: &str, times: usize) -> Value {
        eventually(|| self.all(action).into_iter().nth(times - 1)).await
    }

    /// Calls the station.
    pub(crate) async fn call(&self, action: &str, payload: Value) -> Result<Value, CallFailure> {
        let peer = eventually(|| self.registry.get("CS1")).await;
        let payload = RawValue::from_string(payload.to_string()).unwrap();
        let answer = peer.call_raw(action.to_owned(), payload, CallOptions::default()).await?;
        Ok(serde_json::from_str(answer.get()).unwrap())
    }

    /// The connection breaks.
    pub(crate) async fn cut(&self) {
        self.registry.close_all();
        eventually(|| self.registry.is_empty().then_some(())).await;
    }
}

/// What a CSMS that knows everybody answers.
fn usual(version: Version, action: &str) -> Value {
    let accepted = json!({"status": "Accepted"});
    match action {
        "BootNotification" => json!({"status": "Accepted", "currentTime": START, "interval": 600}),
        "Heartbeat" => json!({"currentTime": START}),
        "Authorize" if version == Version::V1_6 => json!({"idTagInfo": accepted}),
        "Authorize" => json!({"idTokenInfo": accepted}),
        "StartTransaction" => json!({"transactionId": 4711, "idTagInfo": accepted}),
        "SignCertificate" => accepted,
        _ => json!({}),
    }
}

/// A charge point that runs.
pub(crate) struct World {
    pub(crate) csms: Csms,
    pub(crate) point: ChargePoint,
    pub(crate) bench: Arc<Bench>,
    pub(crate) clock: ManualClock,
}

impl World {
    /// A charge point with two EVSEs that is online.
    pub(crate) async fn start(version: Version) -> Self {
        let world = Self::with(Csms::start().await, version, |builder| builder);
        world.online().await;
        world
    }

    /// A charge point with two EVSEs on this CSMS.
    pub(crate) fn with(csms: Csms, version: Version, change: impl FnOnce(Builder) -> Builder) -> Self {
        Self::of(Arc::default(), csms, version, change)
    }

    /// A charge point whose hardware lacks what not all have.
    pub(crate) fn blind(csms: Csms, version: Version) -> Self {
        let bench = Bench { is_blind: true.into(), ..Bench::default() };
        Self::of(Arc::new(bench), csms, version, |builder| builder)
    }

    fn of(bench: Arc<Bench>, csms: Csms, version: Version, change: impl FnOnce(Builder) -> Builder) -> Self {
        let clock = ManualClock::new(START.parse().unwrap());
        let url = format!("ws://{}/ocpp", csms.address);
        let connection = ChargingStation::new(&url, "CS1", [version]).unwrap();
        let info = ChargingStationInfo::new("Tieline", "Bench").with_firmware_version("1.0");
        let mut times = LinkTimes::default();
        times.backoff = Backoff {
            wait_minimum: Duration::from_millis(20),
            random_range: Duration::ZERO,
            repeat_times: 1,
        };
        let hardware: Arc<dyn Hardware> = bench.clone();
        let builder = ChargePoint::builder(connection, info, 2, hardware)
            .with_clock(Arc::new(clock.clone()))
            .with_times(times);
        let (point, running) = change(builder).build().unwrap();
        tokio::spawn(running.run());
        Self { csms, point, bench, clock }
    }

    /// Waits until it works and has said how its EVSEs are.
    pub(crate) async fn online(&self) {
        let statuses = if self.is_16() { 3 } else { 2 };
        self.csms.heard("StatusNotification", statuses).await;
    }

    fn is_16(&self) -> bool {
        self.point.link().peer().is_some_and(|peer| peer.version() == Version::V1_6)
    }

    /// Waits until the charge point waits for this instant next.
    pub(crate) async fn waits_for(&self, instant: &str) {
        eventually(|| self.clock.next_wait().filter(|at| at.to_string() == instant)).await;
    }

    /// Waits until the charge point is connected.
    pub(crate) async fn connected(&self) {
        eventually(|| self.point.link().is_online().then_some(())).await;
    }

    /// What EVSE 1 was told last that it may draw.
    pub(crate) fn limit(&self) -> Option<String> {
        let limits = self.bench.limits.lock().unwrap();
        limits.iter().rev().find(|(evse, _)| *evse == 1).map(|(_, limit)| limit.clone())
    }

    /// Waits until EVSE 1 may draw this.
    pub(crate) async fn limited(&self, limit: &str) {
        eventually(|| self.limit().filter(|now| now == limit)).await;
    }

    /// Time goes on.
    ///
    /// Whoever waits for an instant has to have asked for it before: see [`waits_for`](Self::waits_for).
    pub(crate) fn advance(&self, seconds: i64) {
        self.clock.advance(jiff::SignedDuration::from_secs(seconds));
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.point.stop();
    }
}
