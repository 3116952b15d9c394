//! Servers on loopback that say what they were asked.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::Request;
use http::{HeaderMap, Method, StatusCode};
use tieline_edge::HttpClient;
use tieline_edge::tls::ClientTls;
use tokio::net::TcpListener;

/// One request as it came.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Asked {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

type Answering = dyn Fn(&Asked) -> (StatusCode, String) + Send + Sync;

/// A server that answers everything by one function.
#[derive(Clone)]
pub(crate) struct Server {
    pub(crate) base: String,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Server {
    pub(crate) async fn start(
        answer: impl Fn(&Asked) -> (StatusCode, String) + Send + Sync + 'static,
    ) -> Self {
        let asked = Arc::<Mutex<Vec<Asked>>>::default();
        let (keep, answer): (_, Arc<Answering>) = (Arc::clone(&asked), Arc::new(answer));
        let app = Router::new().fallback(move |request: Request| {
            let (keep, answer) = (Arc::clone(&keep), Arc::clone(&answer));
            async move {
                let (head, body) = request.into_parts();
                let body = axum::body::to_bytes(body, 1 << 20).await.unwrap();
                let path = head.uri.to_string();
                let one = Asked { method: head.method, path, headers: head.headers, body };
                keep.lock().unwrap().push(one.clone());
                // Long enough that others come meanwhile.
                tokio::task::yield_now().await;
                answer(&one)
            }
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, app).await });
        Self { base, asked }
    }

    /// What came since the last time.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        std::mem::take(&mut self.asked.lock().unwrap())
    }
}

pub(crate) fn http() -> reqwest::Client {
    HttpClient::new(ClientTls::platform()).allowing_plain_text().build().unwrap()
}
