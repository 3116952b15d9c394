//! How many instants a second pass, when three participants wait for each other: `cargo run -p tieline-sim --example instant_rate`.
#![expect(clippy::print_stdout, reason = "an example answers on standard output")]

use std::error::Error;
use std::net::{Ipv4Addr, SocketAddr};

use jiff::{SignedDuration, Timestamp};
use tieline_edge::virtual_clock::VirtualClock;
use tieline_sim::TimeServer;
use tieline_types::Clock as _;

const INSTANTS: u32 = 10_000;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let begin = Timestamp::UNIX_EPOCH;
    let names = ["agr", "dso", "chargers"];
    let loopback = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let server = TimeServer::bind(loopback, begin, names).await?;
    for (name, offset) in names.into_iter().zip(1..) {
        let (clock, mut busy) = VirtualClock::connect(server.address(), name).await?;
        tokio::spawn(async move {
            let mut next = begin + SignedDuration::from_secs(offset);
            loop {
                let wait = clock.wait_until(next);
                drop(busy);
                busy = wait.await;
                next += SignedDuration::from_secs(3);
            }
        });
    }
    let started = tokio::time::Instant::now();
    server.run_until(begin + SignedDuration::from_secs(INSTANTS.into())).await;
    let taken = started.elapsed();
    println!("{INSTANTS} instants in {taken:?}: {:?} each", taken / INSTANTS);
    Ok(())
}
