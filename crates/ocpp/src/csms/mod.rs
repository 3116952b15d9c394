//! The CSMS's side: an HTTP service that charging stations connect to.

mod authenticate;
mod credentials;
mod endpoint;
pub(crate) mod path;

pub use authenticate::{Admission, Anyone, Attempt, Authenticate, Passwords, Verdict};
pub use credentials::{Basic, Credentials};
pub use endpoint::{Builder, Csms};
