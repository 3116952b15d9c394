//! TLS connections: the handshake, the client's identity, and peers that do not get in.

use std::net::SocketAddr;
use std::time::Duration;

use axum::http::{StatusCode, header};
use axum::routing::get;
use axum::{Extension, Router};
use rustls_pki_types::CertificateDer;
use tieline_edge::listener::{HandshakeLimits, Listener, TlsListener};
use tieline_edge::tls::{CertifiedKeyFiles, ClientCertificates, ClientTls, ServerTls, TrustedRoots};
use tieline_edge::{Drained, HttpClient, PeerIdentity, ServeConfig, TlsIdentity, serve};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::authority::Authority;

pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    shutdown: CancellationToken,
    task: JoinHandle<Drained>,
}

impl Server {
    fn start(tls: ServerTls, limits: HandshakeLimits) -> Self {
        Self::on(TlsListener::bind(([127, 0, 0, 1], 0).into(), tls, limits).unwrap())
    }

    /// Tells whoever asks who they are.
    pub(crate) fn on(listener: impl Listener) -> Self {
        let address = listener.local_addr().unwrap();
        let router = Router::new().route(
            "/",
            get(|Extension(peer): Extension<PeerIdentity>| async move {
                assert!(peer.remote.ip().is_loopback());
                peer.tls.map_or_else(|| "nobody".to_owned(), |tls| tls.to_string())
            }),
        );
        let away = || async { (StatusCode::TEMPORARY_REDIRECT, [(header::LOCATION, "http://localhost/")]) };
        let router = router.route("/away", get(away));
        let shutdown = CancellationToken::new();
        let task = tokio::spawn(serve(listener, router, ServeConfig::default(), shutdown.clone()));
        Self { address, shutdown, task }
    }

    pub(crate) async fn ask(&self, client: &HttpClient) -> Result<String, reqwest::Error> {
        let url = format!("https://localhost:{}/", self.address.port());
        client.build().unwrap().get(url).send().await?.text().await
    }

    pub(crate) async fn stop(self) {
        self.shutdown.cancel();
        assert!(self.task.await.unwrap().is_complete());
    }
}

pub(crate) fn client(authority: &Authority) -> HttpClient {
    HttpClient::new(trusting(authority))
}

pub(crate) fn trusting(authority: &Authority) -> ClientTls {
    ClientTls::platform().with_roots(TrustedRoots::Only(vec![authority.root()]))
}

fn server_tls(files: CertifiedKeyFiles, clients: ClientCertificates) -> ServerTls {
    ServerTls::load(files, clients).unwrap()
}

#[tokio::test]
async fn an_unasked_client_is_nobody() {
    let authority = Authority::new("market");
    let tls = server_tls(authority.issue("localhost").0, ClientCertificates::NotAsked);
    let server = Server::start(tls, HandshakeLimits::default());
    assert_eq!(server.ask(&client(&authority)).await.unwrap(), "nobody");
    server.stop().await;
}

#[tokio::test]
async fn a_redirect_never_leads_out_of_tls() {
    let authority = Authority::new("market");
    let tls = server_tls(authority.issue("localhost").0, ClientCertificates::NotAsked);
    let server = Server::start(tls, HandshakeLimits::default());
    let client = client(&authority).allowing_plain_text().build().unwrap();
    let url = format!("https://localhost:{}/away", server.address.port());
    assert!(client.get(url).send().await.unwrap_err().is_redirect());
    server.stop().await;
}

#[tokio::test]
async fn extra_roots_stand_beside_the_platforms() {
    let authority = Authority::new("market");
    let tls = server_tls(authority.issue("localhost").0, ClientCertificates::NotAsked);
    let server = Server::start(tls, HandshakeLimits::default());
    let roots = TrustedRoots::PlatformAnd(vec![authority.root()]);
    let client = HttpClient::new(ClientTls::platform().with_roots(roots));
    assert_eq!(server.ask(&client).await.unwrap(), "nobody");
    server.stop().await;
}

#[tokio::test]
async fn a_server_of_another_authority_is_not_trusted() {
    let (authority, other) = (Authority::new("market"), Authority::new("market"));
    let tls = server_tls(other.issue("localhost").0, ClientCertificates::NotAsked);
    let server = Server::start(tls, HandshakeLimits::default());
    assert!(server.ask(&client(&authority)).await.unwrap_err().is_connect());
    server.stop().await;
}

#[tokio::test]
async fn the_handler_sees_the_clients_certificate() {
    let (authority, devices) = (Authority::new("market"), Authority::new("devices"));
    let clients = ClientCertificates::Required(vec![devices.root()]);
    let tls = server_tls(authority.issue("localhost").0, clients);
    let server = Server::start(tls, HandshakeLimits::default());

    let (files, certificate) = devices.issue("charger.example.com");
    let known = HttpClient::new(trusting(&authority).with_identity(files));
    let expected = TlsIdentity::new(CertificateDer::from(certificate.der().to_vec()));
    assert_eq!(server.ask(&known).await.unwrap(), expected.to_string());

    let (files, _) = authority.issue("stranger.example.com");
    let stranger = HttpClient::new(trusting(&authority).with_identity(files));
    assert!(server.ask(&stranger).await.is_err());
    assert!(server.ask(&client(&authority)).await.is_err());
    server.stop().await;
}

#[tokio::test]
async fn an_optional_certificate_is_checked_if_shown() {
    let (authority, devices) = (Authority::new("market"), Authority::new("devices"));
    let clients = ClientCertificates::Optional(vec![devices.root()]);
    let tls = server_tls(authority.issue("localhost").0, clients);
    let server = Server::start(tls, HandshakeLimits::default());

    assert_eq!(server.ask(&client(&authority)).await.unwrap(), "nobody");
    let (files, _) = devices.issue("charger.example.com");
    let known = HttpClient::new(trusting(&authority).with_identity(files));
    assert!(server.ask(&known).await.unwrap().starts_with("sha256:"));
    let (files, _) = authority.issue("stranger.example.com");
    let stranger = HttpClient::new(trusting(&authority).with_identity(files));
    assert!(server.ask(&stranger).await.is_err());
    server.stop().await;
}

#[tokio::test]
async fn a_renewed_certificate_needs_no_restart() {
    let (old, new) = (Authority::new("old"), Authority::new("new"));
    let (files, _) = old.issue("localhost");
    let tls = server_tls(files.clone(), ClientCertificates::NotAsked);
    let server = Server::start(tls.clone(), HandshakeLimits::default());
    assert!(server.ask(&client(&new)).await.is_err());

    let (renewed, _) = new.issue("localhost");
    std::fs::write(&files.certificates, "not PEM").unwrap();
    assert!(tls.reload().is_err());
    assert!(server.ask(&client(&old)).await.is_ok());

    std::fs::copy(&renewed.certificates, &files.certificates).unwrap();
    std::fs::copy(&renewed.key, &files.key).unwrap();
    tls.reload().unwrap();
    assert!(server.ask(&client(&new)).await.is_ok());
    assert!(server.ask(&client(&old)).await.is_err());
    server.stop().await;
}

#[tokio::test]
async fn a_silent_peer_is_cut_and_delays_nobody() {
    let authority = Authority::new("market");
    let tls = server_tls(authority.issue("localhost").0, ClientCertificates::NotAsked);
    let limits = HandshakeLimits::default().with_timeout(Duration::from_millis(300)).with_in_flight(2);
    let server = Server::start(tls, limits);

    let mut silent = TcpStream::connect(server.address).await.unwrap();
    assert_eq!(server.ask(&client(&authority)).await.unwrap(), "nobody");
    let mut byte = [0];
    assert_eq!(silent.read(&mut byte).await.unwrap(), 0, "closed by the server");
    server.stop().await;
}

#[tokio::test]
async fn handshakes_beyond_the_bound_wait_for_their_turn() {
    let authority = Authority::new("market");
    let tls = server_tls(authority.issue("localhost").0, ClientCertificates::NotAsked);
    let limits = HandshakeLimits::default().with_timeout(Duration::from_millis(300)).with_in_flight(1);
    let server = Server::start(tls, limits);

    let _silent = TcpStream::connect(server.address).await.unwrap();
    assert_eq!(server.ask(&client(&authority)).await.unwrap(), "nobody");
    server.stop().await;
}

#[tokio::test]
async fn plain_text_gets_no_answer_in_plain_text() {
    let authority = Authority::new("market");
    let tls = server_tls(authority.issue("localhost").0, ClientCertificates::NotAsked);
    let server = Server::start(tls, HandshakeLimits::default());
    let mut plain = TcpStream::connect(server.address).await.unwrap();
    plain.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();
    let _ = plain.read_to_end(&mut answer).await;
    assert!(!answer.starts_with(b"HTTP"), "{answer:?}");
    server.stop().await;
}
