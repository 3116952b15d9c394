//! Who wants to see our own calls.

use std::sync::Arc;

use serde_json::value::RawValue;

use super::CallFailure;

/// Sees every call that a side makes on its own, and its answer: for a console, a recorder, a test.
///
/// Payloads may have secrets in them (`AuthorizationKey`, `BasicAuthPassword`): they do not belong in a log.
pub trait CallObserver: Send + Sync + 'static {
    /// A request waits to be written.
    fn calling(&self, action: &str, payload: &RawValue);

    /// It has been answered, or failed.
    fn called(&self, action: &str, result: Result<&RawValue, &CallFailure>);
}

/// The observer of a session, among its extensions.
#[derive(Clone)]
pub(crate) struct Observed(pub(crate) Arc<dyn CallObserver>);
