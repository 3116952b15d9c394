use http::StatusCode;

/// Why there is no token, or no answer to a request that needs one.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OAuthError {
    /// The authorization server refuses; mostly credentials or scope are wrong.
    #[error("the authorization server answered {status}{}", said.as_deref().map(|said| format!(": {said}")).unwrap_or_default())]
    Refused {
        /// What it answered.
        status: StatusCode,
        /// Its `error` and `error_description`, if it said them.
        said: Option<String>,
    },
    /// The authorization server's answer is no token that can be used.
    #[error("the authorization server's answer is of no use: {0}")]
    Unusable(String),
    /// There is no answer, of the authorization server or to the request itself.
    #[error("no answer: {0}")]
    NoAnswer(String),
}

impl OAuthError {
    /// Whether the same may succeed later without a change of the settings.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Refused { status, .. } => {
                !status.is_client_error()
                    || matches!(*status, StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT)
            }
            Self::Unusable(_) => false,
            Self::NoAnswer(_) => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrong_credentials_are_not_tried_again() {
        let refused =
            |status, said: Option<&str>| OAuthError::Refused { status, said: said.map(str::to_owned) };
        let wrong = refused(StatusCode::UNAUTHORIZED, Some("invalid_client"));
        assert!(!wrong.is_retryable());
        assert_eq!(wrong.to_string(), "the authorization server answered 401 Unauthorized: invalid_client");
        assert!(refused(StatusCode::SERVICE_UNAVAILABLE, None).is_retryable());
        assert!(refused(StatusCode::TOO_MANY_REQUESTS, None).is_retryable());
    }
}
