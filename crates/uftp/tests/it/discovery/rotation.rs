//! The receiver with a book that looks participants up.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use jiff::SignedDuration;
use tieline_types::ManualClock;
use tieline_uftp::discovery::{DnsAddressBook, DnsBookConfig};
use tieline_uftp::server::{MemoryInbox, Receipt, Receiver, ReceiverConfig};
use tieline_uftp::{Participant, Refusal, Role, SignedMessage};

use super::zone::{Zone, key, published};
use crate::fixtures::read;

const KEYS: &str = "_DSO._usef.dso.example.com";

struct Scene {
    zone: Zone,
    clock: ManualClock,
    receiver: Receiver<MemoryInbox, DnsAddressBook<Zone>>,
}

impl Scene {
    fn new() -> Self {
        let zone = Zone::with_dso(1);
        let clock = ManualClock::new("2026-03-28T12:00:00Z".parse().unwrap());
        let book = DnsAddressBook::new(zone.clone(), DnsBookConfig::default(), Arc::new(clock.clone()));
        let us = Participant { role: Role::Agr, domain: "agr.example.com".parse().unwrap() };
        let inbox = MemoryInbox::new(100, Duration::from_secs(1));
        let config = ReceiverConfig::new(vec![us]);
        Self { zone, clock: clock.clone(), receiver: Receiver::new(inbox, book, Arc::new(clock), config) }
    }

    /// A request of the DSO, signed with the key of this seed.
    async fn receive(&self, seed: u8) -> Result<Receipt, Refusal> {
        let payload = read("library-python", "FlexRequest.xml");
        let sealed = SignedMessage::seal("dso.example.com".parse().unwrap(), Role::Dso, &payload, &key(seed));
        self.receiver.receive(Bytes::from(sealed.to_xml())).await
    }

    async fn status(&self, seed: u8) -> u16 {
        self.receive(seed).await.map_or_else(|refusal| refusal.status().as_u16(), |_| 200)
    }

    fn pass(&self, seconds: i64) {
        self.clock.advance(SignedDuration::from_secs(seconds));
    }
}

#[tokio::test]
async fn a_new_key_is_taken_while_the_old_one_is_kept() {
    let scene = Scene::new();
    assert_eq!(scene.status(1).await, 200);
    scene.zone.txt(KEYS, &[&format!("{} {}", published(2), published(1))], 600);
    scene.pass(60);
    assert_eq!(scene.status(2).await, 200, "the receiver looked again");
    assert_eq!(scene.status(1).await, 200, "both hold for a while");
    assert_eq!(scene.zone.asked().len(), 2);
}

#[tokio::test]
async fn forged_signatures_cause_few_questions() {
    let scene = Scene::new();
    assert_eq!(scene.status(9).await, 401);
    for _ in 0..50 {
        assert_eq!(scene.status(9).await, 401);
    }
    assert_eq!(scene.zone.asked().len(), 1, "what was just looked up is what there is");
    scene.pass(60);
    for _ in 0..50 {
        assert_eq!(scene.status(9).await, 401);
    }
    assert_eq!(scene.zone.asked().len(), 1, "once more a minute later");
}

#[tokio::test]
async fn a_signature_that_cannot_be_judged_now_is_not_refused_for_good() {
    let scene = Scene::new();
    assert_eq!(scene.status(1).await, 200);
    scene.zone.fail(KEYS);
    scene.pass(60);
    assert_eq!(scene.status(2).await, 419, "it may be a new key");
    assert_eq!(scene.status(1).await, 200, "the kept one still holds");
    scene.zone.txt(KEYS, &[&published(2)], 600);
    scene.pass(5);
    assert_eq!(scene.status(2).await, 200);
    assert_eq!(scene.status(1).await, 401, "the old key is gone");
}

#[tokio::test]
async fn whoever_is_not_there_or_cannot_be_looked_up_may_be_later() {
    let scene = Scene::new();
    scene.zone.fail(KEYS);
    let refusal = scene.receive(1).await.unwrap_err();
    assert!(matches!(refusal, Refusal::KeysUnavailable { .. }) && refusal.is_retryable());
    assert_eq!(refusal.status().as_u16(), 419);
    scene.zone.remove(KEYS);
    scene.pass(5);
    assert!(matches!(scene.receive(1).await, Err(Refusal::UnknownSender(_))));
}
