//! What misbehaviour looks like to a CSMS.

use jiff::SignedDuration;
use tieline_sim::Behaviour;

use crate::day::{Day, assert_told};

#[tokio::test]
async fn late_messages_arrive_out_of_order_and_all_of_them() {
    let late = Behaviour::LateMessages { share: 400, longest: SignedDuration::from_mins(40) };
    let day = Day::begin();
    let fleet = day.fleet(&vec![late; 20]);
    fleet.ready().await;
    day.run_until(day.span.end()).await;
    let outcome = fleet.stop().await;
    assert_told(&day.server.book, &outcome, &day);
    day.server.book.pages(|pages| {
        let meter: Vec<_> = pages.order.iter().filter(|said| said.what == "meter").collect();
        let backwards =
            |two: &[&crate::csms::Said]| two[0].charger == two[1].charger && two[0].at > two[1].at;
        assert!(meter.windows(2).any(backwards) || out_of_order(&meter), "{}", meter.len());
        assert_eq!(meter.len(), pages.said.iter().filter(|said| said.what == "meter").count());
    });
}

fn out_of_order(meter: &[&crate::csms::Said]) -> bool {
    let mut last = std::collections::BTreeMap::new();
    meter.iter().any(|said| last.insert(&said.transaction, said.at).is_some_and(|before| before > said.at))
}

#[tokio::test]
async fn a_wrong_clock_stamps_what_it_reports_wrongly() {
    let mut stamps = Vec::new();
    for behaviour in [Behaviour::Obeys, Behaviour::Drifts(SignedDuration::from_secs(-125))] {
        let day = Day::begin();
        let fleet = day.fleet(&vec![behaviour; 20]);
        fleet.ready().await;
        day.run_until(day.hour(12)).await;
        fleet.stop().await;
        let begun = |said: &&crate::csms::Said| said.what == "begin";
        stamps.push(
            day.server
                .book
                .pages(|pages| pages.said.iter().filter(begun).map(|one| one.at).collect::<Vec<_>>()),
        );
    }
    assert!(stamps[0].len() > 10);
    let shifted: Vec<_> = stamps[0].iter().map(|at| *at - SignedDuration::from_secs(125)).collect();
    assert_eq!(stamps[1], shifted);
}

#[tokio::test]
async fn noise_changes_what_is_told_and_nothing_else() {
    let mut runs = Vec::new();
    for behaviour in [Behaviour::Obeys, Behaviour::Noise(50)] {
        let day = Day::begin();
        let fleet = day.fleet(&vec![behaviour; 20]);
        fleet.ready().await;
        day.run_until(day.hour(12)).await;
        let outcome = fleet.stop().await;
        assert_told(&day.server.book, &outcome, &day);
        let traces: Vec<_> = outcome.sessions.into_iter().map(|session| session.trace).collect();
        runs.push((traces, day.server.book.pages(|pages| pages.said.clone())));
    }
    assert_eq!(runs[0].0, runs[1].0);
    assert_ne!(runs[0].1, runs[1].1);
}

#[tokio::test]
async fn a_driver_who_is_not_accepted_does_not_charge() {
    let day = Day::begin();
    day.server.book.pages(|pages| pages.denies = true);
    let fleet = day.fleet(&[]);
    fleet.ready().await;
    day.run_until(day.hour(12)).await;
    let outcome = fleet.stop().await;
    let came = outcome.sessions.iter().filter(|session| session.spec.arrival() > day.span.start());
    assert!(came.clone().count() > 5);
    assert!(came.clone().all(|session| session.denied && session.delivered.watt_seconds() == 0));
    assert!(day.server.book.pages(|pages| pages.said.is_empty()));
}

#[tokio::test]
async fn a_message_that_is_refused_comes_again() {
    let day = Day::begin();
    day.server.book.pages(|pages| pages.refuses = 3);
    let fleet = day.fleet(&[]);
    fleet.ready().await;
    day.run_until(day.hour(3)).await;
    let outcome = fleet.stop().await;
    assert!(outcome.chargers.iter().all(|charger| charger.lost_messages == 0));
    assert_eq!(day.server.book.pages(|pages| pages.refuses), 0);
    let meter = day.server.book.pages(|pages| pages.said.iter().filter(|said| said.what == "meter").count());
    assert!(meter > 20, "{meter}");
}

#[tokio::test]
async fn a_charger_that_is_to_come_again_does_so_after_the_interval_and_loses_nothing() {
    let day = Day::begin();
    // Each of them is told twice to come again in a minute.
    day.server.book.pages(|pages| pages.pending = 40);
    let fleet = day.fleet(&[]);
    day.run_until(day.span.start() + SignedDuration::from_secs(119)).await;
    assert!(fleet.outcome().chargers.iter().all(|charger| charger.boots == 0));
    assert!(day.server.book.pages(|pages| pages.said.is_empty()));
    day.run_until(day.hour(12)).await;
    let outcome = fleet.stop().await;
    assert!(outcome.chargers.iter().all(|charger| charger.boots == 1));
    assert_told(&day.server.book, &outcome, &day);
}
