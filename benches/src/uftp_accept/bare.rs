//! The floors: an HTTP handler that looks at nothing, and a signature check with nothing around it.

use std::hint::black_box;
use std::time::{Duration, Instant};

use anyhow::Result;
use axum::Router;
use axum::body::Bytes;
use axum::routing::post;
use tieline_uftp::MESSAGE_PATH;
use tokio::net::TcpListener;

use crate::process::cpu_time;
use crate::usage::Usage;
use crate::{sample, server};

/// Verifications between two looks at the clock.
const BATCH: u32 = 32;

/// Serves axum with a handler that takes the body and says 200, until the process that started this one is gone.
pub fn serve(port: u16) -> Result<()> {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?.block_on(async {
        let listener = TcpListener::bind(("127.0.0.1", port)).await?;
        let router = Router::new().route(MESSAGE_PATH, post(|body: Bytes| async move { drop(body) }));
        server::ready();
        Ok(axum::serve(listener, router).await?)
    })
}

/// Verifies the message's signature for a while, in one thread.
pub(super) fn verify(during: Duration) -> Result<Usage> {
    let (key, signature) = (sample::verifying_key(), sample::signing_key().sign(sample::PAYLOAD));
    let own = std::process::id();
    let (cpu, start) = (cpu_time(own)?, Instant::now());
    let mut count = 0;
    while start.elapsed() < during {
        for _ in 0..BATCH {
            assert!(key.verifies(black_box(sample::PAYLOAD), black_box(&signature)));
        }
        count += BATCH;
    }
    Ok(Usage { count, cpu: cpu_time(own)?.saturating_sub(cpu), wall: start.elapsed() })
}
