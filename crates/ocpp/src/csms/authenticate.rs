//! Who may connect: a port that the application implements.

use std::collections::BTreeMap;
use std::future::Future;
use std::net::SocketAddr;

use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, ready};
use zeroize::Zeroizing;

use super::Credentials;
use crate::{Identity, Tolerance, Version};

/// Decides who may connect, before the connection is upgraded.
///
/// An async function or closure from [`Attempt`] to [`Verdict`] is one.
pub trait Authenticate: Send + Sync + 'static {
    /// The verdict on an attempt.
    fn authenticate(&self, attempt: Attempt) -> BoxFuture<'_, Verdict>;
}

impl<F, Deciding> Authenticate for F
where
    F: Fn(Attempt) -> Deciding + Send + Sync + 'static,
    Deciding: Future<Output = Verdict> + Send + 'static,
{
    fn authenticate(&self, attempt: Attempt) -> BoxFuture<'_, Verdict> {
        self(attempt).boxed()
    }
}

/// A charging station that wants to connect.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Attempt {
    /// Who it says it is, by the address it connects to.
    pub identity: Identity,
    /// The version that the session will have; `None` if there is none in common, so that it will be closed at once.
    pub version: Option<Version>,
    /// What it proves itself with. The user name is not yet compared with the identity.
    pub credentials: Credentials,
    /// Its network address, where it is known.
    pub remote_address: Option<SocketAddr>,
    /// What the layers below attached to the request, such as the `tieline_edge::PeerIdentity` with its TLS client
    /// certificate.
    pub extensions: http::Extensions,
}

/// What becomes of an [`Attempt`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Verdict {
    /// It may connect.
    Accepted(Admission),
    /// There is no such charging station: HTTP 404.
    Unknown,
    /// It did not prove who it is: HTTP 401.
    Rejected,
    /// That cannot be decided now: HTTP 503, so that it tries again.
    Unavailable,
}

impl Verdict {
    /// It may connect and is treated strictly.
    pub fn accepted() -> Self {
        Self::Accepted(Admission::default())
    }
}

/// How an accepted charging station is treated.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Admission {
    /// What is forgiven to it; by default what the [`Csms`](super::Csms) forgives to all.
    pub tolerance: Option<Tolerance>,
    /// What handlers find in the extensions of every message of this session, and others in those of the
    /// [`Peer`](crate::Peer): for example the application's own record of the charging station.
    pub extensions: http::Extensions,
}

impl Admission {
    /// The same admission with this tolerance.
    pub fn with_tolerance(mut self, tolerance: Tolerance) -> Self {
        self.tolerance = Some(tolerance);
        self
    }

    /// The same admission with one more thing for handlers to find.
    pub fn with_extension<T: Clone + Send + Sync + 'static>(mut self, value: T) -> Self {
        self.extensions.insert(value);
        self
    }
}

/// Accepts every charging station without a proof, for closed networks and tests.
#[derive(Clone, Copy, Debug, Default)]
pub struct Anyone;

impl Authenticate for Anyone {
    fn authenticate(&self, _: Attempt) -> BoxFuture<'_, Verdict> {
        ready(Verdict::accepted()).boxed()
    }
}

/// Accepts a fixed set of charging stations by their passwords.
#[derive(Clone, Default)]
pub struct Passwords(BTreeMap<String, Zeroizing<Vec<u8>>>);

impl Passwords {
    /// Nobody.
    pub fn new() -> Self {
        Self::default()
    }

    /// One more charging station. The password is compared octet by octet: for a 1.6 station it is the
    /// `AuthorizationKey` itself, not its hexadecimal text.
    pub fn with(mut self, identity: impl Into<String>, password: impl Into<Vec<u8>>) -> Self {
        self.0.insert(identity.into(), Zeroizing::new(password.into()));
        self
    }

    fn verdict(&self, attempt: &Attempt) -> Verdict {
        let Some(password) = self.0.get(attempt.identity.as_str()) else { return Verdict::Unknown };
        match &attempt.credentials {
            Credentials::Basic(basic)
                if basic.is_user(attempt.identity.as_str()) && basic.is_password(password) =>
            {
                Verdict::accepted()
            }
            _ => Verdict::Rejected,
        }
    }
}

impl Authenticate for Passwords {
    fn authenticate(&self, attempt: Attempt) -> BoxFuture<'_, Verdict> {
        ready(self.verdict(&attempt)).boxed()
    }
}

impl std::fmt::Debug for Passwords {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Passwords").field(&self.0.len()).finish()
    }
}
