/// Why there is no answer to a question. All but [`InvalidName`](Self::InvalidName) may pass with time.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DnsError {
    /// No name of the domain name system: labels of 1 to 63 bytes, 255 in all.
    #[error("{0:?} is no name of the domain name system")]
    InvalidName(String),
    /// The answer is not the one that its zone has signed: somebody has changed it, signatures have expired, or the zone is
    /// set up wrongly.
    #[error("DNSSEC: the answer for {0} is bogus")]
    Bogus(String),
    /// No name server answered in time.
    #[error("no name server answered in time for {0}")]
    Timeout(String),
    /// The name servers cannot answer, and say so: SERVFAIL, REFUSED and the like. A name server that validates says
    /// SERVFAIL of what is bogus, too.
    #[error("the name server answered {code} for {name}")]
    Refused {
        /// The question's name.
        name: String,
        /// The response code, as it is called.
        code: String,
    },
    /// The answer is none to the question.
    #[error("the answer for {name} is of no use: {cause}")]
    Unusable {
        /// The question's name.
        name: String,
        /// What is wrong with it.
        cause: String,
    },
    /// No name server could be reached.
    #[error("no name server can be reached for {name}: {cause}")]
    Unreachable {
        /// The question's name.
        name: String,
        /// What happened.
        cause: String,
    },
}

impl DnsError {
    /// Whether the same question may be answered later.
    pub fn is_retryable(&self) -> bool {
        !matches!(self, Self::InvalidName(_))
    }
}
