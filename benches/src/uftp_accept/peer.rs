//! The peer that a node answers: it says 200 to everything.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;

use anyhow::{Context as _, Result};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// Longer than any message that a node writes here.
const LONGEST: usize = 64 * 1024;

/// What a node answers.
pub(super) struct Peer {
    pub(super) port: u16,
    answers: Arc<AtomicU32>,
}

impl Peer {
    /// Listens until this process ends.
    pub(super) fn start() -> Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let listener = runtime.block_on(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)))?;
        let port = listener.local_addr()?.port();
        let answers = Arc::new(AtomicU32::new(0));
        let counted = Arc::clone(&answers);
        thread::spawn(move || {
            runtime.block_on(async {
                while let Ok((stream, _)) = listener.accept().await {
                    let counted = Arc::clone(&counted);
                    // A connection that ends in an error is the node's to report.
                    tokio::spawn(async move { drop(answer_all(stream, &counted).await) });
                }
            });
        });
        Ok(Self { port, answers })
    }

    /// How many messages it has taken.
    pub(super) fn answers(&self) -> u32 {
        self.answers.load(Ordering::Relaxed)
    }
}

async fn answer_all(mut stream: TcpStream, counted: &AtomicU32) -> Result<()> {
    let mut received = Vec::with_capacity(4096);
    loop {
        let read = stream.read_buf(&mut received).await?;
        if read == 0 || received.len() > LONGEST {
            return Ok(());
        }
        let Some(position) = received.windows(4).position(|window| window == b"\r\n\r\n") else { continue };
        let head = std::str::from_utf8(&received[..position])?;
        let whole = position + 4 + super::load::content_length(head).context("a message has a length")?;
        if received.len() >= whole {
            received.drain(..whole);
            counted.fetch_add(1, Ordering::Relaxed);
            stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").await?;
        }
    }
}
