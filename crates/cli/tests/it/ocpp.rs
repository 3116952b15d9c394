//! `tieline ocpp`, from outside.

use std::io::Write as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tieline_interop::free_port;
use tieline_ocpp::client::ChargingStation;
use tieline_ocpp::{CallError, Ocpp, Peer, Version, v201};
use tieline_service::{Call, Router};

use crate::{keys, text, tieline, write_secret};

/// The exit code, and what is printed for each line.
fn validate(arguments: &[&str], lines: &[&str]) -> (Option<i32>, Vec<String>) {
    let mut tieline = Command::new(env!("CARGO_BIN_EXE_tieline"))
        .args(["ocpp", "validate"])
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = tieline.stdin.take().unwrap();
    for line in lines {
        writeln!(input, "{line}").unwrap();
    }
    drop(input);
    let output = tieline.wait_with_output().unwrap();
    let printed = String::from_utf8(output.stdout).unwrap();
    (output.status.code(), printed.lines().map(str::to_owned).collect())
}

#[test]
fn payloads_are_written_anew_or_refused_with_code_and_place() {
    let lines = [
        r#"{ "idTag": "24782" }"#,
        r#"{"idTag": "012345678901234567890"}"#,
        r#"{"idTag": 7}"#,
        "{}",
        r#"{"idTag": "24782", "colour": "red"}"#,
        r#"{"idTag": "24782""#,
    ];
    let (code, printed) = validate(&["--version", "1.6", "--type", "AuthorizeRequest"], &lines);
    assert_eq!(code, Some(3));
    let expected = [
        r#"{"idTag":"24782"}"#,
        "PropertyConstraintViolation /idTag (maxLength 20 exceeded (got 21 characters))",
        "TypeConstraintViolation /idTag (invalid type: integer `7`, expected a string)",
        "ProtocolError (missing field `idTag`)",
        "FormationViolation /colour (the member is not defined)",
        "FormationViolation (EOF while parsing an object at line 1 column 17)",
    ];
    assert_eq!(printed, expected);
    let (code, printed) = validate(
        &["--version", "1.6", "--type", "Authorize", "--tolerance", "undefined_members"],
        &lines[4..5],
    );
    assert_eq!((code, &*printed[0]), (Some(0), r#"{"idTag":"24782"}"#));
}

#[test]
fn responses_and_messages_that_are_never_answered_have_types_too() {
    let response = r#"{"currentTime":"2026-06-01T10:00:00.1234567Z"}"#;
    for version in ["1.6", "2.0.1", "2.1"] {
        let (code, printed) = validate(&["--version", version, "--type", "HeartbeatResponse"], &[response]);
        assert_eq!((code, &*printed[0]), (Some(0), response), "{version}");
    }
    let event = r#"{"data":[{"t":0.5,"v":"7"}],"id":1,"pending":0,"basetime":"2026-06-01T12:00:00Z"}"#;
    let (code, printed) = validate(&["--version", "2.1", "--type", "NotifyPeriodicEventStream"], &[event]);
    assert_eq!((code, &*printed[0]), (Some(0), event));
    let (code, printed) = validate(&["--version", "2.0.1", "--type", "NotifyPeriodicEventStream"], &[event]);
    assert_eq!((code, printed.len()), (Some(1), 0), "2.0.1 has no such message");
}

#[test]
fn frames_are_written_anew_or_answered() {
    let lines = [
        r#"[2, "1", "Heartbeat", {}]"#,
        r#"[2,"2","Hartbeat",{}]"#,
        r#"[2,"3","Authorize",{"idToken":{"idToken":"x"}}]"#,
        r#"[3,"4",{"status": "Accepted"}]"#,
        r#"[4,"5","OccurenceConstraintViolation"]"#,
        r#"[2,7,"Heartbeat",{}]"#,
        r#"[9,"8",{}]"#,
        "nonsense",
    ];
    let (code, printed) = validate(&["--version", "2.0.1"], &lines);
    assert_eq!(code, Some(3));
    assert_eq!(printed[0], r#"[2,"1","Heartbeat",{}]"#);
    assert!(printed[1].starts_with(r#"[4,"2","NotImplemented","#), "{}", printed[1]);
    assert!(printed[2].starts_with(r#"[4,"3","OccurrenceConstraintViolation","#), "{}", printed[2]);
    assert!(printed[2].contains(r#""path":"/idToken""#), "{}", printed[2]);
    assert_eq!(printed[3], r#"[3,"4",{"status": "Accepted"}]"#, "what it answers is not known");
    assert_eq!(printed[4], r#"[4,"5","OccurrenceConstraintViolation","",{}]"#);
    assert!(printed[5].starts_with(r#"[4,"-1","RpcFrameworkError","#), "{}", printed[5]);
    assert!(printed[6].starts_with(r#"[4,"-1","MessageTypeNotSupported","#), "{}", printed[6]);
    assert!(printed[7].starts_with(r#"[4,"-1","RpcFrameworkError","#), "{}", printed[7]);
    let (_, printed) = validate(&["--version", "2.1"], &lines[6..7]);
    assert!(printed[0].starts_with("ignored: MessageTypeNotSupported"), "{}", printed[0]);
}

/// A node, killed when it is dropped.
struct Running(Child);

impl Running {
    /// The aggregator of the documentation, with chargers at this port.
    fn start(directory: &Path, port: u16) -> Self {
        let example = include_str!("../../../../docs/examples/agr.toml");
        let config = example
            .replace("127.0.0.1:9000", &format!("127.0.0.1:{port}"))
            .replace("127.0.0.1:8081", &format!("127.0.0.1:{}", free_port().unwrap()));
        std::fs::write(directory.join("agr.toml"), config).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_tieline"));
        command.args(["run", "--config", "agr.toml"]).current_dir(directory);
        Self(command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

async fn on_clear(_: Call<v201::ClearCacheRequest>) -> v201::ClearCacheResponse {
    v201::ClearCacheResponse::new(v201::ClearCacheStatus::Accepted)
}

async fn on_unlock(
    _: Call<v201::UnlockConnectorRequest>,
) -> Result<v201::UnlockConnectorResponse, CallError> {
    Err(CallError::security("the door is guarded"))
}

/// A charger that is there as soon as the node is.
async fn charger(port: u16) -> Peer {
    let station =
        ChargingStation::new(&format!("ws://127.0.0.1:{port}/ocpp"), "CP-1", [Version::V2_0_1]).unwrap();
    let mut tries = 0;
    let session = loop {
        let router = Router::<Ocpp, ()>::new().on(on_clear).on(on_unlock).with_state(());
        match station.connect(router).await {
            Ok(session) => break session,
            Err(_) if tries < 400 => tries += 1,
            Err(error) => panic!("{error}"),
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    let csms = session.peer().clone();
    tokio::spawn(session.run());
    let boot = v201::BootNotificationRequest::new(
        v201::ChargingStation::new("Opti\u{1b}[31mmus", "Takara"),
        v201::BootReason::PowerUp,
    );
    csms.call(boot).await.unwrap();
    csms
}

#[tokio::test(flavor = "multi_thread")]
async fn chargers_are_listed_shown_and_called() {
    let directory = tempfile::tempdir().unwrap();
    write_secret(&directory.path().join("agr.key"), &keys().0);
    let port = free_port().unwrap();
    let node = Running::start(directory.path(), port);
    let data = directory.path().join("agr-data");
    let data = data.to_str().unwrap().to_owned();
    let ocpp = move |arguments: &[&str]| tieline(&[&["ocpp"], arguments, &["--data", &data]].concat());
    let csms = charger(port).await;
    let ocpp = tokio::task::spawn_blocking(move || {
        let called = ocpp(&["call", "CP-1", "ClearCache"]);
        assert_eq!((called.status.code(), text(&called.stdout)), (Some(0), "{\"status\":\"Accepted\"}\n"));
        let refused = ocpp(&["call", "CP-1", "UnlockConnector", "{\"evseId\":1,\"connectorId\":1}"]);
        assert_eq!(refused.status.code(), Some(3), "{}", text(&refused.stderr));
        assert!(text(&refused.stderr).contains("the door is guarded"));
        let wrong = ocpp(&["call", "CP-1", "UnlockConnector", "{\"evseId\":1}"]);
        assert_eq!(wrong.status.code(), Some(1));
        assert!(text(&wrong.stderr).contains("OccurrenceConstraintViolation"), "{}", text(&wrong.stderr));
        let unknown = ocpp(&["call", "CP-1", "GetConfiguration"]);
        assert!(text(&unknown.stderr).contains("OCPP 2.0.1 has no message"), "{}", text(&unknown.stderr));
        let listed = ocpp(&["list"]);
        let line = text(&listed.stdout).lines().find(|line| line.starts_with("CP-1")).unwrap().to_owned();
        assert!(
            line.contains("2.0.1") && line.contains("connected") && line.contains("Takara Opti"),
            "{line}"
        );
        assert!(!line.contains('\u{1b}'), "a charger does not speak to the terminal");
        let later = ocpp(&["call", "CP-2", "ClearCache", "--valid", "1h", "--no-wait"]);
        let shown = ocpp(&["show", "CP-2"]);
        assert!(text(&shown.stdout).contains(text(&later.stdout).trim()), "{}", text(&shown.stdout));
        assert!(text(&shown.stdout).contains("waits"));
        let shown = ocpp(&["show", "CP-1"]);
        assert!(text(&shown.stdout).contains("answered"), "{}", text(&shown.stdout));
        assert!(text(&shown.stdout).contains("  units: unknown"), "{}", text(&shown.stdout));
        ocpp
    })
    .await
    .unwrap();
    drop(csms);
    drop(node);
    // Without a node it waits, and says so.
    let expired = ocpp(&["call", "CP-1", "ClearCache", "--valid", "1s"]);
    assert_eq!(expired.status.code(), Some(4));
    assert!(text(&expired.stderr).contains("no node runs"), "{}", text(&expired.stderr));
}

#[tokio::test(flavor = "multi_thread")]
async fn chargers_are_added_listed_given_passwords_and_removed() {
    let directory = tempfile::tempdir().unwrap();
    write_secret(&directory.path().join("agr.key"), &keys().0);
    let port = free_port().unwrap();
    let node = Running::start(directory.path(), port);
    let data = directory.path().join("agr-data");
    let data = data.to_str().unwrap();
    let ocpp = |arguments: &[&str]| tieline(&[&["ocpp"], arguments, &["--data", data]].concat());
    let supply = ["--connection", "ean.871685900012345001", "--phases", "3", "--maximum-current", "32"];
    let add = |identity: &str, more: &[&str]| {
        ocpp(&[&["add", identity], &supply[..], &["--unit", "W"], more].concat())
    };
    // As soon as the node is there.
    for _ in 0..400 {
        if text(&ocpp(&["list"]).stdout).contains("CP-2") {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let refused = add("CP-1", &[]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(text(&refused.stderr).contains("CP-1 is in the node's file"), "{}", text(&refused.stderr));
    let added = add("CP-7", &[]);
    assert_eq!(added.status.code(), Some(0), "{}", text(&added.stderr));
    let printed: Vec<&str> = text(&added.stdout).lines().collect();
    let made = printed[0].strip_prefix("password ").unwrap();
    assert_eq!(made.len(), 20);
    assert_eq!(printed[1].strip_prefix("AuthorizationKey ").unwrap().len(), 40);

    let password = directory.path().join("password");
    write_secret(&password, made);
    let connects = async |password: &str| {
        let url = format!("ws://127.0.0.1:{port}/ocpp");
        let station = ChargingStation::new(&url, "CP-7", [Version::V2_0_1]).unwrap().with_password(password);
        let router = Router::<Ocpp, ()>::new().with_state(());
        station.connect(router).await.map(drop)
    };
    // The node was woken, and heeds it within a moment.
    for _ in 0..400 {
        if connects(made).await.is_ok() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    connects(made).await.unwrap();
    connects("something else 00").await.unwrap_err();

    let short = directory.path().join("short");
    write_secret(&short, "too short");
    let refused = ocpp(&["password", "CP-7", "--password-file", short.to_str().unwrap()]);
    assert!(text(&refused.stderr).contains("16 to 40 octets"), "{}", text(&refused.stderr));
    let changed = ocpp(&["password", "CP-7", "--password-file", password.to_str().unwrap()]);
    assert_eq!((changed.status.code(), text(&changed.stdout)), (Some(0), ""));
    let open = add("CP-8", &["--security-profile", "0"]);
    assert_eq!((open.status.code(), text(&open.stdout)), (Some(0), ""), "{}", text(&open.stderr));
    let listed = ocpp(&["list"]);
    let line = |identity: &str| {
        let found = text(&listed.stdout).lines().find(|line| line.starts_with(identity));
        found.unwrap_or_default().split_whitespace().take(3).map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(line("CP-1"), ["CP-1", "file", "ean.871685900012345001"]);
    assert_eq!(line("CP-7"), ["CP-7", "store", "ean.871685900012345001"]);
    assert!(text(&listed.stdout).contains("never came"), "{}", text(&listed.stdout));

    assert_eq!(ocpp(&["remove", "CP-8"]).status.code(), Some(0));
    let again = ocpp(&["remove", "CP-8"]);
    assert!(text(&again.stderr).contains("CP-8 is not in the store"), "{}", text(&again.stderr));
    drop(node);
}

#[test]
fn a_simulated_charger_plays_its_scenario_against_a_node() {
    let directory = tempfile::tempdir().unwrap();
    write_secret(&directory.path().join("agr.key"), &keys().0);
    let port = free_port().unwrap();
    let _node = Running::start(directory.path(), port);
    let scenario = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/examples/charger.toml");
    let url = format!("ws://127.0.0.1:{port}/ocpp");
    let state = directory.path().join("charger");
    let arguments = ["ocpp", "charger", "--url", &url, "--identity", "CP-1", "--version", "2.0.1"];
    let files = ["--scenario", scenario.to_str().unwrap(), "--state", state.to_str().unwrap()];
    let played = tieline(&[&arguments[..], &files].concat());
    assert_eq!(played.status.code(), Some(0), "{}", text(&played.stderr));
    let lines: Vec<serde_json::Value> =
        text(&played.stdout).lines().map(|line| serde_json::from_str(line).expect(line)).collect();
    let said = |action: &str| -> Vec<&serde_json::Value> {
        lines.iter().filter(|line| line[1] == "out" && line[2] == action).map(|line| &line[3]).collect()
    };
    assert_eq!(said("BootNotification").len(), 1);
    let boot = lines.iter().find(|line| line[1] == "in" && line[2] == "BootNotification").unwrap();
    assert_eq!(boot[3]["status"], "Accepted");
    let events: Vec<_> = said("TransactionEvent")
        .iter()
        .map(|event| format!("{} {}", event["eventType"], event["triggerReason"]).replace('"', ""))
        .collect();
    assert_eq!(events.first().unwrap(), "Started Authorized", "{events:?}");
    assert_eq!(
        events.iter().filter(|event| *event == "Updated ChargingStateChanged").count(),
        2,
        "{events:?}"
    );
    assert_eq!(events.last().unwrap(), "Ended EVCommunicationLost", "{events:?}");
    assert!(said("StatusNotification").iter().any(|status| status["connectorStatus"] == "Occupied"));
    assert_eq!(said("Heartbeat").len(), 2);
    // All was delivered, and is remembered.
    assert!(state.join("state.json").exists());
    assert_eq!(
        std::fs::read_to_string(state.join("messages.jsonl")).unwrap().matches("\"push\"").count(),
        events.len()
    );

    let wrong = directory.path().join("wrong.toml");
    std::fs::write(&wrong, "[[step]]\ndo = 'explode'").unwrap();
    let refused = tieline(&[&arguments[..], &["--scenario", wrong.to_str().unwrap()]].concat());
    assert_eq!(refused.status.code(), Some(1));
    assert!(text(&refused.stderr).contains("explode"), "{}", text(&refused.stderr));
}
