//! The CSMS's side: an HTTP service that charging stations connect to.

mod authenticate;
mod certificates;
mod credentials;
mod endpoint;
pub(crate) mod path;

pub use authenticate::{Admission, Anyone, Attempt, Authenticate, Passwords, Verdict};
pub use certificates::Certificates;
pub use credentials::{Basic, Credentials};
pub use endpoint::{Builder, Csms};
