use tieline_store::{ChangeSet, StoreError};
use tieline_uftp::service::{Processed, Work as Kept};
use tieline_uftp::{Decision, Rejected, RejectionReason, Undecided};

/// The change set of the message that is being handled; a handler adds to it, and the decision commits it.
pub(crate) type Work = Kept<ChangeSet>;

/// Adds to the change set of the message that is being handled.
pub(super) fn keep(work: &Work, changes: ChangeSet) {
    work.change(|all| all.append(changes));
}

/// Why a handler does not accept: the peer's mistake, or our trouble.
#[derive(Debug)]
pub(crate) enum Verdict {
    Rejected(Rejected),
    Undecided(StoreError),
}

impl From<RejectionReason> for Verdict {
    fn from(reason: RejectionReason) -> Self {
        Self::Rejected(reason.into())
    }
}

impl From<Rejected> for Verdict {
    fn from(rejected: Rejected) -> Self {
        Self::Rejected(rejected)
    }
}

impl From<StoreError> for Verdict {
    fn from(failure: StoreError) -> Self {
        Self::Undecided(failure)
    }
}

impl From<Verdict> for Decision {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Rejected(rejected) => rejected.into(),
            Verdict::Undecided(failure) => undecided(&failure).into(),
        }
    }
}

impl From<Verdict> for Processed {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Rejected(_) => Self::Done,
            Verdict::Undecided(failure) => Self::Undecided(undecided(&failure)),
        }
    }
}

/// What the store can't do now is tried again; what is a mistake of ours would be the same mistake.
fn undecided(failure: &StoreError) -> Undecided {
    Undecided { cause: failure.to_string(), retry: !matches!(failure, StoreError::Misuse(_)) }
}
