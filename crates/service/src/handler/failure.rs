use std::error::Error;
use std::fmt;

use crate::BoxError;

/// The error of a handler that could not do its work, for reasons that are not the peer's business.
///
/// Any error becomes one by `?`. The log gets the error; the peer gets the protocol's answer to
/// [`Fault::Failed`](crate::Fault::Failed). To refuse a message for a reason that the peer should know, return a
/// protocol's own error instead.
///
/// ```
/// use tieline_service::echo::{Said, Say};
/// use tieline_service::{Call, Failure};
///
/// async fn on_say(Call(say): Call<Say>) -> Result<Said, Failure> {
///     let number: u32 = say.text.parse()?;
///     Ok(Said(format!("the number {number}")))
/// }
/// ```
pub struct Failure(BoxError);

impl Failure {
    /// A failure for this reason; a text will do.
    pub fn new(error: impl Into<BoxError>) -> Self {
        Self(error.into())
    }

    /// The reason.
    pub fn into_inner(self) -> BoxError {
        self.0
    }
}

impl<E: Error + Send + Sync + 'static> From<E> for Failure {
    fn from(error: E) -> Self {
        Self(Box::new(error))
    }
}

impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}
