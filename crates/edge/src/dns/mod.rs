//! Questions to the domain name system, with DNSSEC.
//!
//! [`Questions`] is the port; [`DnsResolver`] asks the name servers it is given, or those of the machine, and validates the
//! answers itself, up to its own trust anchors: a name server is not believed when it says that it has validated.
//! Nothing is kept: what an answer may be used for, and how long, is its asker's to say by [`DnsAnswer::ttl`].
//!
//! ```no_run
//! # async fn ask() -> Result<(), Box<dyn std::error::Error>> {
//! use tieline_edge::dns::{DnsConfig, DnsResolver, Found, Questions as _};
//!
//! let resolver = DnsResolver::new(&DnsConfig::default())?;
//! let answer = resolver.txt("_usef.example.com").await?;
//! if let Found::Records(records) = &answer.found {
//!     println!("{} ({}, for {:?})", records[0].text(), answer.proof, answer.ttl);
//! }
//! # Ok(())
//! # }
//! ```

mod answer;
mod config;
mod error;
mod resolver;

use std::future::Future;

pub use answer::{DnsAnswer, Found, Proof, TxtRecord};
pub use config::DnsConfig;
pub use error::DnsError;
pub use resolver::DnsResolver;

/// The domain name system, as a port. Names are absolute, with or without the final dot.
pub trait Questions: Send + Sync + 'static {
    /// The TXT records of `name`, at the end of its aliases.
    fn txt(&self, name: &str) -> impl Future<Output = Result<DnsAnswer<TxtRecord>, DnsError>> + Send;

    /// The name that `name` is an alias for: at most one, without the final dot, in lower case. It is not followed further.
    fn cname(&self, name: &str) -> impl Future<Output = Result<DnsAnswer<String>, DnsError>> + Send;
}

impl<Q: Questions> Questions for std::sync::Arc<Q> {
    fn txt(&self, name: &str) -> impl Future<Output = Result<DnsAnswer<TxtRecord>, DnsError>> + Send {
        Q::txt(self, name)
    }

    fn cname(&self, name: &str) -> impl Future<Output = Result<DnsAnswer<String>, DnsError>> + Send {
        Q::cname(self, name)
    }
}
