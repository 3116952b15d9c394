//! Two participants on the node's storage, between which everything goes wrong: a network that loses, delays, repeats, reorders
//! and refuses, and SIGKILL at any moment. Every message is handled once, and both sides agree on what came of it.
//!
//! `TIELINE_FAULTS_CONVERSATIONS` and `TIELINE_FAULTS_KILLS` say how many of each; ten thousand messages are some 1,700
//! conversations.
#![expect(
    clippy::print_stdout,
    reason = "what happened is worth reading, and the processes tell their state"
)]
#![expect(
    clippy::disallowed_methods,
    reason = "the test stands outside: it has the wall clock, the environment and threads that may block"
)]

mod handlers;
mod life;
mod outcome;
mod participant;
mod plot;
mod proxy;

use std::hash::{BuildHasher as _, RandomState};
use std::time::Duration;

use life::Life;
use proxy::Proxy;
use tieline_sim::Chance;
use tieline_uftp::Role;

/// The test as the processes to be killed start it again.
const NAME: &str = "faults::every_message_is_handled_once_whatever_happens";
/// How long traffic goes on for each kill.
const BETWEEN_KILLS: Duration = Duration::from_millis(600);
const PATIENCE: Duration = Duration::from_mins(5);

#[test]
fn every_message_is_handled_once_whatever_happens() {
    if let Some(settings) = participant::Settings::of_this_process() {
        return participant::run(&settings);
    }
    let from_environment = |name: &str, otherwise: u32| {
        std::env::var(name).map_or(otherwise, |number| number.parse().expect("a number"))
    };
    let conversations = from_environment("TIELINE_FAULTS_CONVERSATIONS", 200);
    let kills = from_environment("TIELINE_FAULTS_KILLS", 12);
    let seed = std::env::var("TIELINE_FAULTS_SEED")
        .map_or_else(|_| RandomState::new().hash_one(0), |seed| seed.parse().unwrap());
    println!("{conversations} conversations, {kills} kills, TIELINE_FAULTS_SEED={seed}");

    let folder = tempfile::tempdir().unwrap();
    let port = || tieline_interop::free_port().unwrap();
    let (agr_port, dso_port) = (port(), port());
    let (to_agr, to_dso) = (
        Proxy::start(agr_port, Chance::of(seed, "to AGR", 0)),
        Proxy::start(dso_port, Chance::of(seed, "to DSO", 0)),
    );
    let period = participant::day_after_tomorrow();
    let pace = BETWEEN_KILLS * kills / conversations;
    let settings = |role, port, peer_port| participant::Settings {
        role,
        data: folder.path().join(format!("{role}")),
        port,
        peer_port,
        conversations,
        period,
        pace,
    };
    let mut agr = Life::begin(settings(Role::Agr, agr_port, to_dso.port()));
    let mut dso = Life::begin(settings(Role::Dso, dso_port, to_agr.port()));

    let mut chance = Chance::of(seed, "kills", 0);
    for _ in 0..kills {
        let share = u32::try_from(chance.between(20, 180)).unwrap();
        std::thread::sleep(BETWEEN_KILLS * share / 100);
        if chance.below(2) == 0 { agr.kill_and_begin_again() } else { dso.kill_and_begin_again() }
    }
    let killed_until = std::time::Instant::now();
    while !(agr.has_been_idle() && dso.has_been_idle()) {
        assert!(killed_until.elapsed() < PATIENCE, "it does not end: see {}", folder.keep().display());
        std::thread::sleep(Duration::from_millis(50));
    }
    println!("{:.1?} after the last kill all was done", killed_until.elapsed());
    println!("on the way to the AGR: {}", to_agr.counts());
    println!("on the way to the DSO: {}", to_dso.counts());
    let (agr, dso) = (agr.end(), dso.end());
    outcome::check(agr, dso, period, conversations);
}
