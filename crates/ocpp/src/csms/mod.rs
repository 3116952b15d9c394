//! The CSMS's side: an HTTP service that charging stations connect to.

mod authenticate;
mod certificates;
mod credentials;
mod endpoint;
mod password_hash;
pub(crate) mod path;

pub use authenticate::{Admission, Anyone, Attempt, Authenticate, Passwords, Verdict};
pub use certificates::Certificates;
pub use credentials::{Basic, Credentials};
pub use endpoint::{Builder, Csms};
pub use password_hash::{InvalidPasswordHash, PasswordHash, SALT_LENGTH};
