use http::StatusCode;
use tieline_edge::dns::{DnsError, Proof};
use tieline_types::Domain;

use super::UnknownVersion;
use crate::KeyError;
use crate::oauth::OAuthError;
use crate::server::AddressBookError;

/// Why a participant could not be looked up. It may pass with time: the participant corrects what it has published, or the
/// network is there again.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DiscoveryError {
    /// The domain name system gave no answer.
    #[error(transparent)]
    Dns(#[from] DnsError),
    /// DNSSEC is demanded, and does not prove the answer.
    #[error("the answer for {name} is not proved by DNSSEC: it is {proof}")]
    NotProved {
        /// The question's name.
        name: String,
        /// What DNSSEC says of it.
        proof: Proof,
    },
    /// There are TXT records, and none has a key in it.
    #[error("no TXT record of {name} has a key that begins with cs1.")]
    NoKeys {
        /// The name that has keys.
        name: String,
    },
    /// What is published is no key.
    #[error("{name} has a key that can't be used: {cause}")]
    Key {
        /// The name that has keys.
        name: String,
        /// What is wrong.
        cause: KeyError,
    },
    /// One key is published, or two while it changes: nobody needs more.
    #[error("{name} has {found} keys; at most two are allowed")]
    TooManyKeys {
        /// The name that has keys.
        name: String,
        /// How many different ones there are.
        found: usize,
    },
    /// The version of the protocol is not published, without which there is no address.
    #[error("{name} has no TXT record with the version of the protocol")]
    NoVersion {
        /// The name that has the version.
        name: String,
    },
    /// What is published is no version.
    #[error("{name} has no version that is known: {cause}")]
    Version {
        /// The name that has the version.
        name: String,
        /// What is wrong.
        cause: UnknownVersion,
    },
    /// The aliases lead back to one of them.
    #[error("the aliases of {name} go in a circle")]
    AliasLoop {
        /// The first of them.
        name: String,
    },
    /// There are more aliases than are followed.
    #[error("{name} leads through more than {most} aliases")]
    TooManyAliases {
        /// The first of them.
        name: String,
        /// How many are followed.
        most: usize,
    },
    /// The aliases end at a name that no host can have.
    #[error("{name} is an alias for {end}, which is no name of a host")]
    NoHost {
        /// The first of them.
        name: String,
        /// Where they end.
        end: String,
    },
    /// The address book demands a token, and there is none.
    #[error("the address book can't be asked: {0}")]
    OAuth(#[from] OAuthError),
    /// The address book's answer is neither a participant nor that there is none.
    #[error("the address book answered {0}")]
    Status(StatusCode),
    /// The address book's answer can't be read.
    #[error("the address book's answer is of no use: {0}")]
    Unusable(String),
    /// The address book answered with another participant.
    #[error("the address book was asked for {asked} and answered {answered}")]
    OtherParticipant {
        /// Who was asked for.
        asked: Domain,
        /// Who was in the answer.
        answered: String,
    },
    /// As many look-ups as may be are under way.
    #[error("too many look-ups are under way")]
    Busy,
    /// The look-up ended without a result; a defect, or the end of the process.
    #[error("the look-up was broken off")]
    BrokenOff,
}

impl DiscoveryError {
    /// Whether the same look-up may succeed later.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Dns(error) => error.is_retryable(),
            _ => true,
        }
    }
}

impl From<DiscoveryError> for AddressBookError {
    fn from(error: DiscoveryError) -> Self {
        Self(Box::new(error))
    }
}
