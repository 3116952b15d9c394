use std::fmt;
use std::time::Duration;

use zeroize::Zeroizing;

use crate::Endpoint;

/// A client's secret. `Debug` does not show it, and it is wiped from memory when dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// The secret that this text is.
    pub fn new(text: impl Into<String>) -> Self {
        Self(Zeroizing::new(text.into()))
    }

    pub(super) fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// What a [`TokenSource`](super::TokenSource) asks for, of whom and in whose name.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ClientCredentials {
    /// The token endpoint of the authorization server.
    pub token_endpoint: Endpoint,
    /// Who we are to it.
    pub client_id: String,
    /// Our secret.
    pub client_secret: Secret,
    /// `scope`: what we ask to be allowed, if that must be said.
    pub scope: Option<String>,
    /// `audience`: for whom the token is meant, if that must be said.
    pub audience: Option<String>,
    /// How long before its end a token is replaced, but no more than half its life. Default: 60 seconds.
    pub renew_before: Duration,
    /// The life of a token whose answer does not say it. Default: 60 seconds.
    pub default_life: Duration,
    /// How long after a failure the authorization server is left alone. Default: 5 seconds.
    pub pause_after_failure: Duration,
    /// How much of an answer is read, in bytes. Default: 64 KiB.
    pub answer_bytes: usize,
}

impl ClientCredentials {
    /// These credentials with the defaults for all else.
    pub fn new(token_endpoint: Endpoint, client_id: impl Into<String>, client_secret: Secret) -> Self {
        Self {
            token_endpoint,
            client_id: client_id.into(),
            client_secret,
            scope: None,
            audience: None,
            renew_before: Duration::from_mins(1),
            default_life: Duration::from_mins(1),
            pause_after_failure: Duration::from_secs(5),
            answer_bytes: 64 * 1024,
        }
    }

    /// The fields of the form that is posted: the secret goes in it, too (RFC 6749, 2.3.1).
    pub(super) fn form(&self) -> Vec<(&'static str, &str)> {
        let mut form = vec![
            ("grant_type", "client_credentials"),
            ("client_id", self.client_id.as_str()),
            ("client_secret", self.client_secret.reveal()),
        ];
        form.extend(self.scope.as_deref().map(|scope| ("scope", scope)));
        form.extend(self.audience.as_deref().map(|audience| ("audience", audience)));
        form
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_no_secret() {
        let endpoint = "https://auth.example.com/token".parse().unwrap();
        let shown = format!("{:?}", ClientCredentials::new(endpoint, "me", Secret::new("hush")));
        assert!(shown.contains("\"me\"") && !shown.contains("hush"), "{shown}");
    }
}
