//! Reading an HTTP request down to its bytes.

use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderMap, Method};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};

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

/// Reads the body, up to `most` bytes and for at most `time`.
pub(super) async fn read_body<B>(body: B, most: usize, time: Duration) -> Result<Bytes, Refusal>
where
    B: http_body::Body,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    match tokio::time::timeout(time, Limited::new(body, most).collect()).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(Refusal::TooLarge(most)),
        Ok(Err(_)) => Err(Refusal::Incomplete),
        Err(_) => Err(Refusal::TooSlow),
    }
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
