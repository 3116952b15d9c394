//! What has become of a message that was posted.

use std::time::Duration;

use http::header::{DATE, RETRY_AFTER};
use http::{HeaderMap, StatusCode};
use jiff::fmt::rfc2822;

/// Nobody waits longer for a peer than this.
const LONGEST_PAUSE: Duration = Duration::from_hours(24);

/// The result of one attempt to deliver a message (3.x, appendix on transport).
///
/// An attempt that may have reached the peer and one that has not look alike: a message is repeated byte for
/// byte, and its recipient drops what it has.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Delivery {
    /// The peer has it and has kept it.
    Delivered,
    /// Not now; a later attempt may succeed.
    Temporary {
        /// What happened, for the log.
        cause: String,
        /// How long the peer asks us to wait.
        retry_after: Option<Duration>,
    },
    /// Never: the peer says that this message is wrong.
    Permanent {
        /// What the peer answered.
        status: StatusCode,
        /// What it said about it.
        cause: String,
    },
}

impl Delivery {
    /// What an answer means.
    ///
    /// Delivered is 200, and any other 2xx, since repeating what a peer has taken helps nobody. A 4xx is
    /// permanent, but for those that say «not now» or that a wrong configuration gives: 404, 408, 419, 425 and
    /// 429. All else, 5xx and what nobody knows, is temporary.
    pub fn of_answer(status: StatusCode, headers: &HeaderMap, text: &str) -> Self {
        if status.is_success() {
            return Self::Delivered;
        }
        let text = text.trim();
        let cause = if text.is_empty() { status.to_string() } else { format!("{status}: {text}") };
        let later = matches!(status.as_u16(), 404 | 408 | 419 | 425 | 429);
        if status.is_client_error() && !later {
            Self::Permanent { status, cause }
        } else {
            Self::Temporary { cause, retry_after: retry_after(headers) }
        }
    }

    /// Whether another attempt may succeed.
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Temporary { .. })
    }
}

/// `Retry-After`: seconds, or an instant, which is compared with the answer's own `Date`.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    let pause = if let Ok(seconds) = text.parse() {
        Duration::from_secs(seconds)
    } else {
        let now = rfc2822::parse(headers.get(DATE)?.to_str().ok()?).ok()?.timestamp();
        let then = rfc2822::parse(text).ok()?.timestamp();
        Duration::try_from(then.duration_since(now)).unwrap_or(Duration::ZERO)
    };
    Some(pause.min(LONGEST_PAUSE))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16) -> Delivery {
        Delivery::of_answer(StatusCode::from_u16(status).unwrap(), &HeaderMap::new(), " why ")
    }

    #[test]
    fn each_status_has_its_meaning() {
        for status in [200, 202, 204] {
            assert_eq!(answer(status), Delivery::Delivered);
        }
        for status in [302, 404, 408, 419, 429, 500, 502, 503, 524, 599, 999] {
            assert!(answer(status).is_retryable(), "{status}");
        }
        for status in [400, 401, 403, 405, 411, 413, 415] {
            assert!(
                matches!(answer(status), Delivery::Permanent { status: s, .. } if s == status),
                "{status}"
            );
        }
    }

    #[test]
    fn the_cause_is_what_the_peer_said() {
        let Delivery::Permanent { cause, .. } = answer(400) else { panic!() };
        assert_eq!(cause, "400 Bad Request: why");
    }

    #[test]
    fn a_pause_is_seconds_or_an_instant() {
        let pause = |after: &str, date: Option<&str>| {
            let mut headers = HeaderMap::new();
            headers.insert(RETRY_AFTER, after.parse().unwrap());
            if let Some(date) = date {
                headers.insert(DATE, date.parse().unwrap());
            }
            retry_after(&headers)
        };
        let date = Some("Wed, 03 Jun 2026 14:30:00 GMT");
        assert_eq!(pause("120", None), Some(Duration::from_mins(2)));
        assert_eq!(pause("99999999", None), Some(LONGEST_PAUSE));
        assert_eq!(pause("Wed, 03 Jun 2026 14:31:30 GMT", date), Some(Duration::from_secs(90)));
        assert_eq!(pause("Wed, 03 Jun 2026 14:00:00 GMT", date), Some(Duration::ZERO));
        assert_eq!(pause("Wed, 03 Jun 2026 14:31:30 GMT", None), None);
        assert_eq!(pause("soon", date), None);
    }
}
