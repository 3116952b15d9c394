//! Security profiles 2 and 3 over real TLS, served by the edge.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, DistinguishedName, DnType, IsCa, Issuer, KeyPair};
use tempfile::TempDir;
use tieline_edge::listener::{HandshakeLimits, Listener, TlsListener};
use tieline_edge::tls::{CertifiedKeyFiles, ClientCertificates, ClientTls, ServerTls, TrustedRoots};
use tieline_edge::websocket::{self, Connector};
use tieline_edge::{PeerIdentity, ServeConfig, serve};
use tieline_ocpp::client::{ChargingStation, ConnectError};
use tieline_ocpp::csms::{Attempt, Certificates, Credentials, Csms, Verdict};
use tieline_ocpp::{CallOptions, Version, v201};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::support::{PATIENCE, connected, json, result, service, yes};

struct Authority {
    folder: TempDir,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let folder = TempDir::new().unwrap();
        fs::write(folder.path().join("root.pem"), params.self_signed(&key).unwrap().pem()).unwrap();
        Self { folder, issuer: Issuer::new(params, key) }
    }

    fn root(&self) -> PathBuf {
        self.folder.path().join("root.pem")
    }

    fn issue(&self, name: &str) -> CertifiedKeyFiles {
        self.issue_to(name, &[])
    }

    /// To a subject with these attributes.
    fn issue_to(&self, name: &str, subject: &[(DnType, &str)]) -> CertifiedKeyFiles {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        params.distinguished_name = DistinguishedName::new();
        for (kind, value) in subject {
            params.distinguished_name.push(kind.clone(), *value);
        }
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        let [certificates, private] =
            ["pem", "key"].map(|kind| self.folder.path().join(format!("{name}.{kind}")));
        fs::write(&certificates, certificate.pem()).unwrap();
        fs::write(&private, key.serialize_pem()).unwrap();
        CertifiedKeyFiles::new(certificates, private).with_unchecked_permissions()
    }

    fn trusting(&self) -> ClientTls {
        ClientTls::platform().with_roots(TrustedRoots::Only(vec![self.root()]))
    }
}

fn station(port: u16, tls: Option<&ClientTls>) -> ChargingStation {
    let station =
        ChargingStation::new(&format!("wss://localhost:{port}/ocpp"), "CS001", [Version::V2_0_1]).unwrap();
    let connector = match tls {
        Some(tls) => Connector::default().with_tls(Arc::new(tls.load().unwrap())),
        None => Connector::default(),
    };
    station.with_password("open sesame").with_connector(connector)
}

#[tokio::test]
async fn a_station_connects_over_tls_with_password_and_certificate() {
    async fn decide(attempt: Attempt) -> Verdict {
        let peer = attempt.extensions.get::<PeerIdentity>().expect("the edge says who connects");
        assert_eq!(attempt.remote_address, Some(peer.remote));
        match (&attempt.credentials, &peer.tls) {
            (Credentials::Basic(basic), Some(_)) if basic.is_password(b"open sesame") => Verdict::accepted(),
            _ => Verdict::Rejected,
        }
    }
    let authority = Authority::new();
    let clients = ClientCertificates::Optional(vec![authority.root()]);
    let tls = ServerTls::load(authority.issue("localhost"), clients).unwrap();
    let listener = TlsListener::bind(([127, 0, 0, 1], 0).into(), tls, HandshakeLimits::default()).unwrap();
    let port = listener.local_addr().unwrap().port();
    let csms = Csms::builder(yes()).authenticate(decide).build();
    let stop = CancellationToken::new();
    let serving = tokio::spawn(serve(listener, csms.clone(), ServeConfig::default(), stop.clone()));

    let unauthorized = station(port, Some(&authority.trusting())).connect(yes()).await.unwrap_err();
    assert!(matches!(
        unauthorized,
        ConnectError::WebSocket(websocket::ConnectError::Refused(status)) if status == 401
    ));
    let untrusting = station(port, Some(&Authority::new().trusting())).connect(yes()).await.unwrap_err();
    assert!(matches!(untrusting, ConnectError::WebSocket(websocket::ConnectError::Tls(_))), "{untrusting:?}");
    let without = station(port, None).connect(yes()).await.unwrap_err();
    assert!(matches!(without, ConnectError::WebSocket(websocket::ConnectError::Address(_))));

    let identified = authority.trusting().with_identity(authority.issue("CS001"));
    let answering = service(|incoming| async move {
        assert_eq!(incoming.head.action(), "ClearCache");
        result(r#"{"status":"Accepted"}"#)
    });
    let session = station(port, Some(&identified)).connect(answering).await.unwrap();
    let upwards = session.peer().clone();
    let running = tokio::spawn(session.run());
    let downwards = connected(&csms, "CS001").await;
    assert!(downwards.remote_address().unwrap().ip().is_loopback());
    let cleared = downwards.call(v201::ClearCacheRequest::new()).await.unwrap();
    assert_eq!(cleared.status, v201::ClearCacheStatus::Accepted);
    let now = CallOptions::default().triggered();
    assert_eq!(upwards.call_raw("Heartbeat", json("{}"), now).await.unwrap().get(), "{}");

    stop.cancel();
    csms.shut_down().await;
    timeout(PATIENCE, running).await.unwrap().unwrap();
    assert!(timeout(PATIENCE, serving).await.unwrap().unwrap().is_complete());
}

/// Security profile 3: the common name of the certificate is the station's serial number.
#[tokio::test]
async fn a_station_is_known_by_its_certificate() {
    let authority = Authority::new();
    let clients = ClientCertificates::Optional(vec![authority.root()]);
    let tls = ServerTls::load(authority.issue("localhost"), clients).unwrap();
    let listener = TlsListener::bind(([127, 0, 0, 1], 0).into(), tls, HandshakeLimits::default()).unwrap();
    let port = listener.local_addr().unwrap().port();
    let known = Certificates::new().with("SN-1", "CS001").with("SN-2", "CS002").of_organization("Tieline");
    let csms = Csms::builder(yes()).authenticate(known).build();
    let stop = CancellationToken::new();
    let serving = tokio::spawn(serve(listener, csms.clone(), ServeConfig::default(), stop.clone()));
    let own = |name: &'static str| [(DnType::CommonName, name), (DnType::OrganizationName, "Tieline")];
    let connect = async |subject: Option<&[(DnType, &str)]>| {
        let trusting = authority.trusting();
        let tls = match subject {
            Some(subject) => trusting.with_identity(authority.issue_to("station", subject)),
            None => trusting,
        };
        match station(port, Some(&tls)).connect(yes()).await {
            Ok(_) => 101,
            Err(ConnectError::WebSocket(websocket::ConnectError::Refused(status))) => status.as_u16(),
            Err(other) => panic!("{other}"),
        }
    };
    assert_eq!(connect(Some(&own("SN-1"))).await, 101);
    assert_eq!(connect(Some(&own("SN-2"))).await, 401, "that is another station's");
    assert_eq!(connect(Some(&own("CS001"))).await, 401, "an identity is no serial number");
    let stranger = [(DnType::CommonName, "SN-1"), (DnType::OrganizationName, "Other")];
    assert_eq!(connect(Some(&stranger)).await, 401);
    assert_eq!(connect(Some(&[(DnType::OrganizationName, "Tieline")])).await, 401, "it names nobody");
    assert_eq!(connect(None).await, 401);
    stop.cancel();
    csms.shut_down().await;
    timeout(PATIENCE, serving).await.unwrap().unwrap();
}
