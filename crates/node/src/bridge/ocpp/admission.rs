use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;

use tieline_ocpp::csms::{Attempt, Authenticate, Credentials, Verdict};
use tracing::warn;

use crate::config::OcppConfig;

/// Lets in the configured chargers: with their password where they have one.
pub(crate) struct Admission(BTreeMap<String, Option<Vec<u8>>>);

impl Admission {
    pub(crate) fn of(config: &OcppConfig) -> Self {
        let password =
            |charger: &crate::config::ChargerConfig| charger.password.clone().map(String::into_bytes);
        Self(config.chargers.iter().map(|charger| (charger.identity.clone(), password(charger))).collect())
    }

    fn verdict(&self, attempt: &Attempt) -> Verdict {
        let identity = attempt.identity.as_str();
        let verdict = match (self.0.get(identity), &attempt.credentials) {
            (None, _) => Verdict::Unknown,
            (Some(None), _) => Verdict::accepted(),
            (Some(Some(password)), Credentials::Basic(basic))
                if basic.is_user(identity)
                    && (basic.is_password(password) || basic.is_hexadecimal_of(password)) =>
            {
                Verdict::accepted()
            }
            (Some(Some(_)), _) => Verdict::Rejected,
        };
        if !matches!(verdict, Verdict::Accepted(_)) {
            warn!(charger = identity, remote = ?attempt.remote_address, verdict = ?verdict, "a charger was not let in");
        }
        verdict
    }
}

impl Authenticate for Admission {
    fn authenticate(&self, attempt: Attempt) -> Pin<Box<dyn Future<Output = Verdict> + Send + '_>> {
        Box::pin(std::future::ready(self.verdict(&attempt)))
    }
}
