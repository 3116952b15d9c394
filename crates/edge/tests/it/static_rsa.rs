//! Peers that know no suites but those of static RSA.

use std::net::SocketAddr;
use std::pin::Pin;

use openssl::ssl::{SslConnector, SslFiletype, SslMethod, SslVersion};
use rustls_pki_types::CertificateDer;
use tieline_edge::listener::{HandshakeLimits, StaticRsaListener, TlsListener};
use tieline_edge::tls::{CertifiedKeyFiles, ClientCertificates, ServerTls, StaticRsaTls};
use tieline_edge::{EdgeError, HttpClient, TlsIdentity};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_openssl::SslStream;

use crate::authority::Authority;
use crate::tls::{Server, client, trusting};

fn serving(tls: &StaticRsaTls) -> Server {
    let address = ([127, 0, 0, 1], 0).into();
    Server::on(StaticRsaListener::bind(address, tls.clone(), HandshakeLimits::default()).unwrap())
}

/// The certificates of OCPP's four suites: one of ECDSA, one of RSA.
fn both(authority: &Authority) -> Vec<CertifiedKeyFiles> {
    vec![authority.issue("localhost").0, authority.issue_rsa("localhost").0]
}

/// Asks with TLS 1.2 and these suites only; the answer and the suite that was agreed.
async fn ask(
    address: SocketAddr,
    authority: &Authority,
    suites: &str,
    identity: Option<&CertifiedKeyFiles>,
) -> Result<(String, String), Box<dyn std::error::Error>> {
    let mut connector = SslConnector::builder(SslMethod::tls_client())?;
    connector.set_max_proto_version(Some(SslVersion::TLS1_2))?;
    connector.set_cipher_list(suites)?;
    connector.set_ca_file(authority.root())?;
    if let Some(files) = identity {
        connector.set_certificate_chain_file(&files.certificates)?;
        connector.set_private_key_file(&files.key, SslFiletype::PEM)?;
    }
    let connection = connector.build().configure()?.into_ssl("localhost")?;
    let mut stream = SslStream::new(connection, TcpStream::connect(address).await?)?;
    Pin::new(&mut stream).connect().await?;
    let suite = stream.ssl().current_cipher().ok_or("no suite")?.name().to_owned();
    stream.write_all(b"GET / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").await?;
    let mut text = String::new();
    stream.read_to_string(&mut text).await?;
    let (_, body) = text.split_once("\r\n\r\n").ok_or("no answer")?;
    Ok((body.to_owned(), suite))
}

#[tokio::test]
async fn the_four_suites_of_ocpp_are_spoken() {
    let authority = Authority::new("market");
    let tls = StaticRsaTls::load(both(&authority), ClientCertificates::NotAsked).unwrap();
    let server = serving(&tls);
    for suite in [
        "ECDHE-ECDSA-AES128-GCM-SHA256",
        "ECDHE-ECDSA-AES256-GCM-SHA384",
        "AES128-GCM-SHA256",
        "AES256-GCM-SHA384",
    ] {
        let (body, agreed) = ask(server.address, &authority, suite, None).await.unwrap();
        assert_eq!((body.as_str(), agreed.as_str()), ("nobody", suite));
    }
    server.stop().await;
}

#[tokio::test]
async fn whoever_knows_better_gets_better() {
    let authority = Authority::new("market");
    let tls = StaticRsaTls::load(both(&authority), ClientCertificates::NotAsked).unwrap();
    let server = serving(&tls);
    let offered = "AES256-GCM-SHA384:AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256";
    let (_, agreed) = ask(server.address, &authority, offered, None).await.unwrap();
    assert_eq!(agreed, "ECDHE-RSA-AES128-GCM-SHA256");
    // TLS 1.3 of rustls.
    assert_eq!(server.ask(&client(&authority)).await.unwrap(), "nobody");
    server.stop().await;
}

#[tokio::test]
async fn weaker_ones_are_not_spoken() {
    let authority = Authority::new("market");
    let tls = StaticRsaTls::load(both(&authority), ClientCertificates::NotAsked).unwrap();
    let server = serving(&tls);
    for suite in ["AES128-SHA", "AES256-SHA256", "ECDHE-RSA-AES128-SHA"] {
        assert!(ask(server.address, &authority, suite, None).await.is_err(), "{suite}");
    }
    server.stop().await;
}

/// What this is for: rustls does not speak with such a peer.
#[tokio::test]
async fn the_listener_of_rustls_refuses_static_rsa() {
    let authority = Authority::new("market");
    let tls = ServerTls::load(authority.issue_rsa("localhost").0, ClientCertificates::NotAsked).unwrap();
    let address = ([127, 0, 0, 1], 0).into();
    let server = Server::on(TlsListener::bind(address, tls, HandshakeLimits::default()).unwrap());
    assert!(ask(server.address, &authority, "AES128-GCM-SHA256", None).await.is_err());
    let modern = "ECDHE-RSA-AES128-GCM-SHA256";
    assert_eq!(ask(server.address, &authority, modern, None).await.unwrap().0, "nobody");
    server.stop().await;
}

#[tokio::test]
async fn a_client_is_who_its_certificate_says() {
    let (authority, devices) = (Authority::new("market"), Authority::new("devices"));
    let clients = ClientCertificates::Required(vec![devices.root()]);
    let tls = StaticRsaTls::load(both(&authority), clients).unwrap();
    let server = serving(&tls);
    let suite = "AES128-GCM-SHA256";

    let (files, certificate) = devices.issue_rsa("charger.example.com");
    let expected = TlsIdentity::new(CertificateDer::from(certificate.der().to_vec())).to_string();
    let (body, _) = ask(server.address, &authority, suite, Some(&files)).await.unwrap();
    assert_eq!(body, expected);
    let known = HttpClient::new(trusting(&authority).with_identity(files));
    assert_eq!(server.ask(&known).await.unwrap(), expected);

    let (files, _) = authority.issue_rsa("stranger.example.com");
    assert!(ask(server.address, &authority, suite, Some(&files)).await.is_err());
    assert!(ask(server.address, &authority, suite, None).await.is_err());
    server.stop().await;
}

#[tokio::test]
async fn an_optional_certificate_is_checked_if_shown() {
    let (authority, devices) = (Authority::new("market"), Authority::new("devices"));
    let clients = ClientCertificates::Optional(vec![devices.root()]);
    let server = serving(&StaticRsaTls::load(both(&authority), clients).unwrap());
    let suite = "AES256-GCM-SHA384";
    assert_eq!(ask(server.address, &authority, suite, None).await.unwrap().0, "nobody");
    let (files, _) = authority.issue_rsa("stranger.example.com");
    assert!(ask(server.address, &authority, suite, Some(&files)).await.is_err());
    server.stop().await;
}

#[tokio::test]
async fn a_renewed_certificate_needs_no_restart() {
    let authority = Authority::new("market");
    let files = both(&authority);
    let tls = StaticRsaTls::load(files.clone(), ClientCertificates::NotAsked).unwrap();
    let server = serving(&tls);
    let other = Authority::new("other");
    let suite = "AES128-GCM-SHA256";
    assert!(ask(server.address, &other, suite, None).await.is_err());
    for (mine, (theirs, _)) in files.iter().zip([other.issue("localhost"), other.issue_rsa("localhost")]) {
        std::fs::copy(theirs.certificates, &mine.certificates).unwrap();
        std::fs::copy(theirs.key, &mine.key).unwrap();
    }
    tls.reload().unwrap();
    assert_eq!(ask(server.address, &other, suite, None).await.unwrap().0, "nobody");
    std::fs::write(&files[1].certificates, "").unwrap();
    assert!(matches!(tls.reload(), Err(EdgeError::Pem { .. })));
    assert_eq!(ask(server.address, &other, suite, None).await.unwrap().0, "nobody");
    server.stop().await;
}

#[test]
fn settings_that_contradict_are_refused() {
    let authority = Authority::new("market");
    let (mut files, _) = authority.issue_rsa("localhost");
    let nobody = ClientCertificates::Required(Vec::new());
    let error = StaticRsaTls::load(vec![files.clone()], nobody).unwrap_err();
    assert!(matches!(error, EdgeError::NoClientAuthorities));
    files.key = authority.issue("other").0.key;
    let error = StaticRsaTls::load(vec![files], ClientCertificates::NotAsked).unwrap_err();
    assert!(matches!(error, EdgeError::OpenSslCertificate { .. }), "{error}");
}
