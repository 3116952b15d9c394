//! The binary from outside.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod backtest;
mod demo;
mod lookup;
mod ocpp;
mod virtual_time;

use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tieline_store::{ChangeSet, SqliteOptions, SqliteStore, Store as _};

fn tieline(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_tieline")).args(arguments).output().unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../uftp/tests/fixtures/library-python").join(name)
}

fn write_secret(path: &Path, secret: &str) {
    let mut options = std::fs::OpenOptions::new();
    let mut file = options.write(true).create_new(true).mode(0o600).open(path).unwrap();
    std::io::Write::write_all(&mut file, secret.as_bytes()).unwrap();
}

/// The keys of the fixtures' aggregator: secret and public.
fn keys() -> (String, String) {
    let keys = std::fs::read_to_string(fixture("keys.txt")).unwrap();
    let value =
        |name: &str| keys.split_whitespace().skip_while(|word| *word != name).nth(1).unwrap().to_owned();
    (value("private_b64"), value("public_b64"))
}

#[test]
fn check_config_says_whether_a_node_could_be_started() {
    let directory = tempfile::tempdir().unwrap();
    let config = directory.path().join("dso.toml");
    std::fs::write(&config, include_str!("../../../../docs/examples/dso.toml")).unwrap();
    let check = || tieline(&["run", "--check-config", "--config", config.to_str().unwrap()]);

    let refused = check();
    assert_eq!(refused.status.code(), Some(64));
    assert!(text(&refused.stderr).contains("dso.key"));
    assert!(refused.stdout.is_empty());

    write_secret(&directory.path().join("dso.key"), &keys().0);
    let accepted = check();
    assert_eq!(accepted.status.code(), Some(0), "{}", text(&accepted.stderr));
    assert!(!directory.path().join("dso-data").exists());

    std::fs::write(&config, "colour = \"red\"").unwrap();
    let refused = tieline(&["run", "--config", config.to_str().unwrap()]);
    assert_eq!(refused.status.code(), Some(64));
    assert!(text(&refused.stderr).contains("colour"));
}

#[test]
fn a_payload_is_sealed_to_the_bit_and_opened_again() {
    let directory = tempfile::tempdir().unwrap();
    let (secret, public) = keys();
    let key = directory.path().join("agr.key");
    write_secret(&key, &secret);
    let (payload, signed) = (fixture("D-Prognosis.xml"), fixture("D-Prognosis.signed.xml"));
    let seal =
        ["uftp", "seal", "--key", key.to_str().unwrap(), "--domain", "agr.example.com", "--role", "AGR"];
    let sealed = tieline(&[&seal[..], &[payload.to_str().unwrap()]].concat());
    assert!(sealed.status.success(), "{}", text(&sealed.stderr));
    let body =
        |envelope: &str| envelope.split("Body=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    // The signature is deterministic: the same payload under the same key is the same body.
    assert_eq!(body(text(&sealed.stdout)), body(&std::fs::read_to_string(&signed).unwrap()));

    let envelope = directory.path().join("sealed.xml");
    std::fs::write(&envelope, &sealed.stdout).unwrap();
    for envelope in [&envelope, &signed] {
        let opened = tieline(&["uftp", "open", "--public-key", &public, envelope.to_str().unwrap()]);
        assert!(opened.status.success(), "{}", text(&opened.stderr));
        assert_eq!(opened.stdout, std::fs::read(&payload).unwrap());
    }
}

#[test]
fn a_new_key_seals_what_only_its_own_public_key_opens() {
    let directory = tempfile::tempdir().unwrap();
    let key = directory.path().join("new.key");
    let made = tieline(&["uftp", "keygen", "--out", key.to_str().unwrap()]);
    assert!(made.status.success());
    let public = text(&made.stdout).trim().strip_prefix("public ").unwrap();
    let payload = fixture("D-Prognosis.xml");
    let (key, payload) = (key.to_str().unwrap(), payload.to_str().unwrap());
    let sealed =
        tieline(&["uftp", "seal", "--key", key, "--domain", "agr.example.com", "--role", "AGR", payload]);
    let envelope = directory.path().join("sealed.xml");
    std::fs::write(&envelope, &sealed.stdout).unwrap();
    let open = |public: &str| tieline(&["uftp", "open", "--public-key", public, envelope.to_str().unwrap()]);
    assert!(open(public).status.success());
    let refused = open(&keys().1);
    assert_eq!(refused.status.code(), Some(1));
    assert!(refused.stdout.is_empty());
    // A key is never overwritten.
    assert_eq!(tieline(&["uftp", "keygen", "--out", key]).status.code(), Some(1));
}

#[test]
fn a_reader_of_the_journal_may_leave_early() {
    let directory = tempfile::tempdir().unwrap();
    let store =
        SqliteStore::open(&directory.path().join("tieline.sqlite"), SqliteOptions::default()).unwrap();
    let mut changes = ChangeSet::new();
    changes.decide(jiff::Timestamp::UNIX_EPOCH, "agr", "dso.example.com", "NoOffer", "", "nothing charges");
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(store.commit(changes)).unwrap();
    drop(store);

    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut show = Command::new(env!("CARGO_BIN_EXE_tieline"));
    show.args(["journal", "show", "--data", directory.path().to_str().unwrap()]);
    let left = show.stdout(writer).output().unwrap();
    assert!(left.status.success(), "{}", text(&left.stderr));
}

#[test]
fn the_demo_passes_and_its_journal_holds_until_a_byte_changes() {
    let directory = tempfile::tempdir().unwrap();
    let kept = directory.path().join("kept");
    let evening = ["demo", "--speed", "0", "--chargers", "20", "--from", "16:00", "--until", "20:00"];
    let shown = tieline(&[&evening[..], &["--keep", kept.to_str().unwrap()]].concat());
    assert!(shown.status.success(), "{}", text(&shown.stderr));
    let data = kept.join("agr");
    let verify = || tieline(&["journal", "verify", "--data", data.to_str().unwrap()]);
    let verified = verify();
    assert!(verified.status.success(), "{}", text(&verified.stderr));
    assert!(text(&verified.stdout).contains("unbroken"));

    let listed = tieline(&["journal", "show", "--json", "--data", data.to_str().unwrap()]);
    assert!(listed.status.success());
    for label in [
        "FlexRequest",
        "FlexRequestResponse",
        "FlexOffer",
        "FlexOrder",
        "FlexOrderResponse",
        "FlexSettlement",
    ] {
        assert!(text(&listed.stdout).contains(&format!("\"label\":\"{label}\"")), "{label}");
    }

    let database = data.join("tieline.sqlite");
    let mut bytes = std::fs::read(&database).unwrap();
    let wanted = b"SenderRole=\"DSO\"";
    let places: Vec<usize> = bytes
        .windows(wanted.len())
        .enumerate()
        .filter(|(_, found)| found == wanted)
        .map(|(at, _)| at)
        .collect();
    assert!(!places.is_empty());
    for place in places {
        bytes[place + wanted.len() - 2] ^= 1;
    }
    std::fs::write(&database, bytes).unwrap();
    let broken = verify();
    assert_eq!(broken.status.code(), Some(1));
    assert!(text(&broken.stderr).contains("the journal is broken"), "{}", text(&broken.stderr));
}
