//! Secrets in what an operator asks of chargers.

use serde_json::Value;
use zeroize::Zeroizing;

/// What stands where a secret was.
const REDACTED: &str = "…";

/// The password that a request gives to a charger, as the octets that the charger will prove itself with:
/// `ChangeConfiguration` of `AuthorizationKey`, which is written in hexadecimal digits (Security Whitepaper §3.1), or `SetVariables` of
/// `SecurityCtrlr.BasicAuthPassword` (2.x A01).
pub(crate) fn new_password(action: &str, payload: &str) -> Option<Zeroizing<Vec<u8>>> {
    let request: Value = serde_json::from_str(payload).ok()?;
    match action {
        "ChangeConfiguration" if is_authorization_key(&request) => {
            request.get("value")?.as_str().map(key_octets)
        }
        "SetVariables" => {
            let variables = request.get("setVariableData")?.as_array()?;
            let password = variables.iter().find(|variable| is_password_variable(variable))?;
            Some(Zeroizing::new(password.get("attributeValue")?.as_str()?.as_bytes().to_vec()))
        }
        _ => None,
    }
}

/// Whether a charger's answer says that it has taken the password of such a request.
pub(crate) fn is_taken(action: &str, response: &str) -> bool {
    let Ok(response) = serde_json::from_str::<Value>(response) else { return false };
    let is_accepted = |status: Option<&Value>| {
        status.and_then(Value::as_str).is_some_and(|status| ["Accepted", "RebootRequired"].contains(&status))
    };
    if action == "ChangeConfiguration" {
        return is_accepted(response.get("status"));
    }
    let results = response.get("setVariableResult").and_then(Value::as_array);
    results.is_some_and(|results| {
        results
            .iter()
            .any(|result| is_password_variable(result) && is_accepted(result.get("attributeStatus")))
    })
}

/// A request without its secrets.
pub(crate) fn redacted(payload: &str) -> String {
    let Ok(mut request) = serde_json::from_str::<Value>(payload) else { return REDACTED.to_owned() };
    if redact(&mut request) { request.to_string() } else { payload.to_owned() }
}

fn redact(value: &mut Value) -> bool {
    let secret_member = if is_authorization_key(value) {
        Some("value")
    } else if is_password_variable(value) {
        Some("attributeValue")
    } else {
        None
    };
    let mut has_secret = false;
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                let is_secret = secret_member == Some(name.as_str())
                    || (member.is_string() && name.to_ascii_lowercase().ends_with("password"));
                if is_secret {
                    *member = Value::from(REDACTED);
                    has_secret = true;
                } else {
                    has_secret |= redact(member);
                }
            }
        }
        Value::Array(items) => {
            for item in items {
                has_secret |= redact(item);
            }
        }
        _ => {}
    }
    has_secret
}

fn is_authorization_key(request: &Value) -> bool {
    names(request.get("key"), "AuthorizationKey")
}

fn is_password_variable(variable: &Value) -> bool {
    let name_of = |member: &str| variable.get(member).and_then(|member| member.get("name"));
    names(name_of("component"), "SecurityCtrlr") && names(name_of("variable"), "BasicAuthPassword")
}

/// Keys and names are compared without case (1.6 §9, 2.x Part 1 §4.1).
fn names(value: Option<&Value>, name: &str) -> bool {
    value.and_then(Value::as_str).is_some_and(|text| text.eq_ignore_ascii_case(name))
}

/// What is no hexadecimal text a charger can only take as it is.
fn key_octets(text: &str) -> Zeroizing<Vec<u8>> {
    let digit = |octet: &u8| char::from(*octet).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let octet = |pair: &[u8]| match pair {
        [high, low] => Some(digit(high)? << 4 | digit(low)?),
        _ => None,
    };
    let octets: Option<Vec<u8>> = text.as_bytes().chunks(2).map(octet).collect();
    Zeroizing::new(octets.unwrap_or_else(|| text.as_bytes().to_vec()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = r#"{"key":"AuthorizationKey","value":"000102fF"}"#;
    const VARIABLES: &str = r#"{"setVariableData":[{"attributeValue":"7","component":{"name":"X"},"variable":{"name":"Y"}},
        {"attributeValue":"open sesame 4711","component":{"name":"securityCtrlr"},"variable":{"name":"BasicAuthPassword"}}]}"#;

    #[test]
    fn new_passwords_are_found_in_both_forms() {
        assert_eq!(new_password("ChangeConfiguration", KEY).unwrap().as_slice(), [0, 1, 2, 0xFF]);
        let text = KEY.replace("000102fF", "plain text");
        assert_eq!(new_password("ChangeConfiguration", &text).unwrap().as_slice(), b"plain text");
        assert_eq!(new_password("SetVariables", VARIABLES).unwrap().as_slice(), b"open sesame 4711");
        assert!(new_password("ChangeConfiguration", r#"{"key":"HeartbeatInterval","value":"7"}"#).is_none());
        assert!(new_password("SetVariables", "{").is_none() && new_password("Reset", KEY).is_none());
    }

    #[test]
    fn no_secret_is_left_and_nothing_else_is_changed() {
        for payload in [KEY, VARIABLES, r#"{"connectionData":{"basicAuthPassword":"open sesame 4711"}}"#] {
            let shown = redacted(payload);
            assert!(
                shown.contains(REDACTED) && !shown.contains("4711") && !shown.contains("0102"),
                "{shown}"
            );
        }
        assert!(redacted(VARIABLES).contains(r#""attributeValue":"7""#));
        assert_eq!(redacted("{ \"type\": \"Hard\" }"), "{ \"type\": \"Hard\" }");
        assert_eq!(redacted("no JSON"), REDACTED);
    }

    #[test]
    fn an_answer_says_whether_the_password_was_taken() {
        assert!(is_taken("ChangeConfiguration", r#"{"status":"Accepted"}"#));
        assert!(is_taken("ChangeConfiguration", r#"{"status":"RebootRequired"}"#));
        assert!(!is_taken("ChangeConfiguration", r#"{"status":"Rejected"}"#));
        let result = |status: &str| {
            format!(
                r#"{{"setVariableResult":[{{"attributeStatus":"Accepted","component":{{"name":"X"}},"variable":{{"name":"Y"}}}},
                {{"attributeStatus":"{status}","component":{{"name":"SecurityCtrlr"}},"variable":{{"name":"BasicAuthPassword"}}}}]}}"#
            )
        };
        assert!(is_taken("SetVariables", &result("Accepted")));
        assert!(!is_taken("SetVariables", &result("Rejected")));
    }
}
