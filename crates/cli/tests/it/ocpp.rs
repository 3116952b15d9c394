//! `tieline ocpp`, from outside.

use std::io::Write as _;
use std::process::{Command, Stdio};

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
    let event = r#"{"id":1,"pending":0,"basetime":"2026-06-01T12:00:00Z","data":[{"t":0.5,"v":"7"}]}"#;
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
