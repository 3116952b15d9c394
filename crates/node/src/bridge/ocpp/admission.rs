use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;

use tieline_ocpp::Tolerance;
use tieline_ocpp::csms::{self, Attempt, Authenticate, Credentials, Verdict};
use tracing::warn;

use crate::config::OcppConfig;

/// Lets in the configured chargers: with their password where they have one.
pub(crate) struct Admission(BTreeMap<String, Known>);

struct Known {
    password: Option<Vec<u8>>,
    tolerance: Tolerance,
}

impl Admission {
    pub(crate) fn of(config: &OcppConfig) -> Self {
        let known = |charger: &crate::config::ChargerConfig| Known {
            password: charger.password.clone().map(String::into_bytes),
            tolerance: charger.tolerance.clone(),
        };
        Self(config.chargers.iter().map(|charger| (charger.identity.clone(), known(charger))).collect())
    }

    fn verdict(&self, attempt: &Attempt) -> Verdict {
        let identity = attempt.identity.as_str();
        let verdict = match self.0.get(identity) {
            None => Verdict::Unknown,
            Some(known) if known.is_proven(identity, &attempt.credentials) => known.admitted(),
            Some(_) => Verdict::Rejected,
        };
        if !matches!(verdict, Verdict::Accepted(_)) {
            warn!(charger = identity, remote = ?attempt.remote_address, verdict = ?verdict, "a charger was not let in");
        }
        verdict
    }
}

impl Known {
    fn is_proven(&self, identity: &str, credentials: &Credentials) -> bool {
        match (&self.password, credentials) {
            (None, _) => true,
            (Some(password), Credentials::Basic(basic)) => {
                basic.is_user(identity) && (basic.is_password(password) || basic.is_hexadecimal_of(password))
            }
            (Some(_), _) => false,
        }
    }

    fn admitted(&self) -> Verdict {
        Verdict::Accepted(csms::Admission::default().with_tolerance(self.tolerance.clone()))
    }
}

impl Authenticate for Admission {
    fn authenticate(&self, attempt: Attempt) -> Pin<Box<dyn Future<Output = Verdict> + Send + '_>> {
        Box::pin(std::future::ready(self.verdict(&attempt)))
    }
}
