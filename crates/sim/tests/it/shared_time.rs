//! Chargers on a clock that processes share.

use std::time::Duration;

use tieline_edge::virtual_clock::VirtualClock;
use tieline_sim::{Fleet, FleetConfig, TimeServer};
use tokio::time::timeout;

use crate::day::{Day, assert_told};
use crate::loopback;

#[tokio::test]
async fn a_day_in_shared_time_is_the_same_day() {
    let day = Day::begin();
    let server = TimeServer::bind(loopback(), day.span.start(), ["chargers"]).await.unwrap();
    let (clock, busy) = VirtualClock::connect(server.address(), "chargers").await.unwrap();
    let config = FleetConfig::new(day.server.url());
    let fleet = Fleet::start(config, &day.population, day.sessions.clone(), &[], clock).unwrap();
    drop(busy);
    timeout(Duration::from_mins(2), server.run_until(day.span.end())).await.unwrap();
    let outcome = fleet.stop().await;
    assert_told(&day.server.book, &outcome, &day);

    let other = Day::begin();
    let by_hand = other.fleet(&[]);
    other.run_until(other.span.end()).await;
    let by_hand = by_hand.stop().await;
    let energies = |outcome: &tieline_sim::Outcome| {
        outcome.sessions.iter().map(|one| (one.transaction.clone(), one.trace.clone())).collect::<Vec<_>>()
    };
    assert_eq!(energies(&outcome), energies(&by_hand));
    let said = |day: &Day| day.server.book.pages(|pages| pages.said.clone());
    assert_eq!(said(&day), said(&other));
}
