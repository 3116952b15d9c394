use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use jiff::SignedDuration;
use tieline_edge::dns::{DnsError, Proof};
use tieline_types::{Domain, ManualClock};
use tieline_uftp::discovery::{DiscoveryError, DnsAddressBook, DnsBookConfig};
use tieline_uftp::server::{AddressBook as _, KnownParticipant};
use tieline_uftp::{Role, Tolerance};

use super::zone::{Entry, Zone, dso, key, published};

const KEYS: &str = "_DSO._usef.dso.example.com";
const VERSION: &str = "_usef.dso.example.com";
const HOST: &str = "_http._DSO._usef.dso.example.com";

fn clock() -> ManualClock {
    ManualClock::new("2026-03-28T12:00:00Z".parse().unwrap())
}

fn book(zone: &Zone, config: DnsBookConfig) -> (DnsAddressBook<Zone>, ManualClock) {
    let clock = clock();
    (DnsAddressBook::new(zone.clone(), config, Arc::new(clock.clone())), clock)
}

fn strict(zone: &Zone) -> DnsAddressBook<Zone> {
    book(zone, DnsBookConfig::default()).0
}

async fn keys(book: &DnsAddressBook<Zone>) -> Result<Option<Arc<KnownParticipant>>, DiscoveryError> {
    let (role, domain) = dso();
    book.participant(role, &domain).await
}

async fn endpoint(book: &DnsAddressBook<Zone>) -> Result<Option<String>, DiscoveryError> {
    let (role, domain) = dso();
    let found = book.find_destination(role, &domain).await?;
    Ok(found.map(|destination| destination.endpoint.to_string()))
}

#[expect(clippy::unnecessary_wraps, reason = "it is what a look-up gives")]
fn known(seeds: &[u8]) -> Option<Arc<KnownParticipant>> {
    let keys = seeds.iter().map(|seed| key(*seed).verifying_key()).collect();
    Some(Arc::new(KnownParticipant::new(keys)))
}

fn long(seed: u8) -> String {
    let mut both = key(seed).verifying_key().to_bytes().to_vec();
    both.extend([9; 32]);
    format!("cs1.{}", base64::engine::general_purpose::STANDARD.encode(both))
}

#[tokio::test]
async fn a_sender_costs_one_question_and_a_recipient_its_version_and_host() {
    let zone = Zone::with_dso(1);
    let book = strict(&zone);
    assert_eq!(keys(&book).await.unwrap(), known(&[1]));
    assert_eq!(zone.asked(), [format!("TXT {KEYS}")]);
    let expected = "https://host.example.com/shapeshifter/api/v3/message";
    assert_eq!(endpoint(&book).await.unwrap().as_deref(), Some(expected));
    let mut asked = zone.asked();
    asked.sort();
    assert_eq!(
        asked,
        [format!("CNAME {HOST}"), "CNAME host.example.com".to_owned(), format!("TXT {VERSION}")]
    );
}

#[tokio::test]
async fn every_form_of_keys_is_read() {
    for (texts, seeds) in [
        (vec![published(1)], &[1][..]),
        (vec![long(1)], &[1]),
        (vec![format!("{} {}", published(1), published(2))], &[1, 2]),
        (vec![format!("{}  {} ", long(1), long(2))], &[1, 2]),
        // Two strings of one record, as they are put together.
        (vec![format!("{}{}", published(1), published(2))], &[1, 2]),
        (vec![format!("{}{}", long(1), long(2))], &[1, 2]),
        (vec![published(1), published(2)], &[1, 2]),
        // The same key twice is one, and what has no key is somebody else's.
        (vec![published(1), long(1), "v=spf1 -all".to_owned(), published(3)], &[1, 3]),
    ] {
        let zone = Zone::empty();
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        zone.txt(KEYS, &texts, 600);
        assert_eq!(keys(&strict(&zone)).await.unwrap(), known(seeds), "{texts:?}");
    }
}

#[tokio::test]
async fn keys_are_used_as_a_whole_or_not_at_all() {
    let refused = async |texts: &[&str]| {
        let zone = Zone::empty();
        zone.txt(KEYS, texts, 600);
        keys(&strict(&zone)).await.unwrap_err()
    };
    let one = published(1);
    assert!(matches!(refused(&["v=spf1 -all"]).await, DiscoveryError::NoKeys { name } if name == KEYS));
    let cut = &one[..40];
    for broken in
        [cut, "cs1.", "cs1.!", &format!("{one} {cut}"), &format!("{one} hello"), &format!("k={one}")]
    {
        assert!(matches!(refused(&[broken]).await, DiscoveryError::Key { .. }), "{broken}");
    }
    // With this key anybody could sign.
    let neutral = "cs1.AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    assert!(matches!(refused(&[neutral]).await, DiscoveryError::Key { .. }));
    let three = [published(1), published(2), published(3)].join(" ");
    assert!(matches!(refused(&[&three]).await, DiscoveryError::TooManyKeys { found: 3, .. }));
}

#[tokio::test]
async fn the_path_is_that_of_the_published_version() {
    for (texts, path) in [
        (&["3.1.0"][..], "v3"),
        (&[" 4.0.0 "], "v4"),
        (&["2015"], "v3"),
        (&["v=spf1 -all", "3.0.0"], "v3"),
        // Of several the one that is spoken here.
        (&["4.0.0", "3.0.0", "2.0.0"], "v3"),
    ] {
        let zone = Zone::with_dso(1);
        zone.txt(VERSION, texts, 600);
        let expected = format!("https://host.example.com/shapeshifter/api/{path}/message");
        assert_eq!(endpoint(&strict(&zone)).await.unwrap(), Some(expected), "{texts:?}");
    }
    let zone = Zone::with_dso(1);
    for wrong in ["3", "3.1", "3.1.0.0", "3.x.0", "+3.1.0", "99999999999.0.0", "", "1999"] {
        zone.txt(VERSION, &[wrong], 600);
        let refused = endpoint(&strict(&zone)).await.unwrap_err();
        assert!(matches!(refused, DiscoveryError::Version { .. }), "{wrong}");
    }
    zone.remove(VERSION);
    assert!(
        matches!(endpoint(&strict(&zone)).await, Err(DiscoveryError::NoVersion { name }) if name == VERSION)
    );
}

#[tokio::test]
async fn aliases_are_followed_to_a_host() {
    let zone = Zone::with_dso(1);
    // A provider's own name of a service between, and aliases of the host, whose certificate is for the first name.
    zone.alias(HOST, "_http._dso._usef.provider.test");
    zone.alias("_http._dso._usef.provider.test", "ssl.provider.test");
    zone.alias("ssl.provider.test", "lb-7.cloud.test");
    let expected = "https://ssl.provider.test/shapeshifter/api/v3/message";
    assert_eq!(endpoint(&strict(&zone)).await.unwrap().as_deref(), Some(expected));
    // The cloud's zone need not be signed.
    zone.put("ssl.provider.test", Entry::Alias("lb-7.cloud.test"), 600, Some(Proof::Insecure));
    assert_eq!(endpoint(&strict(&zone)).await.unwrap().as_deref(), Some(expected));
    zone.put("_http._dso._usef.provider.test", Entry::Alias("ssl.provider.test"), 600, Some(Proof::Insecure));
    assert!(matches!(endpoint(&strict(&zone)).await, Err(DiscoveryError::NotProved { .. })));
}

#[tokio::test]
async fn aliases_in_a_circle_without_end_or_without_host_are_refused() {
    let zone = Zone::with_dso(1);
    zone.alias("host.example.com", "b.example.com");
    zone.alias("b.example.com", "host.example.com");
    assert!(
        matches!(endpoint(&strict(&zone)).await, Err(DiscoveryError::AliasLoop { name }) if name == HOST)
    );
    zone.alias(HOST, "_http._dso._usef.dso.example.com");
    assert!(matches!(endpoint(&strict(&zone)).await, Err(DiscoveryError::AliasLoop { .. })));

    let names = ["a.test", "b.test", "c.test", "d.test"];
    zone.alias(HOST, names[0]);
    for pair in names.windows(2) {
        zone.alias(pair[0], pair[1]);
    }
    let following = |aliases| {
        let mut config = DnsBookConfig::default();
        config.aliases = aliases;
        book(&zone, config).0
    };
    assert!(endpoint(&following(4)).await.unwrap().is_some());
    assert!(matches!(endpoint(&following(3)).await, Err(DiscoveryError::TooManyAliases { most: 3, .. })));

    zone.alias(HOST, "_still.a.service");
    assert!(
        matches!(endpoint(&strict(&zone)).await, Err(DiscoveryError::NoHost { end, .. }) if end == "_still.a.service")
    );
    zone.remove(HOST);
    assert_eq!(endpoint(&strict(&zone)).await.unwrap(), None);
}

#[tokio::test]
async fn only_what_is_proved_is_believed_unless_that_is_waived() {
    let zone = Zone::with_dso(1);
    for proof in [Proof::Insecure, Proof::Indeterminate] {
        zone.put(KEYS, Entry::Txt(vec![published(1)]), 600, Some(proof));
        let refused = keys(&strict(&zone)).await.unwrap_err();
        assert!(matches!(refused, DiscoveryError::NotProved { proof: found, .. } if found == proof));
        assert!(refused.is_retryable());
        let mut config = DnsBookConfig::default();
        config.dnssec_required = false;
        config.tolerance = Tolerance::LENIENT;
        let found = keys(&book(&zone, config).0).await.unwrap().unwrap();
        assert_eq!((found.keys.len(), found.tolerance), (1, Tolerance::LENIENT));
    }
    // An absence that is not proved is none, either.
    zone.put(KEYS, Entry::Alias("nothing.test"), 600, Some(Proof::Insecure));
    assert!(matches!(keys(&strict(&zone)).await, Err(DiscoveryError::NotProved { .. })));
    zone.put(KEYS, Entry::Broken(DnsError::Bogus(KEYS.to_owned())), 0, None);
    assert!(matches!(keys(&strict(&zone)).await, Err(DiscoveryError::Dns(DnsError::Bogus(_)))));
}

#[tokio::test]
async fn an_authority_says_who_takes_part() {
    let zone = Zone::with_dso(1);
    let mut config = DnsBookConfig::default();
    config.suffixes = vec!["first.authority.test".parse().unwrap(), "energy.authority.test".parse().unwrap()];
    config.cache.absent_shortest = Duration::from_secs(1);
    let (book, clock) = book(&zone, config);
    assert_eq!(keys(&book).await.unwrap(), None);
    assert_eq!(endpoint(&book).await.unwrap(), None);
    let listed = "_usef.dso.example.com.energy.authority.test";
    assert!(zone.asked().contains(&format!("TXT {listed}")));

    // Listed: it is believed what it publishes itself.
    zone.txt(listed, &["accredited"], 600);
    clock.advance(SignedDuration::from_secs(101));
    assert_eq!(keys(&book).await.unwrap(), known(&[1]));
    let expected = "https://host.example.com/shapeshifter/api/v3/message";
    assert_eq!(endpoint(&book).await.unwrap().as_deref(), Some(expected));

    // What the authority says itself comes first.
    zone.txt("_DSO._usef.dso.example.com.energy.authority.test", &[&published(7)], 600);
    zone.alias("_http._DSO._usef.dso.example.com.energy.authority.test", "gate.authority.test");
    clock.advance(SignedDuration::from_secs(601));
    assert_eq!(keys(&book).await.unwrap(), known(&[7]));
    let expected = "https://gate.authority.test/shapeshifter/api/v3/message";
    assert_eq!(endpoint(&book).await.unwrap().as_deref(), Some(expected));

    // An authority that can't be asked must not be passed over.
    zone.fail("_usef.dso.example.com.first.authority.test");
    clock.advance(SignedDuration::from_secs(601));
    assert!(matches!(keys(&book).await, Err(DiscoveryError::Dns(DnsError::Timeout(_)))));
}

#[tokio::test]
async fn what_was_found_is_kept_as_long_as_it_says_within_bounds() {
    let zone = Zone::with_dso(1);
    let (book, clock) = book(&zone, DnsBookConfig::default());
    let asked = async |advance: i64| {
        clock.advance(SignedDuration::from_secs(advance));
        let _ = keys(&book).await;
        zone.asked().len()
    };
    assert_eq!((asked(0).await, asked(599).await, asked(1).await), (1, 0, 1));
    // Zero is raised, a year is cut.
    zone.txt(KEYS, &[&published(1)], 0);
    assert_eq!((asked(600).await, asked(29).await, asked(1).await), (1, 0, 1));
    zone.txt(KEYS, &[&published(1)], 365 * 86_400);
    assert_eq!((asked(30).await, asked(86_399).await, asked(1).await), (1, 0, 1));
    // An absence says 100 seconds; a failure is kept for 5.
    zone.remove(KEYS);
    assert_eq!((asked(86_400).await, asked(99).await, asked(1).await), (1, 0, 1));
    zone.fail(KEYS);
    assert_eq!((asked(100).await, asked(4).await, asked(1).await), (1, 0, 1));
}

#[tokio::test]
async fn look_ups_at_the_same_time_are_one_and_so_many_at_the_most() {
    let zone = Zone::with_dso(1);
    zone.answers.forget_permits(1_000_000);
    let mut config = DnsBookConfig::default();
    config.cache.at_once = 2;
    let (book, _) = book(&zone, config);
    let ask = |domain: &str| {
        let (book, domain): (_, Domain) = (book.clone(), domain.parse().unwrap());
        tokio::spawn(async move { book.participant(Role::Dso, &domain).await })
    };
    let same: Vec<_> = (0..20).map(|_| ask("dso.example.com")).collect();
    let other = ask("other.example.com");
    while zone.count() < 2 {
        tokio::task::yield_now().await;
    }
    assert!(matches!(ask("third.example.com").await.unwrap(), Err(DiscoveryError::Busy)));
    // Whoever began it may leave: it goes on, for the others and for later.
    let mut same = same.into_iter();
    same.next().unwrap().abort();
    zone.answers.add_permits(1_000_000);
    for one in same {
        assert_eq!(one.await.unwrap().unwrap(), known(&[1]));
    }
    assert_eq!(other.await.unwrap().unwrap(), None);
    assert_eq!(ask("third.example.com").await.unwrap().unwrap(), None, "room again, and Busy was not kept");
}

#[tokio::test]
async fn strangers_push_nobody_out_who_is_known() {
    let zone = Zone::with_dso(1);
    let mut config = DnsBookConfig::default();
    config.cache.entries = 10;
    let (book, _) = book(&zone, config);
    keys(&book).await.unwrap();
    for number in 0..100 {
        let stranger: Domain = format!("stranger-{number}.example.com").parse().unwrap();
        assert_eq!(book.participant(Role::Dso, &stranger).await.unwrap(), None);
    }
    zone.asked();
    keys(&book).await.unwrap();
    assert_eq!(zone.asked(), [] as [String; 0]);
    // And no more than ten are kept: the first strangers are forgotten.
    book.participant(Role::Dso, &"stranger-1.example.com".parse().unwrap()).await.unwrap();
    assert_eq!(zone.asked().len(), 1);
}

#[tokio::test]
async fn looking_again_is_rare_and_loses_nothing() {
    let zone = Zone::with_dso(1);
    let (book, clock) = book(&zone, DnsBookConfig::default());
    let (role, domain) = dso();
    let again = async || book.look_up_again(role, &domain).await;
    keys(&book).await.unwrap();
    zone.asked();
    // What is new is what there is.
    zone.txt(KEYS, &[&published(2)], 600);
    assert_eq!(again().await.unwrap(), known(&[1]));
    assert_eq!(zone.asked().len(), 0);
    clock.advance(SignedDuration::from_secs(60));
    assert_eq!(again().await.unwrap(), known(&[2]));
    assert_eq!((zone.asked().len(), keys(&book).await.unwrap()), (1, known(&[2])));
    // A failure says so, is not repeated at once, and takes nothing away.
    zone.fail(KEYS);
    clock.advance(SignedDuration::from_secs(60));
    assert!(again().await.is_err() && again().await.is_err());
    assert_eq!((zone.asked().len(), keys(&book).await.unwrap()), (1, known(&[2])));
    // Who is gone is gone.
    zone.remove(KEYS);
    clock.advance(SignedDuration::from_secs(5));
    assert_eq!(again().await.unwrap(), None);
    assert_eq!(keys(&book).await.unwrap(), None);
}
