use std::sync::Arc;

use tieline_types::{Domain, ManualClock};
use tieline_uftp::Role;
use tieline_uftp::discovery::{AddressBooks, Destinations as _, DnsAddressBook, DnsBookConfig};
use tieline_uftp::server::{AddressBook as _, FixedAddressBook, KnownParticipant};

use super::zone::{Zone, dso, key, published};

fn domain(text: &str) -> Domain {
    text.parse().unwrap()
}

#[tokio::test]
async fn the_first_book_that_knows_a_participant_has_it() {
    let zone = Zone::with_dso(1);
    zone.txt("_DSO._usef.other.example.com", &[&published(3)], 600);
    let clock = Arc::new(ManualClock::new("2026-03-28T12:00:00Z".parse().unwrap()));
    let written = KnownParticipant::new(vec![key(2).verifying_key()])
        .at("https://written.example.com/x".parse().unwrap());
    let fixed = FixedAddressBook::new().with(Role::Dso, domain("dso.example.com"), written);
    let first = AddressBooks::new().with(fixed);
    let books = first.clone().with(DnsAddressBook::new(zone.clone(), DnsBookConfig::default(), clock));
    let keys = async |books: &AddressBooks, name: &str| {
        books.look_up(Role::Dso, &domain(name)).await.unwrap().map(|known| known.keys.clone())
    };
    assert_eq!(keys(&books, "dso.example.com").await, Some(vec![key(2).verifying_key()]));
    assert_eq!(keys(&books, "other.example.com").await, Some(vec![key(3).verifying_key()]));
    assert_eq!(keys(&books, "nobody.example.com").await, None);
    // Another with the same books is not changed by one that got more.
    assert_eq!(keys(&first, "other.example.com").await, None);
    assert!(AddressBooks::new().is_empty() && !first.is_empty());

    let (role, dso) = dso();
    let destination = books.destination(role, &dso).await.unwrap().unwrap();
    assert_eq!(destination.endpoint.uri().host(), Some("written.example.com"));
    assert!(books.destination(role, &domain("nobody.example.com")).await.unwrap().is_none());
    // A book further down has no say about one that a book before it has.
    zone.asked();
    assert_eq!(books.look_up_again(role, &dso).await.unwrap(), None);
    assert_eq!(zone.asked(), [] as [String; 0]);
    assert!(books.look_up_again(role, &domain("other.example.com")).await.unwrap().is_some());
}

#[tokio::test]
async fn a_book_that_cannot_answer_ends_the_search() {
    let (zone, behind) = (Zone::with_dso(1), Zone::with_dso(2));
    zone.fail("_DSO._usef.dso.example.com");
    zone.fail("_http._DSO._usef.dso.example.com");
    let clock = Arc::new(ManualClock::new("2026-03-28T12:00:00Z".parse().unwrap()));
    let books = AddressBooks::new()
        .with(DnsAddressBook::new(zone, DnsBookConfig::default(), clock.clone()))
        .with(DnsAddressBook::new(behind.clone(), DnsBookConfig::default(), clock));
    let (role, dso) = dso();
    assert!(books.look_up(role, &dso).await.is_err());
    assert!(books.destination(role, &dso).await.is_err());
    assert_eq!(behind.asked(), [] as [String; 0]);
}
