//! Configurations that can't be run, and the documented ones that can.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use tieline_node::{Config, ConfigError};
use tieline_uftp::SigningKey;

use crate::daemon::write_secret;

const AGR: &str = include_str!("../../../../docs/examples/agr.toml");
const CRO: &str = include_str!("../../../../docs/examples/cro.toml");
const DSO: &str = include_str!("../../../../docs/examples/dso.toml");
const DOCUMENT: &str = include_str!("../../../../docs/configuration.md");

/// A table whose secret is in a file.
const GOPACS: &str = "
[uftp.discovery.gopacs]
address_book = \"https://address-book.example.com/v3\"
broker = \"https://broker.example.com/shapeshifter/api/v3/message\"
token_endpoint = \"https://auth.example.com/token\"
client_id = \"tieline\"
client_secret_file = \"gopacs.secret\"
";

fn directory() -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    let key = SigningKey::from_seed(&[1; 32]).to_base64();
    for name in ["agr.key", "cro.key", "dso.key"] {
        write_secret(&directory.path().join(name), &key);
    }
    directory
}

fn refusal(text: &str, base: &Path) -> String {
    Config::parse(text, base).unwrap_err().to_string()
}

#[test]
fn the_documented_examples_can_be_run() {
    let directory = directory();
    for example in [AGR, CRO, DSO] {
        Config::parse(example, directory.path()).unwrap();
    }
}

#[test]
fn what_would_only_show_in_a_running_node_is_named() {
    let directory = directory();
    let twice = "[[uftp.peer]]\ndomain = \"dso.example.com\"\nrole = \"DSO\"\nendpoint = \"http://127.0.0.1/\"\n\
                 public_keys = [\"JUO5L/EJVRFHatyDadtt3JM2ZaEZeN2hQE7hBmypVZ0=\"]\n\n[agr]";
    // In the aggregator's example, this text becomes that one, and the refusal says so.
    let cases = [
        ("time_zone =", "path = \"/{message}\"\ntime_zone =", "uftp.path"),
        ("time_zone =", "path = \"/:message\"\ntime_zone =", "uftp.path"),
        ("time_zone =", "path = \"/message?x=1\"\ntime_zone =", "uftp.path"),
        ("time_zone =", "attempts = 0\ntime_zone =", "uftp.attempts"),
        ("time_zone =", "retry = { first = \"0s\" }\ntime_zone =", "uftp.retry.first"),
        ("time_zone =", "retry = { first = \"10m\" }\ntime_zone =", "uftp.retry.max"),
        ("time_zone =", "bodies_bytes = 4194303\ntime_zone =", "uftp.bodies_bytes: is 4194304 or more"),
        ("time_zone =", "limits = { connections = 0 }\ntime_zone =", "uftp.limits.connections: is 1 or more"),
        ("time_zone =", "limits = { write_timeout = \"0s\" }\ntime_zone =", "uftp.limits.write_timeout"),
        ("id_tokens =", "limits = { handshakes = 0 }\nid_tokens =", "ocpp.limits.handshakes: is 1 or more"),
        ("id_tokens =", "limits = { header_bytes = 1024 }\nid_tokens =", "ocpp.limits.header_bytes: is 8192"),
        ("[agr]", twice, "uftp.peer dso.example.com: is there twice with role DSO"),
        ("id_tokens =", "path = \"ocpp\"\nid_tokens =", "ocpp.path"),
        ("id_tokens =", "path = \"/ocpp/\"\nid_tokens =", "ocpp.path"),
        ("phases = 3", "serial_number = \"SN-1\"\nphases = 3", "ocpp.charger CP-1 serial_number: is that of"),
        ("id_tokens = \"any\"", "", "ocpp.id_tokens: is \"any\""),
        (
            "id_tokens =",
            "proxy = { csms = \"wss://csms.example.com/ocpp\" }\nid_tokens =",
            "ocpp.id_tokens: means",
        ),
        ("id_tokens = \"any\"", "proxy = { csms = \"ws://127.0.0.1/ocpp\" }", "ocpp.proxy.csms: has no TLS"),
        (
            "id_tokens = \"any\"",
            "proxy = { csms = \"wss://csms.example.com\", plaintext = true }",
            "ocpp.proxy.csms: has TLS",
        ),
        ("id_tokens = \"any\"", "proxy = { csms = \"https://csms.example.com\" }", "ocpp.proxy.csms"),
        (
            "id_tokens = \"any\"",
            "proxy = { csms = \"wss://csms.example.com\", authorities_only = true }",
            "ocpp.proxy.authorities_only",
        ),
        ("identity = \"CP-1\"", "identity = \"\"", "identity: an identity cannot be empty"),
        ("phases = 3", "voltage = 0\nphases = 3", "ocpp.charger CP-1 voltage"),
    ];
    for (from, to, expected) in cases {
        let said = refusal(&AGR.replacen(from, to, 1), directory.path());
        assert!(said.contains(expected), "{to}: {said}");
    }
}

#[test]
fn a_charger_with_an_empty_password_is_refused() {
    let directory = directory();
    let with_password = AGR.replacen("phases = 3", "password_file = \"cp-1\"\nphases = 3", 1);
    write_secret(&directory.path().join("cp-1"), "\n");
    let said = refusal(&with_password, directory.path());
    assert!(said.contains("ocpp.charger CP-1 password_file: holds no password"), "{said}");
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table of mistakes")]
fn every_mistake_is_named() {
    let directory = directory();
    // In this example, this text becomes that one, and the refusal says so.
    let cases = [
        (AGR, "[node]", "[node]\ncolour = \"red\"", "unknown field `colour`"),
        (AGR, "[node]", "[clock]\nserver = \"127.0.0.1:1\"\n[node]", "missing field `name`"),
        (AGR, "[node]", "[clock]\nserver = \"127.0.0.1\"\nname = \"agr\"\n[node]", "invalid socket address"),
        (AGR, "[node]", "[clock]\nserver = \"127.0.0.1:1\"\nname = \"\"\n[node]", "clock.name: it is empty"),
        (AGR, "plaintext = true", "plaintxt = true", "unknown field `plaintxt`"),
        (AGR, "role = \"AGR\"\ndomain", "role = \"CRO\"\ndomain", "agr: this node is a CRO"),
        (AGR, "[agr]", "[cro]\nmode = \"open\"\n[agr]", "cro: this node is an AGR"),
        (CRO, "mode = \"closed\"", "mode = \"shut\"", "unknown variant `shut`"),
        (CRO, "mode = \"closed\"", "mode = \"open\"", "cro.member: is of no use in open mode"),
        (
            CRO,
            "[[cro.member]]\nrole = \"AGR\"",
            "[[cro.member]]\nrole = \"CRO\"",
            "cro.member CRO agr.example.com",
        ),
        (
            CRO,
            "[[cro.member]]\nrole = \"AGR\"",
            "[[cro.member]]\nrole = \"DSO\"",
            "cro.member DSO agr.example.com: is no uftp.peer with role DSO",
        ),
        (
            CRO,
            "[[cro.member]]",
            "[[cro.member]]\nrole = \"DSO\"\ndomain = \"dso.example.com\"\n[[cro.member]]",
            "cro.member DSO dso.example.com: is there twice",
        ),
        (
            CRO,
            "mode = \"closed\"",
            "mode = \"closed\"\nlimits = { connections = 0 }",
            "cro.limits.connections: is 1 or more",
        ),
        (AGR, "role = \"AGR\"\ndomain", "role = \"DSO\"\ndomain", "this node is a DSO"),
        (DSO, "role = \"DSO\"\ndomain", "role = \"AGR\"\ndomain", "this node is an AGR"),
        (
            AGR,
            "time_zone =",
            "cro = { domain = \"b.example.com\" }\ntime_zone =",
            "no uftp.peer with role CRO",
        ),
        (AGR, "time_zone =", "cro = { at = \"09:00\" }\ntime_zone =", "missing field `domain`"),
        (AGR, "Europe/Amsterdam", "Europe/Atlantis", "uftp.time_zone"),
        (AGR, "\"PT15M\"", "\"PT15S\"", "isp_duration"),
        (AGR, "time_zone =", "path = \"message\"\ntime_zone =", "uftp.path: a path starts with /"),
        (AGR, "time_zone =", "version = \"2.0.0\"\ntime_zone =", "uftp.version"),
        (AGR, "signing_key_file = \"agr.key\"", "signing_key_file = \"lost.key\"", "lost.key"),
        (AGR, "JUO5L/", "JUO5L", "uftp.peer dso.example.com"),
        (AGR, "plaintext = true", "plaintext = false", "uftp.tls"),
        (AGR, "phases = 3", "phases = 4", "ocpp.charger CP-1 phases"),
        (AGR, "maximum_current = 32", "maximum_current = 5", "ocpp.charger CP-1 maximum_current"),
        (AGR, "identity = \"CP-2\"", "identity = \"CP-1\"", "is there twice"),
        (
            AGR,
            "phases = 3",
            "tolerances = [\"bad_manners\"]\nphases = 3",
            "CP-1 tolerances: is one of undefined_",
        ),
        (
            AGR,
            "phases = 3",
            "absent_member = [{ action = \"A\", member = \"vendor\", value = 1 }]\nphases = 3",
            "CP-1 absent_member A vendor: is a JSON pointer",
        ),
        (AGR, "price_per_mwh = \"85.00\"", "price_per_mwh = \"cheap\"", "price_per_mwh"),
        (AGR, "price_per_mwh =", "plan_ahead = \"-30m\"\nprice_per_mwh =", "negative"),
        (AGR, "price_per_mwh =", "plan_ahead = \"soon\"\nprice_per_mwh =", "`soon` is no duration"),
        (AGR, "dso = \"dso.example.com\"", "dso = \"b.example.com\"", "is no uftp.peer with role DSO"),
        (AGR, "dso = \"dso.example.com\"", "expected_load = \"day.csv\"", "is of no use without dso"),
        (
            AGR,
            "dso = \"dso.example.com\"",
            "dso = \"dso.example.com\"\nexpected_load = \"day.csv\"",
            "day.csv",
        ),
        (
            AGR,
            "entity_address = \"ean.871685900012345001\"",
            "entity_address = \"ean.87168590001234\"",
            "16 or 18",
        ),
        (
            AGR,
            "price_per_mwh = \"85.00\"",
            "prognosis_at = \"25:00\"\nprice_per_mwh = \"85.00\"",
            "prognosis_at",
        ),
        (
            AGR,
            "penalty_per_mwh = \"40.00\"",
            "penalty_per_mwh = \"-40.00\"",
            "agr.settlement penalty_per_mwh",
        ),
        (AGR, "penalty_per_mwh = \"40.00\"", "tolerance = \"-1\"", "a tolerance is negative"),
        (DSO, "period = \"month\"", "period = \"week\"", "week"),
        (DSO, "currency = \"EUR\"", "currency = \"USD\"", "dso.settlement"),
        (DSO, "penalty_per_mwh = \"40.00\"", "penalty_per_mwh = \"-1\"", "its penalty_per_mwh is negative"),
        (DSO, "penalty_per_mwh = \"40.00\"", "look_again = \"0s\"", "look_again"),
        (
            DSO,
            "connections = [\"ean.871685900012345001\"]",
            "connections = [\"ean.87168590001234\"]",
            "16 or 18",
        ),
        (DSO, "aggregators = [\"agr.example.com\"]", "aggregators = []", "names no aggregator"),
        (DSO, "aggregators = [\"agr.example.com\"]", "aggregators = [\"b.example.com\"]", "is no uftp.peer"),
        (DSO, "max = 0 }", "max = 0, available = true }", "not only available"),
        (DSO, "period = \"2026-12-01\"", "period = \"2026-12-32\"", "period"),
        (DSO, "start = 73, duration = 4", "start = 95, duration = 4", "2026-12-01 has 96 ISPs"),
        (DSO, "start = 73, duration = 4", "start = 0, duration = 4", "ISP number 0"),
        (DSO, "start = 73, duration = 4", "start = 73, duration = 0", "0 ISPs from"),
        (
            DSO,
            "isps = [{",
            "isps = [{ start = 70, duration = 5, min = -1000, max = 0 }, {",
            "names ISPs twice: 73 to 74",
        ),
        (
            DSO,
            "isps = [{ start = 73, duration = 4, min = -30000, max = 0 }]",
            "isps = []",
            "at least one ISP",
        ),
        // The day on which the clocks go forward has no ISP 93.
        (
            DSO,
            "period = \"2026-12-01\"\nisps = [{ start = 73",
            "period = \"2026-03-29\"\nisps = [{ start = 90",
            "2026-03-29 has 92 ISPs",
        ),
    ];
    for (example, text, other, named) in cases {
        assert!(example.contains(text), "{text}");
        let said = refusal(&example.replacen(text, other, 1), directory.path());
        assert!(said.contains(named), "{other}: {said}");
    }
}

#[test]
fn a_secret_that_others_can_read_is_refused() {
    let directory = directory();
    let path = directory.path().join("agr.key");
    for mode in [0o640, 0o604, 0o660] {
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        let said = refusal(AGR, directory.path());
        assert!(said.contains("chmod it to 600"), "{said}");
    }
}

#[test]
fn a_key_that_is_none_is_refused_and_not_repeated() {
    let directory = directory();
    write_secret(&directory.path().join("agr.key"), "my-secret-that-is-no-key");
    let failure = Config::parse(AGR, directory.path()).unwrap_err();
    assert!(matches!(failure, ConfigError::Invalid { .. }));
    assert!(!format!("{failure} {failure:?}").contains("my-secret"));
}

#[test]
fn a_common_reference_operator_says_whom_it_serves() {
    let directory = directory();
    let (head, _) = CRO.split_once("[cro]").unwrap();
    let said = refusal(head, directory.path());
    assert!(said.contains("cro: a CRO needs this table"), "{said}");
    let said = refusal(&format!("{head}[cro]\nmode = \"closed\"\n"), directory.path());
    assert!(said.contains("cro.member: in closed mode somebody must be a member"), "{said}");
    let limited = format!("{head}[cro]\nmode = \"open\"\n[cro.limits]\nno_such_key = 1\n");
    let said = refusal(&limited, directory.path());
    for key in ["connections_per_update", "connections", "congestion_points", "periods"] {
        assert!(
            said.contains(&format!("`{key}`")) && DOCUMENT.contains(&format!("`{key}`")),
            "{key}: {said}"
        );
    }
}

/// Every key that a file may hold, as the refusal of a wrong one lists them.
#[test]
fn what_posts_is_complete_and_can_be_made() {
    let directory = directory();
    let with = |keys: &str| AGR.replacen("[agr]", &format!("[uftp.client]\n{keys}\n\n[agr]"), 1);
    write_secret(&directory.path().join("proxy"), "http://user:hush@127.0.0.1:3128\n");
    let good = with("proxy_file = \"proxy\"\nconnect_timeout = \"2s\"\ntimeout = \"20s\"");
    let config = Config::parse(&good, directory.path()).unwrap();
    let shown = format!("{config:?}");
    assert!(shown.contains("127.0.0.1:3128") && !shown.contains("hush"), "{shown}");
    for (keys, named) in [
        ("proxy = \"http://user:hush@127.0.0.1:3128\"", "uftp.client.proxy: holds a password"),
        ("proxy = \"http://127.0.0.1:3128\"\nproxy_file = \"proxy\"", "uftp.client.proxy: is named twice"),
        ("proxy_file = \"proxy\"\nproxy_env = \"PROXY\"", "uftp.client.proxy: needs a file or"),
        ("proxy = \"no address\"", "uftp.client"),
        ("authorities_only = true", "trusts nobody without authorities"),
        ("authorities = [\"missing.pem\"]", "missing.pem"),
        ("certificate = \"client.pem\"", "needs certificate and private_key, or neither"),
        ("certificate = \"client.pem\"\nprivate_key = \"client.key\"", "client.pem"),
        ("timeout = \"0s\"", "uftp.client.timeout: is longer than 0"),
        ("connect_timeout = \"0s\"", "uftp.client.connect_timeout: is longer than 0"),
    ] {
        let refusal = refusal(&with(keys), directory.path());
        assert!(refusal.contains(named) && !refusal.contains("hush"), "{keys}: {refusal}");
    }
}

#[test]
fn a_contract_reserves_something_somewhere_once() {
    let directory = directory();
    let contract = |id: &str, dso: &str, point: &str, reserved: i64| {
        format!(
            "\n[[agr.contract]]\nid = \"{id}\"\ndso = \"{dso}\"\ncongestion_point = \"{point}\"\nreserved = {reserved}\n"
        )
    };
    let (dso, point) = ("dso.example.com", "ean.871685900012345678");
    let good = contract("C-1", dso, point, -1000);
    Config::parse(&format!("{AGR}{good}"), directory.path()).unwrap();
    for (contracts, named) in [
        (
            contract("C-1", "stranger.example.com", point, -1),
            "stranger.example.com is no uftp.peer with role DSO",
        ),
        (contract("C-1", dso, "ean.871685900012349999", -1), "is no agr.congestion_point"),
        (contract("C-1", dso, point, 0), "reserves nothing"),
        (format!("{good}{good}"), "agr.contract C-1 with dso.example.com: is there twice"),
    ] {
        let refusal = refusal(&format!("{AGR}{contracts}"), directory.path());
        assert!(refusal.contains(named), "{named}: {refusal}");
    }
}

#[test]
fn the_document_names_every_key() {
    let directory = directory();
    let contracting = format!("{AGR}\n[[agr.contract]]\n");
    let posting = AGR.replacen("[agr]", "[uftp.client]\n\n[agr]", 1);
    let proxied = AGR.replacen("[[ocpp.charger]]", "[ocpp.proxy]\n\n[[ocpp.charger]]", 1);
    let tables: [(&str, &str); 17] = [
        (AGR, "[node]"),
        (AGR, "[uftp]"),
        (AGR, "[[uftp.peer]]"),
        (AGR, "[agr]"),
        (AGR, "[[agr.congestion_point]]"),
        (AGR, "[[agr.connection]]"),
        (AGR, "[ocpp]"),
        (AGR, "[[ocpp.charger]]"),
        (&proxied, "[ocpp.proxy]"),
        (AGR, "[agr.settlement]"),
        (&contracting, "[[agr.contract]]"),
        (&posting, "[uftp.client]"),
        (CRO, "[cro]"),
        (CRO, "[[cro.member]]"),
        (DSO, "[[dso.congestion_point]]"),
        (DSO, "[dso.settlement]"),
        (DSO, "[[dso.need]]"),
    ];
    let found = format!("[uftp.discovery.cache]\n{GOPACS}[uftp.discovery.dns]\n\n[uftp.discovery]\n\n[agr]");
    let discovering = AGR.replacen("[agr]", &found, 1);
    write_secret(&directory.path().join("gopacs.secret"), "hush");
    let discovery = ["", ".cache", ".gopacs", ".dns"].map(|table| format!("[uftp.discovery{table}]"));
    let tables =
        tables.into_iter().chain(discovery.iter().map(|table| (discovering.as_str(), table.as_str())));
    for (example, table) in tables {
        let said =
            refusal(&example.replacen(table, &format!("{table}\nno_such_key = 1"), 1), directory.path());
        let (_, expected) = said.split_once("expected ").unwrap_or_else(|| panic!("{table}: {said}"));
        let keys: Vec<&str> = expected.split('`').skip(1).step_by(2).collect();
        assert!(!keys.is_empty(), "{table}: {said}");
        for key in keys {
            assert!(
                DOCUMENT.contains(&format!("`{key}")) || DOCUMENT.contains(&format!(".{key}")),
                "{table} {key}"
            );
        }
    }
}

#[test]
fn what_is_looked_up_is_checked_before_a_node_runs() {
    let directory = directory();
    write_secret(&directory.path().join("gopacs.secret"), "hush\n");
    write_secret(&directory.path().join("empty.secret"), "\n");
    std::fs::write(directory.path().join("wrong.key"), "not a record").unwrap();
    let config =
        |more: &str| Config::parse(&AGR.replacen("[agr]", &format!("{more}\n[agr]"), 1), directory.path());
    let gopacs = |from: &str, to: &str| config(&GOPACS.replacen(from, to, 1));
    let dns = |more: &str| config(&format!("[uftp.discovery.dns]\nservers = [\"127.0.0.1:53\"]\n{more}\n"));

    let found = gopacs("", "").unwrap().uftp.discovery.unwrap();
    assert!(found.gopacs.is_some() && found.dns.is_none());
    assert!(!format!("{found:?}").contains("hush"));
    // From the environment: PATH is there for whoever runs tests.
    gopacs("client_secret_file = \"gopacs.secret\"", "client_secret_env = \"PATH\"").unwrap();
    let found = dns("suffixes = [\"authority.test\"]\ntimeout = \"2s\"")
        .unwrap()
        .uftp
        .discovery
        .unwrap()
        .dns
        .unwrap();
    assert!(found.book.dnssec_required && found.resolver.dnssec);
    assert!(!dns("dnssec = false").unwrap().uftp.discovery.unwrap().dns.unwrap().book.dnssec_required);

    let secret = "client_secret_file = \"gopacs.secret\"";
    let refused = vec![
        (config("[uftp.discovery]"), "uftp.discovery: needs the table dns or gopacs"),
        (config("[uftp.discovery]\ncache = { entries = 0 }\ndns = {}"), "uftp.discovery.cache"),
        (
            config("[uftp.discovery]\ncache = { again_after = \"0s\" }\ndns = {}"),
            "uftp.discovery.cache.again_after",
        ),
        (config("[uftp.discovery]\ncache = { longest = \"1s\" }\ndns = {}"), "uftp.discovery.cache.longest"),
        (config("[uftp.discovery]\ntolerances = [\"all\"]\ndns = {}"), "uftp.discovery.tolerances"),
        (config("[uftp.discovery]\nversion = \"2.0.0\"\ndns = {}"), "uftp.discovery.version"),
        (gopacs(secret, ""), "client_secret: needs a file or an environment variable"),
        (gopacs(secret, &format!("{secret}\nclient_secret_env = \"PATH\"")), "and not both"),
        (gopacs(secret, "client_secret_env = \"TIELINE_NO_SUCH_VARIABLE\""), "TIELINE_NO_SUCH_VARIABLE"),
        (gopacs("gopacs.secret", "empty.secret"), "the client's secret is empty"),
        (gopacs("gopacs.secret", "lost.secret"), "lost.secret"),
        (gopacs(secret, "client_secret = \"hush\""), "unknown field `client_secret`"),
        (gopacs("https://broker", "broker"), "uftp.discovery.gopacs.broker"),
        (gopacs(secret, &format!("{secret}\nroles = []")), "uftp.discovery.gopacs.roles"),
        (dns("trust_anchor_file = \"lost.key\""), "lost.key"),
        (dns("trust_anchor_file = \"wrong.key\""), "no usable DNSKEY records"),
        (dns("dnssec = false\ntrust_anchor_file = \"wrong.key\""), "has no use without dnssec"),
        (dns("timeout = \"0s\""), "longer than 0"),
    ];
    for (said, expected) in refused {
        let said = said.unwrap_err().to_string();
        assert!(said.contains(expected), "{expected}: {said}");
    }
    // Whoever is looked up need not be named.
    let elsewhere = AGR.replacen("dso = \"dso.example.com\"", "dso = \"b.example.com\"", 1);
    let found = elsewhere.replacen("[agr]", "[uftp.discovery.dns]\nservers = [\"127.0.0.1:53\"]\n[agr]", 1);
    Config::parse(&found, directory.path()).unwrap();
}

#[test]
fn what_a_grid_operator_registers_is_complete() {
    let directory = directory();
    let key = "JUO5L/EJVRFHatyDadtt3JM2ZaEZeN2hQE7hBmypVZ0=";
    let cro = format!(
        "[uftp.cro]\ndomain = \"cro.example.com\"\n\n[[uftp.peer]]\ndomain = \"cro.example.com\"\nrole = \"CRO\"\n\
         endpoint = \"http://127.0.0.1/\"\npublic_keys = [\"{key}\"]\n\n[[uftp.peer]]"
    );
    let registering = DSO.replacen("[[uftp.peer]]", &cro, 1);
    let said = refusal(&registering, directory.path());
    assert!(said.contains("ean.871685900012345678: needs day_ahead_redispatch_by"), "{said}");
    let complete =
        registering.replacen("aggregators =", "day_ahead_redispatch_by = \"AGR\"\naggregators =", 1);
    Config::parse(&complete, directory.path()).unwrap();
    let empty = complete.replacen("connections = [\"ean.871685900012345001\"]", "connections = []", 1);
    let said = refusal(&empty, directory.path());
    assert!(said.contains("ean.871685900012345678: has no connection"), "{said}");
}
