//! The port to what a charging station is made of: meter, locks, memory for firmware and certificates.

use std::collections::BTreeSet;
use std::fmt;

use futures_util::future::BoxFuture;
use jiff::Timestamp;

use ocpp_kit::station::device_model::{ComponentKey, VariableSpec};

use super::customer::Customer;
use super::display::{Display, DisplayMessage};
use super::monitoring::Preset;
use super::networks::{Network, NetworkProfile};
use super::profiles::Allowed;
use crate::smart_charging::Capabilities;
use crate::types::Decimal;
use crate::v21::{DERControl, SetDERControlRequest};

/// What the meter of an EVSE shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Meter {
    /// Energy drawn since the meter was made, in Wh (`Energy.Active.Import.Register`).
    pub import_register: i64,
    /// Power drawn now, in W (`Power.Active.Import`).
    pub power: Option<i64>,
    /// State of charge of the vehicle, in per cent, where it tells (`SoC`).
    pub state_of_charge: Option<i64>,
}

impl Meter {
    /// A meter that shows this register, in Wh.
    pub fn new(import_register: i64) -> Self {
        Self { import_register, ..Self::default() }
    }

    /// The same with this power, in W.
    pub fn with_power(mut self, power: i64) -> Self {
        self.power = Some(power);
        self
    }

    /// The same with this state of charge, in per cent.
    pub fn with_state_of_charge(mut self, per_cent: i64) -> Self {
        self.state_of_charge = Some(per_cent);
        self
    }
}

/// What became of the attempt to unlock a connector.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unlocked {
    /// It is open.
    Unlocked,
    /// It is stuck.
    Failed,
    /// It has no lock.
    NotSupported,
}

/// Firmware that a CSMS wants to be installed (1.6 §5.19, whitepaper L01; 2.x L01 and L02).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FirmwareRequest {
    /// Where to download it.
    pub location: String,
    /// Not before.
    pub retrieve_at: Timestamp,
    /// To be installed not before.
    pub install_at: Option<Timestamp>,
    /// The certificate of its signer (PEM) and the signature (Base64), where it is signed.
    pub signature: Option<(String, String)>,
}

/// A log that a CSMS wants to have (1.6 §5.7, whitepaper N01; 2.x N01).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LogRequest {
    /// The log of security events, not that for diagnostics.
    pub is_security_log: bool,
    /// Where to upload it.
    pub location: String,
    /// Nothing older.
    pub oldest: Option<Timestamp>,
    /// Nothing newer.
    pub latest: Option<Timestamp>,
}

/// Why a log was not uploaded (`UploadLogStatus`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum UploadFailure {
    /// The other side could not be reached, or broke off.
    Failed,
    /// The other side refused.
    PermissionDenied,
    /// The way of uploading is not known here.
    NotSupported,
}

/// The hash by which a certificate is named (`CertificateHashData`).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct CertificateHash {
    /// `SHA256`, `SHA384` or `SHA512`.
    pub algorithm: String,
    /// Hash of the issuer's distinguished name, in hexadecimal digits.
    pub issuer_name_hash: String,
    /// Hash of the issuer's public key, in hexadecimal digits.
    pub issuer_key_hash: String,
    /// Its serial number, in hexadecimal digits.
    pub serial_number: String,
}

/// What became of a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Certified {
    /// It was taken, or deleted.
    Accepted,
    /// It is no certificate, or not one that is trusted.
    Rejected,
    /// It could not be stored, or deleted.
    Failed,
    /// There is no such certificate.
    NotFound,
}

/// What a charging station is made of. All methods but the meter have a default that says what a station without that part says.
///
/// Methods that return no future are called while the station's state is locked: they must neither wait nor call the charge point.
pub trait Hardware: fmt::Debug + Send + Sync + 'static {
    /// What the meter of this EVSE (from 1) shows now.
    fn meter(&self, evse: i32) -> Meter;

    /// What it can do with charging profiles. Default: all purposes and units, with the bounds of
    /// [`Capabilities::new`]; without a supply, limits in one unit can't be compared with those in the other.
    fn capabilities(&self, evses: i32) -> Capabilities {
        Capabilities::new(evses)
    }

    /// Variables of 2.x beyond those that every station has here, such as `Temperature` of a connector; see
    /// [`ChargePoint::observe`](super::ChargePoint::observe).
    fn variables(&self, evses: i32) -> Vec<(ComponentKey, VariableSpec)> {
        let _ = evses;
        Vec::new()
    }

    /// Monitors that are there before a CSMS sets any (2.x N03).
    fn monitors(&self, evses: i32) -> Vec<Preset> {
        let _ = evses;
        Vec::new()
    }

    /// An EVSE may draw this from now on, or whatever it can (`None`). It is told again when that changes.
    fn limit(&self, evse: i32, allowed: Option<&Allowed>) {
        let _ = (evse, allowed);
    }

    /// What its display can show (2.x); `None`: it has none, and the messages about it are not supported.
    fn display(&self) -> Option<Display> {
        None
    }

    /// Shows these messages of the CSMS, in turn, until it is told of others; an empty list ends it.
    fn show(&self, messages: &[DisplayMessage]) {
        let _ = messages;
    }

    /// A transaction at this EVSE has cost so much until now, taxes included, in the station's currency (2.x I02). `false`: it
    /// shows no cost, and the message is not supported.
    fn cost_updated(&self, evse: i32, total: Decimal) -> bool {
        let _ = (evse, total);
        false
    }

    /// The controls of distributed energy resources that it can carry out (2.1); none: it feeds nothing back, and the messages
    /// about them are not supported.
    fn der_controls(&self) -> BTreeSet<DERControl> {
        BTreeSet::new()
    }

    /// Follows these controls, and no others, until it is told of others.
    fn follow_der(&self, controls: &[SetDERControlRequest]) {
        let _ = controls;
    }

    /// How it gets to a CSMS by a profile that its present CSMS sets: with which trust and certificate, over which interface.
    /// `None`: it can't, or lacks the certificates that the security profile takes; then the profile is refused.
    fn network(&self, profile: &NetworkProfile) -> Option<Network> {
        let _ = profile;
        None
    }

    /// Unlocks a connector; 1 is the first of an EVSE.
    fn unlock(&self, evse: i32, connector: i32) -> Unlocked {
        let _ = (evse, connector);
        Unlocked::NotSupported
    }

    /// Restarts the station (`None`) or one EVSE. In a real one this does not return; in a simulation it may.
    fn reset(&self, evse: Option<i32>, hard: bool) -> BoxFuture<'_, ()> {
        let _ = (evse, hard);
        Box::pin(async {})
    }

    /// Downloads a firmware; whether it is here afterwards.
    fn download(&self, firmware: &FirmwareRequest) -> BoxFuture<'_, bool> {
        let _ = firmware;
        Box::pin(async { false })
    }

    /// Whether the signature of the downloaded firmware and the chain of its signer are good.
    fn verify(&self, firmware: &FirmwareRequest) -> bool {
        let _ = firmware;
        false
    }

    /// Whether the certificate of a signer is one that the maker has issued, before anything is downloaded.
    fn trusts_signer(&self, certificate: &str) -> bool {
        let _ = certificate;
        false
    }

    /// Installs the downloaded firmware; whether it works.
    fn install(&self, firmware: &FirmwareRequest) -> BoxFuture<'_, bool> {
        let _ = firmware;
        Box::pin(async { false })
    }

    /// The name of the file that a log will be uploaded as; `None` if there is nothing to upload.
    fn log_name(&self, log: &LogRequest) -> Option<String> {
        let _ = log;
        None
    }

    /// Uploads a log.
    fn upload(&self, log: &LogRequest) -> BoxFuture<'_, Result<(), UploadFailure>> {
        let _ = log;
        Box::pin(async { Err(UploadFailure::NotSupported) })
    }

    /// Takes a root certificate; `use_of` is spelt as the version spells it (`CertificateUse`, `InstallCertificateUse`).
    fn install_certificate(&self, use_of: &str, pem: &str) -> Certified {
        let _ = (use_of, pem);
        Certified::Rejected
    }

    /// Deletes a certificate.
    fn delete_certificate(&self, hash: &CertificateHash) -> Certified {
        let _ = hash;
        Certified::NotFound
    }

    /// The certificates of these uses (all where there is none), each with its use.
    fn certificates(&self, uses: &[String]) -> Vec<(String, CertificateHash)> {
        let _ = uses;
        Vec::new()
    }

    /// What it keeps of a customer beside what the station itself does, in lines for a reader (2.x N09).
    fn customer_information(&self, customer: &Customer) -> Vec<String> {
        let _ = customer;
        Vec::new()
    }

    /// Forgets what it keeps of a customer (2.x N10).
    fn clear_customer(&self, customer: &Customer) {
        let _ = customer;
    }

    /// A request to sign a new key of the station (PKCS #10 in PEM).
    fn signing_request(&self) -> Option<String> {
        None
    }

    /// Takes the chain that was signed for the station (PEM, leaf first); whether it fits its key.
    fn certificate_signed(&self, chain: &str) -> bool {
        let _ = chain;
        false
    }
}
