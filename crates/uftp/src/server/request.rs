//! Reading an HTTP request down to its bytes.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Buf as _, Bytes, BytesMut};
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderMap, Method};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::Refusal;

/// Checks what stands before the body.
pub(super) fn check_head(
    method: &Method,
    headers: &HeaderMap,
    most: usize,
    application_xml: bool,
) -> Result<(), Refusal> {
    if method != Method::POST {
        return Err(Refusal::Method);
    }
    let length = headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    let length = length.ok_or(Refusal::LengthRequired)?;
    let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    if !content_type.is_some_and(|value| is_xml(value, application_xml)) {
        return Err(Refusal::ContentType);
    }
    if usize::try_from(length).map_or(true, |length| length > most) {
        return Err(Refusal::TooLarge(most));
    }
    Ok(())
}

/// Bytes of bodies that may be held at a time, whoever posts them: nobody has shown by then who he is.
#[derive(Debug, Clone)]
pub(super) struct Room {
    left: Arc<Semaphore>,
    retry_after: Duration,
}

impl Room {
    pub(super) fn of(bytes: usize, retry_after: Duration) -> Self {
        Self { left: Arc::new(Semaphore::new(bytes.min(Semaphore::MAX_PERMITS))), retry_after }
    }

    /// Takes room for what has arrived; what was only announced takes none.
    fn take(&self, bytes: usize) -> Result<OwnedSemaphorePermit, Refusal> {
        let busy = || Refusal::Busy { retry_after: self.retry_after };
        let bytes = u32::try_from(bytes).map_err(|_| busy())?;
        Arc::clone(&self.left).try_acquire_many_owned(bytes).map_err(|_| busy())
    }
}

/// A body, and the room that it takes as long as this is held.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) bytes: Bytes,
    pub(super) _room: OwnedSemaphorePermit,
}

/// Reads the body, up to `most` bytes and for at most `time`.
pub(super) async fn read_body<B>(body: B, most: usize, time: Duration, room: &Room) -> Result<Held, Refusal>
where
    B: http_body::Body,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    tokio::time::timeout(time, read(body, most, room)).await.unwrap_or(Err(Refusal::TooSlow))
}

async fn read<B>(body: B, most: usize, room: &Room) -> Result<Held, Refusal>
where
    B: http_body::Body,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let mut body = pin!(Limited::new(body, most));
    let mut bytes = BytesMut::new();
    let mut taken = room.take(0)?;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| {
            if error.is::<LengthLimitError>() { Refusal::TooLarge(most) } else { Refusal::Incomplete }
        })?;
        if let Ok(mut data) = frame.into_data() {
            taken.merge(room.take(data.remaining())?);
            while data.has_remaining() {
                let chunk = data.chunk();
                bytes.extend_from_slice(chunk);
                let length = chunk.len();
                data.advance(length);
            }
        }
    }
    Ok(Held { bytes: bytes.freeze(), _room: taken })
}

/// `text/xml`, and `application/xml` if that is forgiven, in UTF-8 or without a word about it.
fn is_xml(content_type: &str, application_xml: bool) -> bool {
    let mut parts = content_type.split(';').map(str::trim);
    let media = parts.next().unwrap_or_default();
    let is_media = media.eq_ignore_ascii_case("text/xml")
        || (application_xml && media.eq_ignore_ascii_case("application/xml"));
    is_media
        && parts.filter_map(|parameter| parameter.split_once('=')).all(|(name, value)| {
            let value = value.trim().trim_matches('"');
            !name.trim().eq_ignore_ascii_case("charset")
                || ["utf-8", "utf8", "us-ascii"].iter().any(|known| value.eq_ignore_ascii_case(known))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_xml_in_utf_8() {
        for good in ["text/xml", "Text/XML; charset=UTF-8", "text/xml;charset=\"utf-8\"", "text/xml; q=1"] {
            assert!(is_xml(good, false), "{good}");
        }
        for bad in ["", "text/plain", "text/xml; charset=utf-16", "application/json", "text/xmlx"] {
            assert!(!is_xml(bad, true), "{bad}");
        }
        assert!(is_xml("application/xml; charset=utf-8", true));
        assert!(!is_xml("application/xml; charset=utf-8", false));
    }
}
