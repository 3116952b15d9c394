//! One station of the storm.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use anyhow::{Result, ensure};
use tokio::sync::watch;
use tokio::time::Instant;

use super::Seen;
use crate::ocpp::load::{self, TEXT};

/// The pause after an attempt that was turned down.
const PAUSE: Duration = Duration::from_secs(1);

/// A station that has booted.
pub(super) struct Station {
    number: u32,
    connection: load::Station,
}

impl Station {
    pub(super) async fn connect(address: SocketAddr, number: u32) -> Result<Self> {
        let connection = load::Station::connect(address, usize::try_from(number)?).await?;
        Ok(Self { number, connection })
    }

    /// Answers what it is asked; goes when all go, comes back after its delay, as often as it takes, and goes on.
    pub(super) async fn live(
        mut self,
        address: SocketAddr,
        mut goes: watch::Receiver<Option<Instant>>,
        delay: Duration,
        seen: Arc<Seen>,
        returned: watch::Sender<u32>,
    ) -> Result<()> {
        loop {
            tokio::select! {
                _ = goes.wait_for(Option::is_some) => break,
                answered = self.answer(&seen) => answered?,
            }
        }
        let number = self.number;
        drop(self);
        tokio::time::sleep(delay).await;
        let mut back = loop {
            if let Ok(back) = Self::connect(address, number).await {
                break back;
            }
            seen.turned_down.fetch_add(1, Ordering::Relaxed);
            tokio::time::sleep(PAUSE).await;
        };
        returned.send_modify(|count| *count += 1);
        loop {
            back.answer(&seen).await?;
        }
    }

    /// Answers the next call.
    async fn answer(&mut self, seen: &Seen) -> Result<()> {
        let text = self.connection.text().await?;
        let frame: serde_json::Value = serde_json::from_str(&text)?;
        if frame[0] != 2 {
            return Ok(());
        }
        ensure!(frame[1].is_string(), "a call without an id: {text}");
        let answer = match frame[2].as_str() {
            Some("ClearCache") => {
                let mut commands = seen.commands.lock().map_err(|_| anyhow::anyhow!("a station panicked"))?;
                *commands.entry(self.number).or_default() += 1;
                r#"{"status":"Accepted"}"#
            }
            Some("GetConfiguration") => r#"{"configurationKey":[]}"#,
            Some("GetCompositeSchedule") => r#"{"status":"Rejected"}"#,
            _ => r#"{"status":"Accepted"}"#,
        };
        self.connection.write(TEXT, format!("[3,{},{answer}]", frame[1]).as_bytes()).await
    }
}
