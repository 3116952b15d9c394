//! What the HTTP client follows, refuses and gives up on.

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, post};
use tieline_edge::listener::{Listener, PlainListener};
use tieline_edge::tls::ClientTls;
use tieline_edge::{HttpClient, Proxy, ServeConfig, serve};
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};

fn to(status: u16, place: &'static str) -> Response {
    (StatusCode::from_u16(status).unwrap(), [(header::LOCATION, place)]).into_response()
}

fn start() -> (SocketAddr, DropGuard) {
    let listener = PlainListener::bind(([127, 0, 0, 1], 0).into()).unwrap();
    let address = listener.local_addr().unwrap();
    let router = Router::new()
        .route(
            "/target",
            post(|headers: HeaderMap, body: String| async move {
                let agent = headers[header::USER_AGENT].to_str().unwrap();
                format!("{agent} {body}")
            }),
        )
        .route("/307", any(|| async { to(307, "/308") }))
        .route("/308", any(|| async { to(308, "/target") }))
        .route("/three", any(|| async { to(308, "/307") }))
        .route("/302", any(|| async { to(302, "/target") }))
        .route("/silent", any(std::future::pending::<()>))
        .fallback(|uri: http::Uri| async move { uri.to_string() });
    let shutdown = CancellationToken::new();
    tokio::spawn(serve(listener, router, ServeConfig::default(), shutdown.clone()));
    (address, shutdown.drop_guard())
}

fn plain() -> HttpClient {
    HttpClient::new(ClientTls::platform()).allowing_plain_text()
}

async fn post_to(address: SocketAddr, path: &str) -> Result<(StatusCode, String), reqwest::Error> {
    let url = format!("http://{address}{path}");
    let answer = plain().build().unwrap().post(url).body("payload").send().await?;
    Ok((answer.status(), answer.text().await?))
}

#[tokio::test]
async fn follows_two_redirects_that_keep_the_body() {
    let (address, _server) = start();
    let expected = format!("tieline/{} payload", env!("CARGO_PKG_VERSION"));
    assert_eq!(post_to(address, "/307").await.unwrap(), (StatusCode::OK, expected));
    assert!(post_to(address, "/three").await.unwrap_err().is_redirect());
}

#[tokio::test]
async fn a_redirect_that_would_drop_the_body_is_the_answer() {
    let (address, _server) = start();
    assert_eq!(post_to(address, "/302").await.unwrap().0, StatusCode::FOUND);
}

#[tokio::test]
async fn plain_text_has_to_be_allowed() {
    let (address, _server) = start();
    let client = HttpClient::new(ClientTls::platform()).build().unwrap();
    assert!(client.post(format!("http://{address}/target")).send().await.unwrap_err().is_builder());
}

#[tokio::test]
async fn a_silent_server_is_given_up() {
    let (address, _server) = start();
    let (short, long) = (Duration::from_millis(200), Duration::from_secs(30));
    let client = plain().with_timeouts(long, short, long).build().unwrap();
    let error = client.post(format!("http://{address}/silent")).send().await.unwrap_err();
    assert!(error.is_timeout(), "{error:?}");
}

#[tokio::test]
async fn a_proxy_is_asked_instead() {
    let (address, _server) = start();
    let client = plain().with_proxy(Proxy::new(format!("http://{address}"))).build().unwrap();
    let answer = client.get("http://market.example.com/message").send().await.unwrap();
    assert_eq!(answer.text().await.unwrap(), "http://market.example.com/message");
    assert!(plain().with_proxy(Proxy::new("no address")).build().is_err());
}

#[tokio::test]
async fn a_refused_connection_is_a_connect_error() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    assert!(post_to(address, "/target").await.unwrap_err().is_connect());
}
