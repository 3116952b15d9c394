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

use crate::window::{Measured, Tally, Window, measure};

/// Posts envelopes, each once, over so many connections.
pub(super) fn post(
    pid: u32,
    address: SocketAddr,
    envelopes: &[Vec<u8>],
    connections: usize,
    window: Window,
) -> Result<Measured> {
    let requests: Arc<[Vec<u8>]> = envelopes.iter().map(|envelope| request(address, envelope)).collect();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let (tally, next) = (Tally::default(), Arc::new(AtomicUsize::new(0)));
        let mut tasks = JoinSet::new();
        for _ in 0..connections {
            let stream = TcpStream::connect(address).await.context("cannot connect")?;
            stream.set_nodelay(true)?;
            tasks.spawn(connection(stream, Arc::clone(&requests), Arc::clone(&next), tally.clone()));
        }
        measure(pid, window, &tally, tasks).await
    })
}

fn request(address: SocketAddr, envelope: &[u8]) -> Vec<u8> {
    let head = format!(
        "POST {MESSAGE_PATH} HTTP/1.1\r\nHost: {address}\r\nContent-Type: text/xml; charset=utf-8\r\n\
         Content-Length: {}\r\n\r\n",
        envelope.len()
    );
    [head.as_bytes(), envelope].concat()
}

async fn connection(
    mut stream: TcpStream,
    requests: Arc<[Vec<u8>]>,
    next: Arc<AtomicUsize>,
    tally: Tally,
) -> Result<()> {
    while let Some(request) = requests.get(next.fetch_add(1, Ordering::Relaxed)) {
        let began = Instant::now();
        stream.write_all(request).await?;
        answer(&mut stream).await?;
        tally.finished(began);
    }
    Ok(())
}

/// Reads one answer, which has to be a 200.
async fn answer(stream: &mut TcpStream) -> Result<()> {
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
            ensure!(head.starts_with("HTTP/1.1 200 "), "the answer is not 200: {text}");
            return Ok(());
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
