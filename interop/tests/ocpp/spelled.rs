//! Spellings that JSON leaves open: numbers and texts that say the same in other ways.

use serde_json::Value;
use tieline_ocpp::Version;

use crate::raw::{Link, Ours};
use crate::same::difference;

/// Sends this measured value to our CSMS, and returns what its handler had, or the CALLERROR.
async fn measured(link: &mut Link, value: &str) -> Result<String, String> {
    link.book.set_answer("{}");
    let sampled = format!(r#"[{{"timestamp":"2026-06-01T10:00:00Z","sampledValue":[{{"value":{value}}}]}}]"#);
    let request = format!(r#"{{"evseId":1,"meterValue":{sampled}}}"#);
    let answer = link.raw.exchange(&format!(r#"[2,"1","MeterValues",{request}]"#)).await;
    match &*link.book.take() {
        [noted] => difference(&request, &noted.request).map_or(Ok(value.to_owned()), Err),
        _ => Err(answer.to_string()),
    }
}

#[tokio::test]
async fn numbers_are_exact_decimals() {
    let spelled = [
        "0",
        "-0",
        "0.0",
        "-0.0",
        "1.50",
        "21.4",
        "0.1",
        "-999999.999999",
        "1e3",
        "1E+3",
        "15e-1",
        "2.5E-3",
        "230.00000",
        "123456789.123456",
        "1234567890123.45",
        "0.000000000001",
    ];
    for version in [Version::V2_0_1, Version::V2_1] {
        let mut link = Link::open(Ours::Csms, version).await;
        for value in spelled {
            assert_eq!(measured(&mut link, value).await.as_deref(), Ok(value), "OCPP {version}");
        }
        for value in ["01", "+1", ".5", "1.", "0x10", "NaN", "Infinity", "1e999"] {
            let refused = measured(&mut link, value).await.expect_err(value);
            assert!(refused.starts_with("[4,"), "OCPP {version}: {value}: {refused}");
        }
    }
}

/// An integer has 32 bits, no fraction and no exponent (2.x Part 2, primitive datatypes).
#[tokio::test]
async fn integers_are_whole() {
    let mut link = Link::open(Ours::Csms, Version::V2_0_1).await;
    link.book.set_answer("{}");
    for (value, code) in [
        ("2147483647", None),
        ("-2147483648", None),
        ("2147483648", Some("PropertyConstraintViolation")),
        ("-2147483649", Some("PropertyConstraintViolation")),
        ("99999999999999999999", Some("TypeConstraintViolation")),
        ("1.0", Some("TypeConstraintViolation")),
        ("1e0", Some("TypeConstraintViolation")),
    ] {
        let value = format!(
            r#"{{"evseId":{value},"connectorId":1,"connectorStatus":"Occupied","timestamp":"2026-06-01T10:00:00Z"}}"#
        );
        let answer = link.raw.exchange(&format!(r#"[2,"1","StatusNotification",{value}]"#)).await;
        let refused = (answer.kind() == "4").then(|| answer.text(2));
        assert_eq!(refused.as_deref(), code, "{value}: {answer}");
    }
}

/// What our station's handler has for this date-time, or the code that it is refused with.
async fn expiry(link: &mut Link, version: Version, time: &str) -> Result<String, String> {
    let (member, rest) = if version == Version::V1_6 {
        ("expiryDate", r#""idTag":"1","connectorId":1,"reservationId":1"#)
    } else {
        ("expiryDateTime", r#""id":1,"idToken":{"idToken":"1","type":"Central"}"#)
    };
    let request = format!(r#"{{"{member}":"{time}",{rest}}}"#);
    link.book.set_answer(r#"{"status":"Accepted"}"#);
    let answer = link.raw.exchange(&format!(r#"[2,"1","ReserveNow",{request}]"#)).await;
    let [noted] = &*link.book.take() else { return Err(answer.text(2)) };
    let noted: Value = serde_json::from_str(&noted.request).expect("it is JSON");
    Ok(noted[member].as_str().expect("a text").to_owned())
}

#[tokio::test]
async fn date_times_have_an_offset() {
    for version in [Version::V1_6, Version::V2_0_1, Version::V2_1] {
        let mut link = Link::open(Ours::Station, version).await;
        for (time, instant) in [
            ("2026-06-01T10:00:00Z", "2026-06-01T10:00:00Z"),
            ("2026-06-01t10:00:00z", "2026-06-01T10:00:00Z"),
            ("2026-06-01T10:00:00.123456789-00:00", "2026-06-01T10:00:00.123456789Z"),
            ("2026-06-01T10:00:00.1+23:59", "2026-05-31T10:01:00.1Z"),
            ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z"),
            // A leap second is the end of the second before it.
            ("2016-12-31T23:59:60Z", "2016-12-31T23:59:59Z"),
            // ISO 8601 allows more than RFC 3339. Nothing is in doubt, so it is understood.
            ("2026-06-01T10:00:00,5+02", "2026-06-01T08:00:00.5Z"),
            ("2026-06-01T10:00Z", "2026-06-01T10:00:00Z"),
            ("20260601T100000Z", "2026-06-01T10:00:00Z"),
            ("2026-06-01 10:00:00Z", "2026-06-01T10:00:00Z"),
        ] {
            assert_eq!(
                expiry(&mut link, version, time).await.as_deref(),
                Ok(instant),
                "OCPP {version}: {time}"
            );
        }
        for time in [
            "2026-06-01T10:00:00",
            "2026-06-01 10:00:00",
            "2026-06-01T24:00:01Z",
            "2026-02-29T10:00:00Z",
            "2026-06-01T10:00:00+25:00:00:00",
            "2026-06-01Z",
            "2026-06-01",
            "1780308000",
            "now",
            "",
        ] {
            let refused = Err("PropertyConstraintViolation".to_owned());
            assert_eq!(expiry(&mut link, version, time).await, refused, "OCPP {version}: {time}");
        }
    }
}

#[tokio::test]
async fn texts_may_be_escaped() {
    for (version, protocol) in [(Version::V1_6, "v16"), (Version::V2_0_1, "v201"), (Version::V2_1, "v21")] {
        let mut link = Link::open(Ours::Csms, version).await;
        link.book.set_answer(r#"{"status":"Accepted"}"#);
        let request = r#" { "vendor\u0049d" : "\u00e9\ud83d\ude00\/\t" , "messageId":"\"" } "#;
        let answer = link.raw.exchange(&format!("[2 , \"1\", \"\\u0044ataTransfer\",\n{request}]")).await;
        assert_eq!(
            (answer.kind(), answer.0[2].get()),
            ("3", r#"{"status":"Accepted"}"#),
            "{protocol}: {answer}"
        );
        let noted = link.book.take();
        let expected = r#"{"vendorId":"é😀/\t","messageId":"\""}"#;
        assert_eq!(difference(expected, &noted[0].request), None, "{protocol}");
    }
}
