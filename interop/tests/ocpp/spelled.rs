//! Spellings that JSON leaves open: numbers and texts that say the same in other ways.

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
