//! Participants that give each other work: no instant ends while some of it is undone.
//!
//! Tokens wander among the participants. Each has its own chance, which decides where it goes and when; how long it takes there in
//! real time is left to the machine. So the way of a token is known beforehand, and a token that finds another instant than it
//! left shows that time went on while it was on its way.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tieline_edge::virtual_clock::VirtualClock;
use tieline_sim::TimeServer;
use tieline_types::{Busy, Clock as _};
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use crate::{MIDNIGHT, loopback};

const NAMES: [&str; 4] = ["agr", "dso", "chargers", "grid"];

/// The time that all this may take in the real world.
const PATIENCE: Duration = Duration::from_mins(2);

/// Chance that is the same in every run (xorshift64*).
#[derive(Clone)]
struct Chance(u64);

impl Chance {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) % limit
    }
}

/// Where a token goes next.
enum Step {
    To(usize),
    Sleep(SignedDuration),
}

#[derive(Clone)]
struct Token {
    number: usize,
    chance: Chance,
    /// The instant that it must find.
    at: Timestamp,
    seen: Vec<(usize, Timestamp)>,
}

impl Token {
    fn step(&mut self) -> Step {
        match self.chance.below(3) {
            0 => Step::Sleep(SignedDuration::from_millis(
                i64::try_from(1 + self.chance.below(20_000)).unwrap(),
            )),
            _ => Step::To(usize::try_from(self.chance.below(4)).unwrap()),
        }
    }

    /// The way of this token until `end`, without any clock.
    fn way(mut self, mut place: usize, end: Timestamp) -> Vec<(usize, Timestamp)> {
        let mut seen = Vec::new();
        loop {
            seen.push((place, self.at));
            match self.step() {
                Step::To(next) => place = next,
                Step::Sleep(duration) if self.at + duration > end => return seen,
                Step::Sleep(duration) => self.at += duration,
            }
        }
    }
}

/// A message, which is answered once it was taken.
type Message = (Token, oneshot::Sender<()>);

struct World {
    clocks: Vec<VirtualClock>,
    mailboxes: Vec<mpsc::UnboundedSender<Message>>,
    end: Timestamp,
    ended: Mutex<Vec<Token>>,
    went_wrong: Mutex<Vec<String>>,
}

type Working = Pin<Box<dyn Future<Output = ()> + Send>>;

/// What a token does at a participant, which is busy with it.
fn work(world: Arc<World>, place: usize, mut token: Token, mut busy: Busy, mut real: Chance) -> Working {
    Box::pin(async move {
        loop {
            dawdle(&mut real).await;
            let now = world.clocks[place].now();
            if now != token.at {
                let wrong = format!("token {} at {}: {now}, not {}", token.number, NAMES[place], token.at);
                world.went_wrong.lock().unwrap().push(wrong);
                return;
            }
            token.seen.push((place, now));
            match token.step() {
                Step::To(next) => {
                    let (received, answer) = oneshot::channel();
                    world.mailboxes[next].send((token, received)).unwrap();
                    answer.await.unwrap();
                    dawdle(&mut real).await;
                    return;
                }
                Step::Sleep(duration) if now + duration > world.end => {
                    world.ended.lock().unwrap().push(token);
                    return;
                }
                Step::Sleep(duration) => {
                    token.at = now + duration;
                    let wait = world.clocks[place].wait_until(token.at);
                    drop(busy);
                    busy = wait.await;
                }
            }
        }
    })
}

/// Takes some real time, or none.
async fn dawdle(real: &mut Chance) {
    match real.below(8) {
        0 => tokio::time::sleep(Duration::from_micros(real.below(1500))).await,
        1..4 => {
            for _ in 0..real.below(5) {
                tokio::task::yield_now().await;
            }
        }
        _ => {}
    }
}

async fn wander(seed: u64, tokens: usize, end: Timestamp) {
    let server = TimeServer::bind(loopback(), MIDNIGHT, NAMES).await.unwrap();
    let (mut clocks, mut guards, mut mailboxes, mut inboxes) =
        (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for name in NAMES {
        let (clock, busy) = VirtualClock::connect(server.address(), name).await.unwrap();
        let (mailbox, inbox) = mpsc::unbounded_channel::<Message>();
        clocks.push(clock);
        guards.push(busy);
        mailboxes.push(mailbox);
        inboxes.push(inbox);
    }
    let (ended, went_wrong) = (Mutex::default(), Mutex::default());
    let world = Arc::new(World { clocks, mailboxes, end, ended, went_wrong });
    for (place, mut inbox) in inboxes.into_iter().enumerate() {
        let world = Arc::clone(&world);
        let mut real = Chance(seed ^ 0xABCD ^ (place as u64 + 1));
        tokio::spawn(async move {
            while let Some((token, received)) = inbox.recv().await {
                dawdle(&mut real).await;
                let busy = world.clocks[place].busy();
                received.send(()).unwrap();
                let real = Chance(real.below(u64::MAX) | 1);
                tokio::spawn(work(Arc::clone(&world), place, token, busy, real));
            }
        });
    }
    let mut expected = Vec::new();
    for number in 0..tokens {
        let chance = Chance(seed.wrapping_mul(1000) + number as u64 + 1);
        let token = Token { number, chance: chance.clone(), at: MIDNIGHT, seen: Vec::new() };
        let place = number % NAMES.len();
        expected.push(token.clone().way(place, end));
        let real = Chance(chance.0 ^ 0x5555);
        tokio::spawn(work(Arc::clone(&world), place, token, guards[place].clone(), real));
    }
    drop(guards);

    timeout(PATIENCE, server.run_until(end)).await.unwrap_or_else(|_| panic!("{:?}", server.status()));

    assert_eq!(*world.went_wrong.lock().unwrap(), Vec::<String>::new(), "seed {seed}");
    let mut ended = std::mem::take(&mut *world.ended.lock().unwrap());
    ended.sort_by_key(|token| token.number);
    let ways: Vec<_> = ended.into_iter().map(|token| token.seen).collect();
    assert_eq!(ways, expected, "seed {seed}");
}

/// One token alone is always the only one who is busy: most chances to be overlooked.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_instant_ends_while_a_single_token_is_on_its_way() {
    for seed in 1..=8 {
        wander(seed, 1, MIDNIGHT + SignedDuration::from_mins(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_instant_ends_while_tokens_are_on_their_way() {
    for seed in 100..=102 {
        wander(seed, 12, MIDNIGHT + SignedDuration::from_mins(10)).await;
    }
}
