//! What HTTP servers answer us.

use std::error::Error;
use std::fmt::Write as _;

/// The body, if it is not longer than `most` bytes.
pub(crate) async fn read_body(answer: &mut reqwest::Response, most: usize) -> Result<Vec<u8>, String> {
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(|error| cause_of(&error))? {
        if chunk.len() > most - body.len() {
            return Err(format!("the answer is longer than {most} bytes"));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// An error with its causes.
pub(crate) fn cause_of(error: &reqwest::Error) -> String {
    let mut cause = error.to_string();
    let mut source = error.source();
    while let Some(deeper) = source {
        // Writing to a string cannot fail.
        let _ = write!(cause, ": {deeper}");
        source = deeper.source();
    }
    cause
}
