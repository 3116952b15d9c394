//! A network in which everything goes wrong, by a seed.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tieline_sim::Chance;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// Longer than the participants wait for an answer.
const TOO_LONG: Duration = Duration::from_secs(3);
/// How much later a message comes again: others have passed it by then.
const LATE: Duration = Duration::from_millis(400);

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Fault {
    None,
    Dropped,
    Reset,
    ResetAfterwards,
    Refused(u16),
    FailedAfterwards,
    Repeated,
    RepeatedLate,
    Delayed,
    TimedOut,
    TimedOutAfterwards,
}

impl Fault {
    fn by(chance: &mut Chance) -> Self {
        match chance.below(1000) {
            0..40 => Self::Dropped,
            40..70 => Self::Reset,
            70..100 => Self::ResetAfterwards,
            100..120 => Self::Refused(404),
            120..140 => Self::Refused(419),
            140..160 => Self::Refused(429),
            160..180 => Self::Refused(500),
            180..210 => Self::FailedAfterwards,
            210..240 => Self::Repeated,
            240..280 => Self::RepeatedLate,
            280..330 => Self::Delayed,
            330..334 => Self::TimedOut,
            334..338 => Self::TimedOutAfterwards,
            _ => Self::None,
        }
    }
}

type Counts = Arc<Mutex<BTreeMap<Fault, u32>>>;

pub(crate) struct Proxy {
    port: u16,
    counts: Counts,
    _runtime: tokio::runtime::Runtime,
}

impl Proxy {
    /// In front of who listens on `to`.
    pub(crate) fn start(to: u16, chance: Chance) -> Self {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let listener = runtime.block_on(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))).unwrap();
        let (port, counts) = (listener.local_addr().unwrap().port(), Counts::default());
        let network = Network { to, chance: Arc::new(Mutex::new(chance)), counts: counts.clone() };
        runtime.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let network = network.clone();
                // A connection that ends in an error is one of the faults.
                tokio::spawn(async move { network.carry(stream).await });
            }
        });
        Self { port, counts, _runtime: runtime }
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn counts(&self) -> String {
        let counts = self.counts.lock().unwrap();
        let mut text = format!("{} posts", counts.values().sum::<u32>());
        for (fault, count) in counts.iter().filter(|(fault, _)| **fault != Fault::None) {
            write!(text, ", {count} {fault:?}").unwrap();
        }
        text
    }
}

#[derive(Clone)]
struct Network {
    to: u16,
    chance: Arc<Mutex<Chance>>,
    counts: Counts,
}

impl Network {
    async fn carry(self, mut stream: TcpStream) -> io::Result<()> {
        stream.set_nodelay(true)?;
        while let Some(request) = read_message(&mut stream).await? {
            let fault = Fault::by(&mut self.chance.lock().unwrap());
            *self.counts.lock().unwrap().entry(fault).or_default() += 1;
            match fault {
                Fault::Dropped => return Ok(()),
                Fault::Reset => return reset(&stream),
                Fault::ResetAfterwards => {
                    self.post(&request).await?;
                    return reset(&stream);
                }
                Fault::Refused(status) => refuse(&mut stream, status).await?,
                Fault::FailedAfterwards => {
                    self.post(&request).await?;
                    refuse(&mut stream, 500).await?;
                }
                Fault::TimedOut => return timed_out().await,
                Fault::TimedOutAfterwards => {
                    self.post(&request).await?;
                    return timed_out().await;
                }
                Fault::Repeated => {
                    self.post(&request).await?;
                    stream.write_all(&self.post(&request).await?).await?;
                }
                Fault::RepeatedLate => {
                    stream.write_all(&self.post(&request).await?).await?;
                    let again = self.clone();
                    tokio::spawn(async move {
                        tokio::time::sleep(LATE).await;
                        again.post(&request).await
                    });
                }
                Fault::Delayed => {
                    let pause = self.chance.lock().unwrap().below(200);
                    tokio::time::sleep(Duration::from_millis(pause)).await;
                    stream.write_all(&self.post(&request).await?).await?;
                }
                Fault::None => stream.write_all(&self.post(&request).await?).await?,
            }
        }
        Ok(())
    }

    async fn post(&self, request: &[u8]) -> io::Result<Vec<u8>> {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.to)).await?;
        stream.set_nodelay(true)?;
        stream.write_all(request).await?;
        read_message(&mut stream).await?.ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
    }
}

async fn timed_out() -> io::Result<()> {
    tokio::time::sleep(TOO_LONG).await;
    Ok(())
}

/// Ends a connection with RST.
fn reset(stream: &TcpStream) -> io::Result<()> {
    stream.set_zero_linger()
}

async fn refuse(stream: &mut TcpStream, status: u16) -> io::Result<()> {
    let answer = format!("HTTP/1.1 {status} No\r\nContent-Length: 0\r\n\r\n");
    stream.write_all(answer.as_bytes()).await
}

/// Reads a request or an answer with its body; `None` where the connection ends before one begins.
async fn read_message(stream: &mut TcpStream) -> io::Result<Option<Vec<u8>>> {
    let mut message = Vec::with_capacity(4096);
    loop {
        if stream.read_buf(&mut message).await? == 0 {
            return if message.is_empty() { Ok(None) } else { Err(io::ErrorKind::UnexpectedEof.into()) };
        }
        let Some(end) = message.windows(4).position(|window| window == b"\r\n\r\n") else { continue };
        let head = std::str::from_utf8(&message[..end]).unwrap();
        let length = head.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().unwrap())
        });
        let whole = end + 4 + length.unwrap_or(0);
        while message.len() < whole {
            if stream.read_buf(&mut message).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        return Ok(Some(message));
    }
}
