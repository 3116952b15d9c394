//! Where a participant takes messages.

use std::fmt;
use std::str::FromStr;

use http::Uri;

/// The path of the convention: `/shapeshifter/api/v3/message`.
pub const MESSAGE_PATH: &str = "/shapeshifter/api/v3/message";

/// The address to which messages for a participant are posted: an absolute `https` or `http` URI.
///
/// ```
/// use tieline_uftp::Endpoint;
///
/// let endpoint: Endpoint = "https://dso.example.com/shapeshifter/api/v3/message".parse()?;
/// assert_eq!(endpoint.uri().host(), Some("dso.example.com"));
/// # Ok::<(), tieline_uftp::InvalidEndpoint>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Endpoint(Uri);

impl Endpoint {
    /// The address.
    pub fn uri(&self) -> &Uri {
        &self.0
    }
}

impl FromStr for Endpoint {
    type Err = InvalidEndpoint;

    fn from_str(text: &str) -> Result<Self, InvalidEndpoint> {
        let uri: Uri = text.trim().parse().map_err(|_| InvalidEndpoint)?;
        let web = matches!(uri.scheme_str(), Some("https" | "http"));
        let has_user = uri.authority().is_some_and(|authority| authority.as_str().contains('@'));
        if web && !has_user && uri.host().is_some_and(|host| !host.is_empty()) {
            Ok(Self(uri))
        } else {
            Err(InvalidEndpoint)
        }
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The text is no address to post to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected an absolute https or http address without user name")]
pub struct InvalidEndpoint;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_absolute_web_addresses() {
        for good in ["https://a.nl/x", "http://127.0.0.1:8080/", "https://a.nl"] {
            assert!(good.parse::<Endpoint>().is_ok(), "{good}");
        }
        for bad in ["", "/x", "a.nl", "ftp://a.nl/x", "https://", "https://me:secret@a.nl/x", "https://a b/"]
        {
            assert!(bad.parse::<Endpoint>().is_err(), "{bad}");
        }
    }
}
