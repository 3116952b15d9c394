//! The records as BIND serves them, signed.

use std::net::UdpSocket;
use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;
use tieline_edge::dns::{
    DnsAnswer, DnsConfig, DnsError, DnsResolver, Found, Proof, Questions as _, TxtRecord,
};
use tieline_interop::{NameServer, Signing, Zone};
use tieline_types::{Domain, ManualClock};
use tieline_uftp::Role;
use tieline_uftp::discovery::{DiscoveryError, DnsAddressBook, DnsBookConfig};

use super::zone::{key, published};

/// The records of a DSO at `name` within its zone.
fn dso(name: &str, keys: &str) -> String {
    format!(
        "_usef.{name} 300 IN TXT \"3.0.0\"\n\
         _DSO._usef.{name} 300 IN TXT {keys}\n\
         _http._DSO._usef.{name} 300 IN CNAME host.example.com.\n"
    )
}

fn quoted(key: &str) -> String {
    format!("\"{key}\"")
}

/// All zones that the tests need, or `None` where BIND is absent.
#[expect(clippy::print_stdout, reason = "a test that is skipped says so")]
fn server() -> Option<NameServer> {
    let (one, two) = (published(1), published(2));
    let filler = "x".repeat(255);
    let mut good = dso("dso", &quoted(&one));
    good += &dso("two", &format!("\"{one} {two}\""));
    good += &dso("records", &format!("{}\n_DSO._usef.records 300 IN TXT {}", quoted(&one), quoted(&two)));
    // The second string continues the first, in the middle of a key.
    good += &dso("split", &format!("\"{} {}\" \"{}\"", one, &two[..20], &two[20..]));
    good += &dso("long", &format!("\"{one}{}\" \"{} {two}\"", " ".repeat(200), " ".repeat(100)));
    good += &dso(
        "foreign",
        &format!("{}\n_DSO._usef.foreign 300 IN TXT \"{filler}\" \"{filler}\"", quoted(&one)),
    );
    good += "host 300 IN A 127.0.0.1\n";
    good += "_usef.chain 300 IN TXT \"3.1.0\"\n_http._DSO._usef.chain 300 IN CNAME _http._DSO._usef.provider.test.\n";
    good += "_DSO._usef.chain 60 IN CNAME _DSO._usef.dso.example.com.\n";
    good += "_usef.loop 300 IN TXT \"3.1.0\"\n_http._DSO._usef.loop 300 IN CNAME a.loop\n";
    good += "a.loop 300 IN CNAME b.loop\nb.loop 300 IN CNAME a.loop\n_DSO._usef.loop 300 IN CNAME a.loop\n";
    let provider = "_http._DSO._usef 300 IN CNAME gate\ngate 300 IN CNAME lb.unsigned.test.\n";
    let unsigned = dso("dso", &quoted(&one)) + "lb 300 IN A 127.0.0.1\n";
    let bogus = dso("dso", &quoted(&one));
    let tampered = Signing::Tampered(one.clone(), two);
    let zones = [
        Zone::signed("example.com", &good),
        Zone::signed("provider.test", provider),
        Zone::signed("unsigned.test", &unsigned).with(Signing::Unsigned),
        Zone::signed("bogus.test", &bogus).with(tampered),
        Zone::signed("expired.test", &dso("dso", &quoted(&one))).with(Signing::Expired),
        Zone::signed("authority.test", "_usef.dso.example.com 300 IN TXT \"listed\"\n"),
    ];
    let server = NameServer::start(&zones).unwrap();
    if server.is_none() {
        println!("skipped: no BIND (Debian: bind9, bind9-utils)");
    }
    server
}

fn resolver(server: &NameServer) -> DnsResolver {
    let config =
        DnsConfig::default().with_servers(vec![server.address()]).with_trust_anchor(server.trust_anchor());
    DnsResolver::new(&config).unwrap()
}

fn book_of(resolver: DnsResolver, config: DnsBookConfig) -> (DnsAddressBook<DnsResolver>, ManualClock) {
    let clock = ManualClock::new("2026-03-28T12:00:00Z".parse().unwrap());
    (DnsAddressBook::new(resolver, config, Arc::new(clock.clone())), clock)
}

fn domain(name: &str) -> Domain {
    name.parse().unwrap()
}

/// The seeds of the keys that are found.
async fn seeds(book: &DnsAddressBook<DnsResolver>, name: &str) -> Result<Option<Vec<u8>>, DiscoveryError> {
    let known = book.participant(Role::Dso, &domain(name)).await?;
    Ok(known.map(|known| {
        let seed = |found| (1..9).find(|seed| key(*seed).verifying_key() == found).unwrap();
        let mut seeds: Vec<u8> = known.keys.iter().copied().map(seed).collect();
        seeds.sort_unstable();
        seeds
    }))
}

async fn endpoint(book: &DnsAddressBook<DnsResolver>, name: &str) -> Result<Option<String>, DiscoveryError> {
    let found = book.find_destination(Role::Dso, &domain(name)).await?;
    Ok(found.map(|found| found.endpoint.to_string()))
}

#[tokio::test]
async fn what_is_signed_is_found() {
    let Some(server) = server() else { return };
    let (book, _) = book_of(resolver(&server), DnsBookConfig::default());
    for (name, expected) in [
        ("dso.example.com", &[1][..]),
        ("two.example.com", &[1, 2]),
        ("records.example.com", &[1, 2]),
        ("split.example.com", &[1, 2]),
        ("long.example.com", &[1, 2]),
        ("foreign.example.com", &[1]),
        // By an alias of the keys themselves.
        ("chain.example.com", &[1]),
    ] {
        assert_eq!(seeds(&book, name).await.unwrap().as_deref(), Some(expected), "{name}");
    }
    let found = async |name| endpoint(&book, name).await.unwrap().unwrap();
    assert_eq!(found("dso.example.com").await, "https://host.example.com/shapeshifter/api/v3/message");
    // Through a provider's zone; from there on into one that is not signed.
    assert_eq!(found("chain.example.com").await, "https://gate.provider.test/shapeshifter/api/v3/message");
    let looped = endpoint(&book, "loop.example.com").await.unwrap_err();
    assert!(matches!(looped, DiscoveryError::AliasLoop { .. }), "{looped}");
    // Nobody has keys behind aliases in a circle.
    assert!(matches!(seeds(&book, "loop.example.com").await, Ok(None) | Err(DiscoveryError::Dns(_))));
}

#[tokio::test]
async fn answers_say_what_proves_them_and_for_how_long() {
    let Some(server) = server() else { return };
    let resolver = resolver(&server);
    let txt = async |name: &str| resolver.txt(name).await.unwrap();
    let seconds = Duration::from_secs;
    let answer = txt("_usef.dso.example.com.").await;
    let records = Found::Records(vec![TxtRecord(vec![b"3.0.0".to_vec()])]);
    assert_eq!(answer, DnsAnswer { found: records, ttl: seconds(300), proof: Proof::Secure });
    assert_eq!(txt("_DSO._usef.chain.example.com").await.ttl, seconds(60), "the alias holds for less");
    let answer = txt("nobody.example.com").await;
    assert_eq!(answer, DnsAnswer { found: Found::NoName, ttl: seconds(120), proof: Proof::Secure });
    let answer = txt("host.example.com").await;
    assert_eq!(answer, DnsAnswer { found: Found::NoRecords, ttl: seconds(120), proof: Proof::Secure });
    let answer = txt("_usef.dso.unsigned.test").await;
    assert_eq!((answer.proof, answer.ttl), (Proof::Insecure, seconds(300)));
    assert!(matches!(answer.found, Found::Records(_)));
    let answer = txt("nobody.unsigned.test").await;
    assert_eq!((answer.proof, answer.found), (Proof::Insecure, Found::NoName));
    let answer = resolver.cname("_http._DSO._usef.dso.example.com").await.unwrap();
    let alias = Found::Records(vec!["host.example.com".to_owned()]);
    assert_eq!(answer, DnsAnswer { found: alias, ttl: seconds(300), proof: Proof::Secure });
    assert_eq!(resolver.cname("host.example.com").await.unwrap().found, Found::NoRecords);
    let long = "a".repeat(64);
    assert!(matches!(resolver.txt(&long).await, Err(DnsError::InvalidName(name)) if name == long));
}

#[tokio::test]
async fn what_is_not_as_it_was_signed_is_refused() {
    let Some(server) = server() else { return };
    let (book, _) = book_of(resolver(&server), DnsBookConfig::default());
    for name in ["dso.bogus.test", "dso.expired.test"] {
        let refused = seeds(&book, name).await.unwrap_err();
        assert!(matches!(&refused, DiscoveryError::Dns(DnsError::Bogus(_))), "{name}: {refused}");
        assert!(refused.is_retryable());
    }
    // Only what was tampered with is.
    assert!(endpoint(&book, "dso.bogus.test").await.unwrap().is_some());
    // Without validation anybody's key is taken for the participant's.
    let config = DnsConfig::default().with_servers(vec![server.address()]).without_dnssec();
    let mut waived = DnsBookConfig::default();
    waived.dnssec_required = false;
    let (book, _) = book_of(DnsResolver::new(&config).unwrap(), waived);
    assert_eq!(seeds(&book, "dso.bogus.test").await.unwrap(), Some(vec![2]));
}

#[tokio::test]
async fn what_is_not_signed_is_believed_only_where_that_is_waived() {
    let Some(server) = server() else { return };
    let (book, _) = book_of(resolver(&server), DnsBookConfig::default());
    for refused in [
        seeds(&book, "dso.unsigned.test").await.unwrap_err(),
        seeds(&book, "nobody.unsigned.test").await.unwrap_err(),
        endpoint(&book, "dso.unsigned.test").await.unwrap_err(),
    ] {
        assert!(matches!(refused, DiscoveryError::NotProved { proof: Proof::Insecure, .. }), "{refused}");
    }
    let mut waived = DnsBookConfig::default();
    waived.dnssec_required = false;
    let (book, _) = book_of(resolver(&server), waived);
    assert_eq!(seeds(&book, "dso.unsigned.test").await.unwrap(), Some(vec![1]));
    assert_eq!(seeds(&book, "nobody.unsigned.test").await.unwrap(), None);
    // What is signed must still be right.
    assert!(seeds(&book, "dso.bogus.test").await.is_err());
}

#[tokio::test]
async fn another_root_proves_nothing() {
    let Some(server) = server() else { return };
    let config = DnsConfig::default().with_servers(vec![server.address()]);
    let (book, _) = book_of(DnsResolver::new(&config).unwrap(), DnsBookConfig::default());
    assert!(seeds(&book, "dso.example.com").await.is_err());
}

#[tokio::test]
async fn an_authority_lists_who_takes_part() {
    let Some(server) = server() else { return };
    let mut config = DnsBookConfig::default();
    config.suffixes = vec![domain("authority.test")];
    let (book, _) = book_of(resolver(&server), config);
    assert_eq!(seeds(&book, "dso.example.com").await.unwrap(), Some(vec![1]));
    assert!(endpoint(&book, "dso.example.com").await.unwrap().is_some());
    assert_eq!(seeds(&book, "two.example.com").await.unwrap(), None);
}

#[tokio::test]
async fn a_change_is_seen_when_the_records_life_is_over() {
    let Some(mut server) = server() else { return };
    let (book, clock) = book_of(resolver(&server), DnsBookConfig::default());
    assert_eq!(seeds(&book, "dso.example.com").await.unwrap(), Some(vec![1]));
    assert_eq!(seeds(&book, "late.example.com").await.unwrap(), None);
    let changed = dso("dso", &quoted(&published(2))) + &dso("late", &quoted(&published(3)));
    server.serve(&[Zone::signed("example.com", &changed)]).unwrap();
    let pass = |seconds| clock.advance(SignedDuration::from_secs(seconds));
    pass(119);
    assert_eq!(seeds(&book, "late.example.com").await.unwrap(), None);
    pass(1);
    assert_eq!(
        seeds(&book, "late.example.com").await.unwrap(),
        Some(vec![3]),
        "the zone's SOA record says 120 s"
    );
    pass(179);
    assert_eq!(seeds(&book, "dso.example.com").await.unwrap(), Some(vec![1]));
    pass(1);
    assert_eq!(seeds(&book, "dso.example.com").await.unwrap(), Some(vec![2]), "the record says 300 s");
}

#[tokio::test]
async fn a_name_server_that_says_nothing_or_no_is_for_later() {
    let silent = UdpSocket::bind("127.0.0.1:0").unwrap();
    let config = DnsConfig::default()
        .with_servers(vec![silent.local_addr().unwrap()])
        .with_timeouts(Duration::from_millis(100), Duration::from_secs(2));
    let (book, _) = book_of(DnsResolver::new(&config).unwrap(), DnsBookConfig::default());
    let failure = seeds(&book, "dso.example.com").await.unwrap_err();
    assert!(matches!(failure, DiscoveryError::Dns(DnsError::Timeout(_))), "{failure}");
    let Some(server) = server() else { return };
    drop(silent);
    // It knows its own root; what it does not know it refuses to look for.
    let answer = resolver(&server).txt("nobody.elsewhere").await.unwrap();
    assert_eq!((answer.found, answer.proof), (Found::NoName, Proof::Secure));
}
