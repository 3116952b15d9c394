use std::future::Future;
use std::pin::Pin;

use tieline_ocpp::csms::{self, Attempt, Authenticate, Verdict};
use tracing::{info, warn};

use crate::context::Context;
use crate::roster::{Listed, Proven, Roster};

/// Lets in the chargers of the roster: with their password and their certificate where they have them.
#[derive(Debug)]
pub(crate) struct Admission {
    pub(crate) context: Context,
    pub(crate) roster: Roster,
}

impl Admission {
    async fn verdict(&self, attempt: &Attempt) -> Verdict {
        let identity = attempt.identity.as_str();
        let verdict = match self.roster.get(identity) {
            None => Verdict::Unknown,
            Some(listed) => self.verdict_on(&listed, attempt).await,
        };
        if !matches!(verdict, Verdict::Accepted(_)) {
            warn!(charger = identity, remote = ?attempt.remote_address, verdict = ?verdict, "a charger was not let in");
        }
        verdict
    }

    async fn verdict_on(&self, listed: &Listed, attempt: &Attempt) -> Verdict {
        let identity = &listed.charger.identity;
        if !self.roster.is_protected_enough(listed) {
            warn!(charger = identity, "its security profile demands TLS, and the listener has none");
            return Verdict::Rejected;
        }
        if let Some(certificate) = self.roster.certificate(listed)
            && !matches!(certificate.authenticate(attempt.clone()).await, Verdict::Accepted(_))
        {
            return Verdict::Rejected;
        }
        match listed.prove(&attempt.credentials) {
            Proven::No => return Verdict::Rejected,
            Proven::Yes => {}
            Proven::ByNext => {
                info!(charger = identity, "it has its new password; the one before is not valid any more");
                if let Err(cause) = self.roster.promote(&self.context, listed).await {
                    warn!(charger = identity, %cause, "both of its passwords stay valid");
                }
            }
        }
        Verdict::Accepted(csms::Admission::default().with_tolerance(listed.charger.tolerance.clone()))
    }
}

impl Authenticate for Admission {
    fn authenticate(&self, attempt: Attempt) -> Pin<Box<dyn Future<Output = Verdict> + Send + '_>> {
        Box::pin(async move { self.verdict(&attempt).await })
    }
}
