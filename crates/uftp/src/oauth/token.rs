//! What the authorization server answers.

use std::time::Duration;

use http::{HeaderValue, StatusCode};
use serde::Deserialize;

use super::OAuthError;

/// No token lives longer than this, whatever is said.
const LONGEST_LIFE: Duration = Duration::from_hours(24);

/// How many characters of a refusal are kept.
const MOST_OF_CAUSE: usize = 300;

/// A token as it goes into a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Token {
    /// `Authorization`, marked as sensitive: `Debug` does not show it.
    pub(super) header: HeaderValue,
    /// How long it may be used, if that was said.
    pub(super) life: Option<Duration>,
}

/// RFC 6749, 5.1.
#[derive(Deserialize)]
struct Answer {
    access_token: String,
    token_type: String,
    expires_in: Option<Seconds>,
}

/// Some servers write the number as a text.
#[derive(Deserialize)]
#[serde(untagged)]
enum Seconds {
    Number(u64),
    Text(String),
}

/// RFC 6749, 5.2.
#[derive(Deserialize)]
struct Refusal {
    error: String,
    error_description: Option<String>,
}

impl Refusal {
    /// What it says, as it can stand in a log.
    fn said(self) -> String {
        let text = match self.error_description {
            Some(description) => format!("{}: {description}", self.error),
            None => self.error,
        };
        text.chars().filter(|character| !character.is_control()).take(MOST_OF_CAUSE).collect()
    }
}

impl Token {
    /// The token in an answer.
    pub(super) fn read(status: StatusCode, body: &[u8]) -> Result<Self, OAuthError> {
        if status != StatusCode::OK {
            let said = serde_json::from_slice(body).ok().map(|refusal: Refusal| refusal.said());
            return Err(OAuthError::Refused { status, said });
        }
        // The message of a JSON error may repeat what was read, and that is a secret.
        let answer: Answer = serde_json::from_slice(body)
            .map_err(|_| unusable("it is no JSON object with access_token and token_type"))?;
        if !answer.token_type.eq_ignore_ascii_case("bearer") {
            return Err(unusable("its token_type is not Bearer"));
        }
        let mut header = HeaderValue::from_str(&format!("Bearer {}", answer.access_token))
            .map_err(|_| unusable("its access_token can't stand in a header"))?;
        header.set_sensitive(true);
        let life = match answer.expires_in {
            None => None,
            Some(Seconds::Number(seconds)) => Some(seconds),
            Some(Seconds::Text(text)) => {
                Some(text.trim().parse().map_err(|_| unusable("its expires_in is no number of seconds"))?)
            }
        };
        Ok(Self { header, life: life.map(|seconds| Duration::from_secs(seconds).min(LONGEST_LIFE)) })
    }
}

fn unusable(cause: &str) -> OAuthError {
    OAuthError::Unusable(cause.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &str) -> Result<Token, OAuthError> {
        Token::read(StatusCode::OK, body.as_bytes())
    }

    #[test]
    fn a_token_is_read_with_its_life() {
        let token =
            read(r#"{"access_token":"abc","token_type":"bearer","expires_in":300,"scope":"x","new":{}}"#)
                .unwrap();
        assert_eq!(
            (token.header.to_str().unwrap(), token.life),
            ("Bearer abc", Some(Duration::from_mins(5)))
        );
        assert!(!format!("{token:?}").contains("abc"));
        let life = |expires: &str| {
            read(&format!(r#"{{"access_token":"a","token_type":"Bearer","expires_in":{expires}}}"#))
                .unwrap()
                .life
        };
        assert_eq!(life(r#""60""#), Some(Duration::from_mins(1)));
        assert_eq!(life("null"), None);
        assert_eq!(life("99999999999"), Some(LONGEST_LIFE));
    }

    #[test]
    fn what_is_no_token_is_refused_and_not_repeated() {
        for body in [
            "",
            "[]",
            r#"{"access_token":"s3cret"}"#,
            r#"{"access_token":"s3cret","token_type":"mac"}"#,
            r#"{"access_token":"s3cret\n","token_type":"Bearer"}"#,
            r#"{"access_token":"s3cret","token_type":"Bearer","expires_in":"soon"}"#,
            r#"{"access_token":"s3cret","token_type":"Bearer","expires_in":-1}"#,
        ] {
            let refused = read(body).unwrap_err();
            assert!(matches!(refused, OAuthError::Unusable(_)), "{body}");
            assert!(!refused.to_string().contains("s3cret"), "{refused}");
        }
    }

    #[test]
    fn a_refusal_says_what_the_server_said() {
        let body = br#"{"error":"invalid_client","error_description":"who?"}"#;
        let refused = Token::read(StatusCode::UNAUTHORIZED, body).unwrap_err();
        assert_eq!(
            refused.to_string(),
            "the authorization server answered 401 Unauthorized: invalid_client: who?"
        );
        let refused = Token::read(StatusCode::BAD_GATEWAY, b"<html>").unwrap_err();
        assert_eq!(refused.to_string(), "the authorization server answered 502 Bad Gateway");
    }
}
