//! The load generator: stations that write raw WebSocket frames.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::server::Server;
use crate::window::{Measured, Tally, Window, measure};

/// The mask of every frame: clients must mask, and any mask will do.
const MASK: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];
const FINAL: u8 = 0x80;
const MASKED: u8 = 0x80;
pub(super) const TEXT: u8 = 1;
const PING: u8 = 9;
const PONG: u8 = 10;
/// The longest payload with a length of one byte.
const SHORT: usize = 125;
/// What stands for a length of two bytes.
const TWO_BYTES: u8 = 126;

const BOOT_NOTIFICATION: &str =
    r#"[2,"boot","BootNotification",{"chargePointVendor":"Tieline","chargePointModel":"Load"}]"#;

/// What stations call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Message {
    Heartbeat,
    BootNotification,
    /// With twenty sampled values.
    MeterValues,
}

impl Message {
    pub(super) const ALL: [Self; 3] = [Self::Heartbeat, Self::BootNotification, Self::MeterValues];

    pub(super) const fn action(self) -> &'static str {
        match self {
            Self::Heartbeat => "Heartbeat",
            Self::BootNotification => "BootNotification",
            Self::MeterValues => "MeterValues",
        }
    }

    fn payload(self) -> String {
        match self {
            Self::Heartbeat => "{}".to_owned(),
            Self::BootNotification => r#"{"chargePointVendor":"Tieline","chargePointModel":"Load","chargePointSerialNumber":"TL-0000001","firmwareVersion":"1.0.0","iccid":"8931000000000000001"}"#.to_owned(),
            Self::MeterValues => {
                let value = |number: usize| {
                    format!(
                        r#"{{"value":"{number}.25","context":"Sample.Periodic","format":"Raw","measurand":"Energy.Active.Import.Register","phase":"L1","unit":"kWh"}}"#
                    )
                };
                let values: Vec<_> = (0..20).map(value).collect();
                format!(
                    r#"{{"connectorId":1,"transactionId":7,"meterValue":[{{"timestamp":"2026-06-01T12:00:00.000Z","sampledValue":[{}]}}]}}"#,
                    values.join(",")
                )
            }
        }
    }

    /// What an answer holds.
    const fn answered(self) -> &'static str {
        match self {
            Self::Heartbeat | Self::BootNotification => "currentTime",
            Self::MeterValues => "{}",
        }
    }
}

/// Stations that each call, wait for the answer and call again.
pub(super) fn calls(server: &Server, message: Message, stations: usize, window: Window) -> Result<Measured> {
    runtime()?.block_on(async {
        let tally = Tally::default();
        let mut tasks = JoinSet::new();
        for station in Station::connect_all(server.address, stations).await? {
            tasks.spawn(station.call(message, tally.clone()));
        }
        measure(server.pid(), window, &tally, tasks).await
    })
}

/// What `read` gives after so many stations have each called Heartbeat and MeterValues once in this time, at moments of their own. It
/// fails if one of them is dropped or gets no answer.
pub(super) fn while_alive<T>(
    server: &Server,
    stations: usize,
    minute: Duration,
    read: impl FnOnce() -> T,
) -> Result<T> {
    runtime()?.block_on(async {
        let mut tasks = JoinSet::new();
        let (begin, start) = watch::channel(None);
        let of = u32::try_from(stations)?;
        for number in 0..stations {
            let station = Station::connect(server.address, number).await?;
            tasks.spawn(station.live(start.clone(), minute, minute * u32::try_from(number)? / of));
        }
        begin.send_replace(Some(tokio::time::Instant::now()));
        let mut alive = Vec::with_capacity(stations);
        while let Some(station) = tasks.join_next().await {
            alive.push(station??);
        }
        let read = read();
        for station in &alive {
            station.is_open()?;
        }
        Ok(read)
    })
}

/// What `read` gives after so many stations have booted and been idle for a while.
pub(super) fn while_idle<T>(
    server: &Server,
    stations: usize,
    settled: Duration,
    read: impl FnOnce() -> T,
) -> Result<T> {
    runtime()?.block_on(async {
        let stations = Station::connect_all(server.address, stations).await?;
        tokio::time::sleep(settled).await;
        let read = read();
        drop(stations);
        Ok(read)
    })
}

/// When all begin.
async fn instant_of(
    start: &mut watch::Receiver<Option<tokio::time::Instant>>,
) -> Result<tokio::time::Instant> {
    let instant = *start.wait_for(Option::is_some).await?;
    instant.context("it has begun")
}

fn runtime() -> Result<tokio::runtime::Runtime> {
    Ok(tokio::runtime::Builder::new_current_thread().enable_all().build()?)
}

/// A station of OCPP 1.6 that has booted.
pub(super) struct Station {
    stream: TcpStream,
    received: Vec<u8>,
}

impl Station {
    async fn connect_all(address: SocketAddr, count: usize) -> Result<Vec<Self>> {
        let mut stations = Vec::with_capacity(count);
        for number in 0..count {
            stations.push(Self::connect(address, number).await?);
        }
        Ok(stations)
    }

    pub(super) async fn connect(address: SocketAddr, number: usize) -> Result<Self> {
        let stream = TcpStream::connect(address).await.context("cannot connect")?;
        stream.set_nodelay(true)?;
        let mut station = Self { stream, received: Vec::with_capacity(512) };
        let handshake = format!(
            "GET /ocpp/CP-{number} HTTP/1.1\r\nHost: {address}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
             Sec-WebSocket-Protocol: ocpp1.6\r\n\r\n"
        );
        station.stream.write_all(handshake.as_bytes()).await?;
        let head = station.handshake_answer().await?;
        ensure!(head.starts_with("HTTP/1.1 101 "), "the connection was not upgraded: {head}");
        station.write(TEXT, BOOT_NOTIFICATION.as_bytes()).await?;
        let answer = station.text().await?;
        ensure!(
            answer.starts_with(r#"[3,"boot","#) && answer.contains("Accepted"),
            "the station was not accepted: {answer}"
        );
        Ok(station)
    }

    async fn call(mut self, message: Message, tally: Tally) -> Result<()> {
        let (action, payload) = (message.action(), message.payload());
        for number in 0_u32.. {
            let began = Instant::now();
            self.write(TEXT, format!(r#"[2,"{number}","{action}",{payload}]"#).as_bytes()).await?;
            let answer = self.text().await?;
            ensure!(
                answer.starts_with(&format!(r#"[3,"{number}","#)) && answer.contains(message.answered()),
                "that is no answer to call {number}: {answer}"
            );
            tally.finished(began);
        }
        Ok(())
    }

    /// From when it begins, one Heartbeat at this moment, one MeterValues half a minute away from it, and silence for the rest.
    async fn live(
        mut self,
        mut start: watch::Receiver<Option<tokio::time::Instant>>,
        minute: Duration,
        moment: Duration,
    ) -> Result<Self> {
        let half = minute / 2;
        let other = if moment < half { moment + half } else { moment.saturating_sub(half) };
        let mut calls = [(moment, Message::Heartbeat), (other, Message::MeterValues)];
        calls.sort_unstable_by_key(|(at, _)| *at);
        let began = loop {
            tokio::select! {
                instant = instant_of(&mut start) => break instant?,
                frame = self.frame() => self.heed(frame?).await?,
            }
        };
        for (number, (at, message)) in calls.into_iter().enumerate() {
            self.wait_until(began + at).await?;
            let (action, payload) = (message.action(), message.payload());
            self.write(TEXT, format!(r#"[2,"{number}","{action}",{payload}]"#).as_bytes()).await?;
            let answer = self.text().await?;
            ensure!(answer.starts_with(&format!(r#"[3,"{number}","#)), "that is no answer: {answer}");
        }
        self.wait_until(began + minute).await?;
        Ok(self)
    }

    /// Answers pings meanwhile.
    async fn wait_until(&mut self, at: tokio::time::Instant) -> Result<()> {
        while let Ok(frame) = tokio::time::timeout_at(at, self.frame()).await {
            self.heed(frame?).await?;
        }
        Ok(())
    }

    async fn heed(&mut self, (opcode, payload): (u8, Vec<u8>)) -> Result<()> {
        match opcode {
            PING => self.write(PONG, &payload).await,
            PONG => Ok(()),
            _ => bail!("an unexpected frame {opcode}: {}", String::from_utf8_lossy(&payload)),
        }
    }

    /// Whether the server has said nothing more, and has not gone.
    fn is_open(&self) -> Result<()> {
        let mut byte = [0];
        match self.stream.try_read(&mut byte) {
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => Ok(()),
            Ok(0) => bail!("the server closed a connection"),
            Ok(_) => bail!("the server said something that nobody asked for"),
            Err(error) => Err(error.into()),
        }
    }

    async fn handshake_answer(&mut self) -> Result<String> {
        const END: &[u8] = b"\r\n\r\n";
        loop {
            if let Some(position) = self.received.windows(END.len()).position(|window| window == END) {
                let head = self.received.drain(..position + END.len()).collect();
                return Ok(String::from_utf8(head)?);
            }
            self.read().await?;
        }
    }

    /// The next text; pings are answered.
    pub(super) async fn text(&mut self) -> Result<String> {
        loop {
            let (opcode, payload) = self.frame().await?;
            if opcode == TEXT {
                return Ok(String::from_utf8(payload)?);
            }
            self.heed((opcode, payload)).await?;
        }
    }

    async fn frame(&mut self) -> Result<(u8, Vec<u8>)> {
        const HEAD: usize = 2;
        while self.received.len() < HEAD {
            self.read().await?;
        }
        let (first, mut length, mut head) = (self.received[0], usize::from(self.received[1]), HEAD);
        if length == usize::from(TWO_BYTES) {
            head += 2;
            while self.received.len() < head {
                self.read().await?;
            }
            length = usize::from(u16::from_be_bytes([self.received[2], self.received[3]]));
        }
        ensure!(
            first & FINAL != 0 && self.received[1] <= TWO_BYTES,
            "a frame that is not whole, masked or too long"
        );
        while self.received.len() < head + length {
            self.read().await?;
        }
        let payload = self.received[head..head + length].to_vec();
        self.received.drain(..head + length);
        Ok((first & !FINAL, payload))
    }

    async fn read(&mut self) -> Result<()> {
        let read = self.stream.read_buf(&mut self.received).await?;
        ensure!(read > 0, "the server closed the connection");
        Ok(())
    }

    pub(super) async fn write(&mut self, opcode: u8, payload: &[u8]) -> Result<()> {
        let length = u16::try_from(payload.len()).context("the payload is too long for this generator")?;
        let mut frame = Vec::with_capacity(8 + payload.len());
        if let Some(short) = u8::try_from(length).ok().filter(|length| usize::from(*length) <= SHORT) {
            frame.extend([FINAL | opcode, MASKED | short]);
        } else {
            frame.extend([FINAL | opcode, MASKED | TWO_BYTES]);
            frame.extend(length.to_be_bytes());
        }
        frame.extend(MASK);
        frame.extend(payload.iter().zip(MASK.iter().cycle()).map(|(byte, mask)| byte ^ mask));
        self.stream.write_all(&frame).await?;
        Ok(())
    }
}
