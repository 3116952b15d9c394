//! Posting, against a small server.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::routing::post;
use http::{HeaderMap, StatusCode};
use tieline_edge::HttpClient;
use tieline_edge::tls::ClientTls;
use tieline_uftp::{Client, Delivery, Endpoint};
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpListener;

fn client() -> Client {
    let (connect, read, total) = (Duration::from_secs(5), Duration::from_millis(500), Duration::from_secs(5));
    let http =
        HttpClient::new(ClientTls::platform()).allowing_plain_text().with_timeouts(connect, read, total);
    Client::new(http.build().unwrap())
}

async fn serve(app: Router) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, app).await });
    format!("http://{address}")
}

fn endpoint(base: &str, path: &str) -> Endpoint {
    format!("{base}{path}").parse().unwrap()
}

#[tokio::test]
async fn sends_the_bytes_with_type_and_length() {
    let seen = Arc::new(Mutex::new(None));
    let keep = Arc::clone(&seen);
    let app = Router::new().route(
        "/m",
        post(move |headers: HeaderMap, body: Bytes| async move {
            *keep.lock().unwrap() = Some((headers, body));
        }),
    );
    let base = serve(app).await;
    assert_eq!(client().post(&endpoint(&base, "/m"), "<SignedMessage/>").await, Delivery::Delivered);
    let (headers, body) = seen.lock().unwrap().take().unwrap();
    assert_eq!(body, "<SignedMessage/>");
    assert_eq!(headers["content-type"], "text/xml; charset=utf-8");
    assert_eq!(headers["content-length"], "16");
}

#[tokio::test]
async fn an_answer_is_delivery_delay_or_refusal() {
    let app = Router::new()
        .route("/400", post(|| async { (StatusCode::BAD_REQUEST, "ISP@Start: wrong") }))
        .route("/419", post(|| async { StatusCode::from_u16(419).unwrap() }))
        .route("/503", post(|| async { (StatusCode::SERVICE_UNAVAILABLE, [("retry-after", "3")], "busy") }))
        .route("/500", post(|| async { (StatusCode::INTERNAL_SERVER_ERROR, "x".repeat(100_000)) }))
        .route("/303", post(|| async { (StatusCode::SEE_OTHER, [("location", "/200")]) }))
        .route("/307", post(|| async { (StatusCode::TEMPORARY_REDIRECT, [("location", "/200")]) }))
        .route("/200", post(|body: Bytes| async move { assert_eq!(body, "x") }));
    let base = serve(app).await;
    let result = async |path: &str| client().post(&endpoint(&base, path), "x").await;

    let Delivery::Permanent { status, cause } = result("/400").await else { panic!() };
    assert_eq!((status, cause.as_str()), (StatusCode::BAD_REQUEST, "400 Bad Request: ISP@Start: wrong"));
    let pause = Some(Duration::from_secs(3));
    let cause = "503 Service Unavailable: busy".to_owned();
    assert_eq!(result("/503").await, Delivery::Temporary { cause, retry_after: pause });
    assert!(result("/419").await.is_retryable());
    assert!(result("/nowhere").await.is_retryable());
    let Delivery::Temporary { cause, .. } = result("/500").await else { panic!() };
    assert!(cause.len() < 2200);
    assert!(result("/303").await.is_retryable(), "a redirect that would lose the body is not followed");
    assert_eq!(result("/307").await, Delivery::Delivered);
}

#[tokio::test]
async fn no_answer_is_a_delay() {
    // Nobody listens.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let gone = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let Delivery::Temporary { cause, .. } = client().post(&endpoint(&gone, "/"), "x").await else { panic!() };
    assert!(cause.contains("refused"), "{cause}");

    // Somebody listens and hangs up.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let rude = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let _ = socket.read(&mut [0; 16]).await;
        }
    });
    assert!(client().post(&endpoint(&rude, "/"), "x").await.is_retryable());

    // Somebody listens and says nothing.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let silent = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let mut kept = Vec::new();
        while let Ok((socket, _)) = listener.accept().await {
            kept.push(socket);
        }
    });
    assert!(client().post(&endpoint(&silent, "/"), "x").await.is_retryable());
}
