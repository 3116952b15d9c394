use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

/// Whom a [`DnsResolver`](super::DnsResolver) asks and what it believes.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DnsConfig {
    /// The name servers to ask, which answer for the whole tree (recursion). Default: those of the machine
    /// (`/etc/resolv.conf` on Unix).
    pub servers: Vec<SocketAddr>,
    /// Whether answers are validated. Default: true. Without it every answer is
    /// [`Proof::Indeterminate`](super::Proof::Indeterminate).
    pub dnssec: bool,
    /// A file of DNSKEY records, one a line as in a zone file, of which at least one signs the keys of its zone. They
    /// are trusted in place of those of the root that come with the program.
    pub trust_anchor: Option<PathBuf>,
    /// How long one attempt may take. Default: 3 seconds.
    pub attempt_timeout: Duration,
    /// How often a name server that does not answer is asked again. Default: once.
    pub retries: usize,
    /// How long a question may take, with everything that must be asked to validate its answer. Default: 10 seconds.
    pub timeout: Duration,
}

impl Default for DnsConfig {
    fn default() -> Self {
        Self {
            servers: Vec::new(),
            dnssec: true,
            trust_anchor: None,
            attempt_timeout: Duration::from_secs(3),
            retries: 1,
            timeout: Duration::from_secs(10),
        }
    }
}

impl DnsConfig {
    /// The same with these name servers.
    pub fn with_servers(mut self, servers: Vec<SocketAddr>) -> Self {
        self.servers = servers;
        self
    }

    /// The same with these keys in place of those of the root.
    pub fn with_trust_anchor(mut self, file: impl Into<PathBuf>) -> Self {
        self.trust_anchor = Some(file.into());
        self
    }

    /// The same without validation.
    pub fn without_dnssec(mut self) -> Self {
        self.dnssec = false;
        self
    }

    /// The same with other time-outs: of one attempt, and of a question in all.
    pub fn with_timeouts(mut self, attempt: Duration, question: Duration) -> Self {
        (self.attempt_timeout, self.timeout) = (attempt, question);
        self
    }
}
