//! OAuth 2.0 for outgoing requests: the client credentials grant (RFC 6749, 4.4), with which markets let participants in.

mod credentials;
mod error;
mod token;
mod token_source;

pub use credentials::{ClientCredentials, Secret};
pub use error::OAuthError;
pub use token_source::TokenSource;
