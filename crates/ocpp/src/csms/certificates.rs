//! Charging stations by their TLS client certificates (security profile 3).

use std::collections::BTreeMap;

use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, ready};
use tieline_edge::PeerIdentity;
use x509_cert::Certificate;
use x509_cert::attr::AttributeTypeAndValue;
use x509_cert::der::asn1::{
    Ia5StringRef, ObjectIdentifier, PrintableStringRef, TeletexStringRef, Utf8StringRef,
};
use x509_cert::der::{Decode as _, Tag, Tagged as _};

/// `id-at-commonName` (RFC 5280 appendix A.1).
const COMMON_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.3");
/// `id-at-organizationName`.
const ORGANIZATION: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.10");

use super::{Attempt, Authenticate, Verdict};

/// Accepts a fixed set of charging stations by their certificates: security profile 3.
///
/// The TLS listener has verified the certificate; here it is told whose it is. Its common name is the station's serial number
/// (Security Whitepaper A00.FR.405, 2.0.1 Part 2 A00.FR.511), which is not its identity, so both have to be known.
///
/// ```
/// use tieline_ocpp::csms::{Certificates, Csms};
/// use tieline_ocpp::Ocpp;
/// use tieline_service::Router;
///
/// let known = Certificates::new().with("SN-0000-4711", "CS001").of_organization("Tieline");
/// let csms = Csms::builder(Router::<Ocpp, ()>::new().with_state(())).authenticate(known).build();
/// # let _ = csms.registry();
/// ```
#[derive(Clone, Debug, Default)]
pub struct Certificates {
    by_serial_number: BTreeMap<String, String>,
    organization: Option<String>,
}

impl Certificates {
    /// Nobody.
    pub fn new() -> Self {
        Self::default()
    }

    /// One more charging station: the common name of its certificate, and its identity.
    pub fn with(mut self, serial_number: impl Into<String>, identity: impl Into<String>) -> Self {
        self.by_serial_number.insert(serial_number.into(), identity.into());
        self
    }

    /// Demands this organization in the certificates, the `CpoName` of the stations (A00.FR.404).
    pub fn of_organization(mut self, name: impl Into<String>) -> Self {
        self.organization = Some(name.into());
        self
    }

    fn verdict(&self, attempt: &Attempt) -> Verdict {
        let identity = attempt.identity.as_str();
        if !self.by_serial_number.values().any(|known| known == identity) {
            return Verdict::Unknown;
        }
        let tls = attempt.extensions.get::<PeerIdentity>().and_then(|peer| peer.tls.as_ref());
        let subject = tls.and_then(|tls| subject(tls.certificate()));
        match subject {
            Some(subject) if self.is_of(&subject, identity) => Verdict::accepted(),
            subject => {
                tracing::warn!(
                    protocol = "ocpp", peer = identity, certificate = ?subject, "the certificate is not this station's"
                );
                Verdict::Rejected
            }
        }
    }

    fn is_of(&self, subject: &Subject, identity: &str) -> bool {
        let is_right_organization =
            self.organization.as_ref().is_none_or(|wanted| subject.organization.as_ref() == Some(wanted));
        is_right_organization
            && self.by_serial_number.get(&subject.common_name).is_some_and(|known| known == identity)
    }
}

impl Authenticate for Certificates {
    fn authenticate(&self, attempt: Attempt) -> BoxFuture<'_, Verdict> {
        ready(self.verdict(&attempt)).boxed()
    }
}

/// Whom a certificate names.
#[derive(Debug)]
struct Subject {
    common_name: String,
    organization: Option<String>,
}

/// A certificate with several common names, or with none, names nobody.
fn subject(certificate: &[u8]) -> Option<Subject> {
    let certificate = Certificate::from_der(certificate).ok()?;
    let attributes = || certificate.tbs_certificate().subject().iter();
    let mut names = attributes().filter(|attribute| attribute.oid == COMMON_NAME);
    let (Some(name), None) = (names.next(), names.next()) else { return None };
    let organization = attributes().find(|attribute| attribute.oid == ORGANIZATION);
    Some(Subject { common_name: text(name)?, organization: organization.and_then(text) })
}

fn text(attribute: &AttributeTypeAndValue) -> Option<String> {
    let value = &attribute.value;
    let text = match value.tag() {
        Tag::Utf8String => value.decode_as::<Utf8StringRef<'_>>().ok()?.as_str().to_owned(),
        Tag::PrintableString => value.decode_as::<PrintableStringRef<'_>>().ok()?.as_str().to_owned(),
        Tag::Ia5String => value.decode_as::<Ia5StringRef<'_>>().ok()?.as_str().to_owned(),
        Tag::TeletexString => value.decode_as::<TeletexStringRef<'_>>().ok()?.as_str().to_owned(),
        _ => return None,
    };
    Some(text)
}
