//! `tieline uftp lookup`, at a name server with a root of its own, and `pubkey`.

use std::process::Output;

use tieline_interop::{NameServer, Signing, Zone};

use crate::{keys, text, tieline, write_secret};

const KEY: &str = "cs1.JUO5L/EJVRFHatyDadtt3JM2ZaEZeN2hQE7hBmypVZ0=";

fn records(name: &str) -> String {
    format!(
        "_usef.{name} 300 IN TXT \"3.1.0\"\n_DSO._usef.{name} 300 IN TXT \"{KEY}\"\n\
         _http._DSO._usef.{name} 300 IN CNAME host.example.com.\n"
    )
}

#[expect(clippy::print_stdout, reason = "a test that is skipped says so")]
fn server() -> Option<NameServer> {
    let mut good = records("dso");
    good += "_usef.two 300 IN TXT \"4.0.0\"\n_DSO._usef.two 300 IN TXT \"cs1.AAAA\"\n";
    good += "_http._DSO._usef.two 300 IN CNAME a\na 300 IN CNAME b\nb 300 IN CNAME a\n";
    good += "_DSO._usef.half 300 IN TXT \"hello\"\n_http._DSO._usef.half 300 IN CNAME host\n";
    good += "_usef.next 300 IN TXT \"4.0.0\"\n_DSO._usef.next 300 IN TXT \"";
    good += KEY;
    good += "\"\n_http._DSO._usef.next 300 IN CNAME host\n";
    let other = KEY.replace("JUO5", "A6EH");
    let zones = [
        Zone::signed("example.com", &good),
        Zone::signed("unsigned.test", &records("dso")).with(Signing::Unsigned),
        Zone::signed("bogus.test", &records("dso")).with(Signing::Tampered(KEY.to_owned(), other)),
        Zone::signed("authority.test", "_usef.dso.example.com 300 IN TXT \"listed\"\n"),
    ];
    let server = NameServer::start(&zones).unwrap();
    if server.is_none() {
        println!("skipped: no BIND (Debian: bind9, bind9-utils)");
    }
    server
}

/// What is printed for an exit code.
fn printed(found: &Output, code: i32) -> &str {
    let said = text(&found.stdout);
    assert_eq!(found.status.code(), Some(code), "{said}{}", text(&found.stderr));
    said
}

#[test]
fn a_participant_is_explained_step_by_step() {
    let Some(server) = server() else { return };
    let (address, anchor) = (server.address().to_string(), server.trust_anchor());
    let common = ["--server", &address, "--trust-anchor", anchor.to_str().unwrap()];
    let look = |domain: &str, more: &[&str]| {
        tieline(&[&["uftp", "lookup", domain, "dso"], &common[..], more].concat())
    };

    let found = look("dso.example.com", &[]);
    let said = printed(&found, 0);
    for expected in [
        "TXT _DSO._usef.dso.example.com\n",
        "secure, for 300 s",
        "CNAME _http._DSO._usef.dso.example.com\n    host.example.com\n",
        "TXT _usef.dso.example.com\n    \"3.1.0\"\n",
        &format!("key       {KEY}\n"),
        "address   https://host.example.com/shapeshifter/api/v3/message\n",
    ] {
        assert!(said.contains(expected), "{expected}: {said}");
    }
    // (domain, options, exit code, what is said)
    for (domain, more, code, expected) in [
        ("nobody.example.com", &[][..], 3, "no such name"),
        ("nobody.example.com", &[], 3, "key       none: it is not published"),
        ("half.example.com", &[], 3, "has no TXT record with the version"),
        ("two.example.com", &[], 4, "has a key that can't be used"),
        ("two.example.com", &[], 4, "go in a circle"),
        ("dso.unsigned.test", &[], 4, "not proved by DNSSEC: it is insecure"),
        ("dso.unsigned.test", &[], 4, "The zone is not signed."),
        ("dso.bogus.test", &[], 4, "is bogus"),
        ("next.example.com", &[], 0, "another major version"),
        ("dso.example.com", &["--suffix", "authority.test"], 0, "TXT _usef.dso.example.com.authority.test"),
        ("next.example.com", &["--suffix", "authority.test"], 3, "None of the zones lists next.example.com"),
    ] {
        let found = look(domain, more);
        let said = printed(&found, code);
        assert!(said.contains(expected), "{domain} {expected}: {said}");
    }
    let waived =
        tieline(&["uftp", "lookup", "dso.unsigned.test", "DSO", "--no-dnssec", "--server", &address]);
    assert!(printed(&waived, 0).contains("indeterminate"));
}

#[test]
fn where_nobody_answers_that_is_said() {
    let closed = std::net::UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let found = tieline(&["uftp", "lookup", "dso.example.com", "DSO", "--server", &closed]);
    assert!(printed(&found, 5).contains("--server"));
    for wrong in [&["uftp", "lookup", "Example", "DSO"][..], &["uftp", "lookup", "dso.example.com", "BRP"]] {
        assert_eq!(tieline(wrong).status.code(), Some(2));
    }
    let found = tieline(&["uftp", "lookup", "dso.example.com", "DSO", "--trust-anchor", "/no/such/file"]);
    assert_eq!(found.status.code(), Some(1));
    assert!(text(&found.stderr).contains("/no/such/file"), "{}", text(&found.stderr));
}

#[test]
fn the_public_key_is_shown_in_both_forms_and_the_secret_in_none() {
    let directory = tempfile::tempdir().unwrap();
    let (secret, public) = keys();
    let file = directory.path().join("agr.key");
    write_secret(&file, &secret);
    let shown = tieline(&["uftp", "pubkey", file.to_str().unwrap()]);
    assert_eq!(printed(&shown, 0), format!("public    {public}\npublished cs1.{public}\n"));
    std::fs::write(&file, "no key").unwrap();
    let refused = tieline(&["uftp", "pubkey", file.to_str().unwrap()]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(text(&refused.stderr).contains("agr.key") && !text(&refused.stderr).contains("no key"));
}
