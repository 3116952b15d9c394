//! A CSMS that is killed, and chargers that disappear.

use std::time::Duration;

use jiff::SignedDuration;
use tieline_ocpp::Version;
use tieline_sim::Behaviour;
use tieline_types::TimeSpan;

use crate::csms::{Book, Said, Server};
use crate::day::{Day, assert_told};

/// What was said, once each, whether offline or not.
fn said(book: &Book) -> Vec<Said> {
    let online = |said: &Said| Said { offline: false, ..said.clone() };
    let mut said: Vec<Said> = book.pages(|pages| pages.said.iter().map(online).collect());
    said.sort();
    said.dedup();
    said
}

/// The whole day without a disturbance.
async fn undisturbed() -> (Vec<Said>, Day, tieline_sim::Outcome) {
    let day = Day::begin();
    let fleet = day.fleet(&[]);
    fleet.ready().await;
    day.run_until(day.span.end()).await;
    let outcome = fleet.stop().await;
    (said(&day.server.book), day, outcome)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_csms_that_is_killed_at_any_moment_misses_nothing() {
    let (expected, _, quiet) = undisturbed().await;
    let mut day = Day::begin();
    let fleet = day.fleet(&[]);
    fleet.ready().await;
    for hour in 1..=24 {
        let until = day.hour(hour);
        // Killed in the middle of what happens, whatever that is.
        let server = std::mem::replace(&mut day.server, Server::start(Book::default()));
        let killing = tokio::spawn(async move {
            tokio::time::sleep(Duration::from_millis(u64::try_from(hour * 7 % 23).unwrap())).await;
            server.kill_and_restart(Duration::from_millis(5)).await
        });
        day.run_until(until).await;
        day.server = killing.await.unwrap();
    }
    day.run_until(day.span.end()).await;
    let outcome = fleet.stop().await;
    assert!(outcome.chargers.iter().all(|charger| charger.boots > 10 && charger.lost_messages == 0));
    assert_told(&day.server.book, &outcome, &day);
    assert_eq!(said(&day.server.book), expected);
    for (one, other) in outcome.sessions.iter().zip(&quiet.sessions) {
        assert_eq!((&one.trace, one.delivered), (&other.trace, other.delivered));
    }
}

#[tokio::test]
async fn time_stands_still_while_the_csms_is_down() {
    let mut day = Day::begin();
    let fleet = day.fleet(&[]);
    fleet.ready().await;
    day.run_until(day.hour(9)).await;
    assert!(day.clock.is_idle());
    let book = day.server.book.clone();
    let address = day.server.address;
    drop(std::mem::replace(&mut day.server, Server::start(Book::default())));
    // The chargers notice, and wait for it.
    tokio::time::timeout(Duration::from_secs(20), async {
        while day.clock.is_idle() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    })
    .await
    .unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(!day.clock.is_idle());
    day.server = Server::start_again(address, book);
    day.run_until(day.hour(10)).await;
    let outcome = fleet.stop().await;
    assert!(outcome.chargers.iter().all(|charger| charger.boots == 2));
}

#[tokio::test]
async fn who_disappears_goes_on_charging_and_reports_it_afterwards() {
    let (expected, _, quiet) = undisturbed().await;
    let day = Day::begin();
    let absence = TimeSpan::new(day.hour(8), day.hour(11)).unwrap();
    let mut behaviours = vec![Behaviour::Obeys; 20];
    behaviours[..10].fill(Behaviour::Disappears(absence));
    let fleet = day.fleet(&behaviours);
    fleet.ready().await;
    day.run_until(absence.start() - SignedDuration::from_secs(1)).await;
    assert_eq!(day.server.registry.len(), 20);
    day.run_until(absence.start() + SignedDuration::from_hours(2)).await;
    // Its end of the connection is gone; the CSMS notices a little later.
    tokio::time::timeout(Duration::from_secs(20), async {
        while day.server.registry.len() > 10 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    })
    .await
    .unwrap();
    let before = day.server.book.pages(|pages| pages.said.len());
    day.run_until(absence.end()).await;
    assert_eq!(day.server.registry.len(), 20);
    assert!(day.server.book.pages(|pages| pages.said.len()) > before + 20);
    day.run_until(day.span.end()).await;
    let outcome = fleet.stop().await;
    assert_eq!(said(&day.server.book), expected);
    assert!(outcome.sessions.iter().zip(&quiet.sessions).all(|(one, other)| one.trace == other.trace));
    // 2.0.1 says what happened offline, before the day began too; 1.6 cannot.
    day.server.book.pages(|pages| {
        let offline: Vec<_> = pages.said.iter().filter(|said| said.offline).collect();
        assert!(offline.iter().any(|said| absence.contains(said.at)));
        for said in offline {
            let charger =
                day.population.chargers().iter().position(|one| one.identity == said.charger).unwrap();
            let before = said.at < day.span.start();
            assert!(before || charger < 10 && absence.contains(said.at), "{said:?}");
            assert_eq!(day.population.chargers()[charger].version, Version::V2_0_1);
        }
    });
}
