//! Whether two texts are the same JSON: members in any order, texts as they are, date-times as instants, numbers as exact decimals.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde_json::value::RawValue;

/// Where the second text is not as the first, as a JSON pointer, and what stands there.
pub(crate) fn difference(expected: &str, got: &str) -> Option<String> {
    differ(expected, got, &mut String::new())
}

fn differ(expected: &str, got: &str, path: &mut String) -> Option<String> {
    if expected == got {
        return None;
    }
    let complain = |path: &str| Some(format!("at {path:?}: {} became {}", cut(expected), cut(got)));
    match (first(expected), first(got)) {
        ('{', '{') => {
            let (expected, mut got) = (members(expected), members(got));
            for (name, value) in expected {
                let Some(other) = got.remove(&name) else {
                    return Some(format!("at {path:?}: {name} is lost: {}", cut(value.get())));
                };
                let length = path.len();
                path.push('/');
                path.push_str(&name);
                let found = differ(value.get(), other.get(), path);
                path.truncate(length);
                if found.is_some() {
                    return found;
                }
            }
            got.first_key_value().map(|(name, _)| format!("at {path:?}: {name} was added"))
        }
        ('[', '[') => {
            let (expected_items, got_items) = (items(expected), items(got));
            if expected_items.len() != got_items.len() {
                return complain(path);
            }
            expected_items.iter().zip(&got_items).enumerate().find_map(|(index, (expected, got))| {
                differ(expected.get(), got.get(), &mut format!("{path}/{index}"))
            })
        }
        ('"', '"') => (!is_same_text(&text(expected), &text(got))).then(|| complain(path)).flatten(),
        ('-' | '0'..='9', '-' | '0'..='9') => {
            (number(expected) != number(got)).then(|| complain(path)).flatten()
        }
        _ => (expected.trim() != got.trim()).then(|| complain(path)).flatten(),
    }
}

fn cut(text: &str) -> String {
    text.chars().take(200).collect()
}

fn first(text: &str) -> char {
    text.trim_start().chars().next().unwrap_or(' ')
}

fn members(text: &str) -> BTreeMap<String, Box<RawValue>> {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

fn items(text: &str) -> Vec<Box<RawValue>> {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

fn text(text: &str) -> String {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// Date-times are the same if they are the same instant: how an instant is spelled is not part of its type, which writes UTC.
fn is_same_text(expected: &str, got: &str) -> bool {
    let instant = |text: &str| text.parse::<Timestamp>().ok();
    expected == got || instant(expected).is_some_and(|expected| instant(got) == Some(expected))
}

fn number(text: &str) -> Decimal {
    let text = text.trim();
    let read = if text.contains(['e', 'E']) {
        Decimal::from_scientific(text)
    } else {
        Decimal::from_str_exact(text)
    };
    read.unwrap_or_else(|error| panic!("{error}: {text}"))
}

#[test]
fn order_and_spelling_make_no_difference() {
    assert_eq!(difference(r#"{"a": 1.50, "b": ["\u00e9", null]}"#, r#"{"b":["é",null],"a":1.5}"#), None);
    assert_eq!(difference("1e3", "1000"), None);
    assert_eq!(difference(r#""2026-06-01T12:00:00.50+02:00""#, r#""2026-06-01T10:00:00.5Z""#), None);
}

#[test]
fn differences_are_found() {
    for (expected, got) in [
        (r#"{"a":1}"#, "{}"),
        ("{}", r#"{"a":1}"#),
        (r#"{"a":[1,2]}"#, r#"{"a":[1]}"#),
        (r#"{"a":[1,2]}"#, r#"{"a":[1,3]}"#),
        ("0.1", "0.10000000000000001"),
        (r#""2026-06-01T10:00:00Z""#, r#""2026-06-01T10:00:00.001Z""#),
        (r#""2026-06-01T10:00:00Z""#, r#""2026-06-01T10:00:00+02:00""#),
        ("null", "{}"),
        ("true", "false"),
        ("1", r#""1""#),
    ] {
        assert!(difference(expected, got).is_some(), "{expected} and {got}");
    }
}
