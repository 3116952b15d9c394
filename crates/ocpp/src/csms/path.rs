//! The identity in the path of a request.

use percent_encoding::percent_decode_str;

/// The identity in `path`, which is the prefix, a slash and one further segment, percent-decoded.
pub(crate) fn identity(path: &str, prefix: &str) -> Option<String> {
    let segment = path.strip_prefix(prefix)?.strip_prefix('/')?;
    if segment.is_empty() || segment.contains('/') {
        return None;
    }
    Some(percent_decode_str(segment).decode_utf8().ok()?.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_identity_is_the_last_segment() {
        for (path, found) in [
            ("/ocpp/CS001", Some("CS001")),
            ("/ocpp/RDAM%7C123", Some("RDAM|123")),
            ("/ocpp/a%2Fb", Some("a/b")),
            ("/ocpp/%C3%A9", Some("é")),
            ("/ocpp/%FF", None),
            ("/ocpp/", None),
            ("/ocpp", None),
            ("/ocpp/a/b", None),
            ("/ocppCS001", None),
            ("/other/CS001", None),
        ] {
            assert_eq!(identity(path, "/ocpp").as_deref(), found, "{path}");
        }
        assert_eq!(identity("/CS001", "").as_deref(), Some("CS001"));
    }
}
