//! Chargers over TLS: security profiles 2 and 3, by rustls and by OpenSSL.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, IsCa, Issuer, KeyPair, SignatureAlgorithm,
};
use tempfile::TempDir;
use tieline_edge::tls::{CertifiedKeyFiles, ClientTls, TrustedRoots};
use tieline_edge::websocket::{self, Connector};
use tieline_node::config::ProfileUnit;
use tieline_node::registry::{self, Registration};
use tieline_ocpp::client::{ChargingStation, ConnectError};
use tieline_ocpp::csms::PasswordHash;
use tieline_ocpp::{Ocpp, Version};
use tieline_service::Router;
use tieline_store::{SqliteOptions, SqliteStore};

use crate::commands::knock;
use crate::daemon::eventually;
use crate::scene::{CONNECTION, MORNING, Scene, fleet};

const PASSWORD: &[u8] = b"open sesame 4711";

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
        std::fs::write(folder.path().join("root.pem"), params.self_signed(&key).unwrap().pem()).unwrap();
        Self { folder, issuer: Issuer::new(params, key) }
    }

    fn root(&self) -> PathBuf {
        self.folder.path().join("root.pem")
    }

    /// A certificate for an address, or with a common name and an organization.
    fn issue(
        &self,
        address: &str,
        subject: &[(DnType, &str)],
        kind: &'static SignatureAlgorithm,
    ) -> [PathBuf; 2] {
        let key = KeyPair::generate_for(kind).unwrap();
        let mut params = CertificateParams::new(vec![address.to_owned()]).unwrap();
        params.distinguished_name = DistinguishedName::new();
        for (kind, value) in subject {
            params.distinguished_name.push(kind.clone(), *value);
        }
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        let count = std::fs::read_dir(self.folder.path()).unwrap().count();
        let paths = ["pem", "key"].map(|suffix| self.folder.path().join(format!("{count}.{suffix}")));
        std::fs::write(&paths[0], certificate.pem()).unwrap();
        crate::daemon::write_secret(&paths[1], &key.serialize_pem());
        paths
    }
}

/// A node whose chargers come over TLS. CP-1 is known by the certificate of SN-1.
async fn secured(authority: &Authority, static_rsa: bool) -> Scene {
    let table = |listen: SocketAddr| {
        let issue = |kind| {
            let paths = authority.issue(&listen.ip().to_string(), &[], kind);
            paths.map(|path| path.display().to_string())
        };
        let [certificate, key] = issue(&rcgen::PKCS_ECDSA_P256_SHA256);
        let root = authority.root().display().to_string();
        let mut tls = format!(
            "certificate = \"{certificate}\"\nprivate_key = \"{key}\"\nclient_authorities = [\"{root}\"]\n"
        );
        if static_rsa {
            let [certificate, key] = issue(&rcgen::PKCS_RSA_SHA256);
            let second = format!("second_certificate = \"{certificate}\"\nsecond_private_key = \"{key}\"\n");
            tls = format!("{tls}static_rsa = true\n{second}");
        }
        let text = fleet(listen, "30m").replacen("plaintext = true\n", "cpo_name = \"Tieline\"\n", 1);
        let text =
            text.replacen("identity = \"CP-1\"\n", "identity = \"CP-1\"\nserial_number = \"SN-1\"\n", 1);
        text.replacen("[[ocpp.charger]]", &format!("[ocpp.tls]\n{tls}\n[[ocpp.charger]]"), 1)
    };
    Scene::with_fleet(MORNING, "", table).await
}

/// The status of a handshake with this certificate and this password.
async fn status(
    scene: &Scene,
    authority: &Authority,
    identity: &str,
    serial_number: Option<&str>,
    password: Option<&[u8]>,
) -> u16 {
    let mut tls = ClientTls::platform().with_roots(TrustedRoots::Only(vec![authority.root()]));
    if let Some(name) = serial_number {
        let subject = [(DnType::CommonName, name), (DnType::OrganizationName, "Tieline")];
        let [certificate, key] = authority.issue("station", &subject, &rcgen::PKCS_ECDSA_P256_SHA256);
        tls = tls.with_identity(CertifiedKeyFiles::new(certificate, key));
    }
    let url = format!("wss://{}/ocpp", scene.agr.ocpp());
    let station = ChargingStation::new(&url, identity, [Version::V1_6]).unwrap();
    let station = station.with_connector(Connector::default().with_tls(Arc::new(tls.load().unwrap())));
    let station = match password {
        Some(password) => station.with_password(password),
        None => station,
    };
    match station.connect(Router::<Ocpp>::new().with_state(())).await {
        Ok(_) => 101,
        Err(ConnectError::WebSocket(websocket::ConnectError::Refused(status))) => status.as_u16(),
        Err(other) => panic!("{other:?}"),
    }
}

pub(crate) fn registration(
    identity: &str,
    security_profile: u8,
    serial_number: Option<&str>,
) -> Registration {
    Registration {
        identity: identity.to_owned(),
        connection: CONNECTION.parse().unwrap(),
        phases: 3,
        voltage: 230,
        maximum_current: 32,
        unit: Some(ProfileUnit::W),
        tolerances: Vec::new(),
        security_profile,
        serial_number: serial_number.map(str::to_owned),
    }
}

async fn chargers_show_who_they_are(static_rsa: bool) {
    let authority = Authority::new();
    let scene = secured(&authority, static_rsa).await;
    let status = async |identity, serial_number, password| {
        status(&scene, &authority, identity, serial_number, password).await
    };
    // The file.
    assert_eq!(status("CP-1", Some("SN-1"), None).await, 101);
    assert_eq!(status("CP-1", Some("SN-2"), None).await, 401, "that is another's");
    assert_eq!(status("CP-1", None, None).await, 401);
    assert_eq!(status("CP-1", None, Some(PASSWORD)).await, 401);
    assert_eq!(status("CP-2", None, None).await, 101, "it proves nothing");

    // The store.
    let store = SqliteStore::open(&scene.agr.database(), SqliteOptions::default()).unwrap();
    let hash = PasswordHash::of(PASSWORD, [7; 16]);
    registry::add(&store, registration("CP-8", 2, None), Some(hash), scene.now()).await.unwrap();
    registry::add(&store, registration("CP-9", 3, Some("SN-9")), None, scene.now()).await.unwrap();
    knock(&scene);
    eventually("CP-9 is let in", async || (status("CP-9", Some("SN-9"), None).await == 101).then_some(()))
        .await;
    assert_eq!(status("CP-9", Some("SN-1"), None).await, 401);
    assert_eq!(status("CP-8", None, Some(PASSWORD)).await, 101);
    assert_eq!(status("CP-8", Some("SN-9"), None).await, 401);
    let refused =
        registry::set_password(&store, "CP-9", PasswordHash::of(PASSWORD, [8; 16]), scene.now()).await;
    assert!(refused.unwrap_err().to_string().contains("have no password"));
}

#[tokio::test]
async fn chargers_show_who_they_are_by_password_and_certificate() {
    chargers_show_who_they_are(false).await;
}

#[cfg(feature = "static-rsa")]
#[tokio::test]
async fn so_they_do_where_static_rsa_is_served() {
    chargers_show_who_they_are(true).await;
}

/// A charger of the store whose certificate nobody asks for would never get in.
#[tokio::test]
async fn a_charger_with_a_certificate_needs_a_listener_that_asks_for_it() {
    let mut scene = Scene::new().await;
    let store = SqliteStore::open(&scene.agr.database(), SqliteOptions::default()).unwrap();
    registry::add(&store, registration("CP-9", 3, Some("SN-9")), None, scene.now()).await.unwrap();
    scene.agr.stop().await;
    let refused = scene.agr.another().await.unwrap_err().to_string();
    assert!(refused.starts_with("ocpp.charger CP-9: is known by a certificate"), "{refused}");
}
