//! The load generator: posts on connections that stay open.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use anyhow::{Context as _, Result, bail, ensure};
use tieline_uftp::MESSAGE_PATH;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::server::Server;
use crate::window::{Measured, Tally, Window, measure};

/// What is posted.
#[derive(Clone, Copy)]
pub(super) struct Load<'a> {
    pub(super) envelopes: &'a [Vec<u8>],
    /// Whether they are posted again and again, or each once.
    pub(super) again: bool,
    /// Whether a server that says 400 goes on, or ends the run.
    pub(super) may_refuse: bool,
    pub(super) connections: usize,
    pub(super) window: Window,
}

/// What the connections share.
struct Shared {
    requests: Vec<Vec<u8>>,
    next: AtomicUsize,
    again: bool,
    may_refuse: bool,
    tally: Tally,
}

impl Load<'_> {
    pub(super) fn post(self, server: &Server) -> Result<Measured> {
        let address = server.address;
        let shared = Arc::new(Shared {
            requests: self.envelopes.iter().map(|envelope| request(address, envelope)).collect(),
            next: AtomicUsize::new(0),
            again: self.again,
            may_refuse: self.may_refuse,
            tally: Tally::default(),
        });
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(async {
            let mut tasks = JoinSet::new();
            for _ in 0..self.connections {
                let stream = TcpStream::connect(address).await.context("cannot connect")?;
                stream.set_nodelay(true)?;
                tasks.spawn(connection(stream, Arc::clone(&shared)));
            }
            measure(server.pid(), self.window, &shared.tally, tasks).await
        })
    }
}

impl Shared {
    fn next(&self) -> Option<&[u8]> {
        let next = self.next.fetch_add(1, Ordering::Relaxed);
        let next = if self.again { next % self.requests.len() } else { next };
        self.requests.get(next).map(Vec::as_slice)
    }
}

fn request(address: SocketAddr, envelope: &[u8]) -> Vec<u8> {
    let head = format!(
        "POST {MESSAGE_PATH} HTTP/1.1\r\nHost: {address}\r\nContent-Type: text/xml; charset=utf-8\r\n\
         Content-Length: {}\r\n\r\n",
        envelope.len()
    );
    [head.as_bytes(), envelope].concat()
}

async fn connection(mut stream: TcpStream, shared: Arc<Shared>) -> Result<()> {
    while let Some(request) = shared.next() {
        let began = Instant::now();
        stream.write_all(request).await?;
        match answer(&mut stream).await?.as_str() {
            "200" => shared.tally.finished(began),
            "400" if shared.may_refuse => shared.tally.refused(),
            status => bail!("the answer is {status}"),
        }
    }
    Ok(())
}

/// Reads one answer: its status.
async fn answer(stream: &mut TcpStream) -> Result<String> {
    let mut buffer = [0; 4096];
    let mut length = 0;
    loop {
        let read = stream.read(&mut buffer[length..]).await?;
        ensure!(read > 0, "the server closed the connection or its answer is too long");
        length += read;
        let text = std::str::from_utf8(&buffer[..length])?;
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let expected = content_length(head)?;
        if body.len() == expected {
            let status = head.split(' ').nth(1).with_context(|| format!("no status in {head}"))?;
            return Ok(status.to_owned());
        }
        ensure!(body.len() < expected, "there is more than one answer: {text}");
    }
}

pub(super) fn content_length(head: &str) -> Result<usize> {
    let lines = head.lines().skip(1).filter_map(|line| line.split_once(':'));
    for (name, value) in lines {
        if name.eq_ignore_ascii_case("content-length") {
            return value.trim().parse().with_context(|| format!("not a length: {value}"));
        }
    }
    bail!("there is no length in {head}")
}
