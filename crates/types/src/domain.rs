use std::sync::Arc;

use crate::text::checked_text;

/// Longest domain name in text form (RFC 1035, 3.1).
const MAX_LENGTH: usize = 253;
/// Longest label (RFC 1035, 2.3.4).
const MAX_LABEL: usize = 63;

/// The internet domain that names a participant: `agr.example.com`.
///
/// UFTP's `InternetDomainType`: two or more labels of lower-case letters, digits and inner single hyphens,
/// the last one of two or more letters. The limits of DNS hold too: 63 characters a label, 253 in all.
/// A clone shares the text.
///
/// ```
/// use tieline_types::Domain;
///
/// let domain: Domain = "agr.example.com".parse()?;
/// assert_eq!(domain.as_str(), "agr.example.com");
/// assert!("AGR.example.com".parse::<Domain>().is_err());
/// # Ok::<(), tieline_types::ParseError>(())
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Domain(Arc<str>);

fn check(text: &str) -> Result<(), &'static str> {
    if text.is_empty() {
        return Err("it is empty");
    }
    if text.len() > MAX_LENGTH {
        return Err("it is longer than 253 characters");
    }
    let Some((_, top)) = text.rsplit_once('.') else {
        return Err("it needs two labels or more, as in example.com");
    };
    for label in text.split('.') {
        check_label(label)?;
    }
    if top.len() < 2 || !top.bytes().all(|byte| byte.is_ascii_lowercase()) {
        return Err("its last label must be two or more letters");
    }
    Ok(())
}

fn check_label(label: &str) -> Result<(), &'static str> {
    if label.is_empty() {
        return Err("it has an empty label");
    }
    if label.len() > MAX_LABEL {
        return Err("it has a label longer than 63 characters");
    }
    for byte in label.bytes() {
        match byte {
            b'a'..=b'z' | b'0'..=b'9' | b'-' => {}
            b'A'..=b'Z' => return Err("it must be in lower case"),
            _ => return Err("only lower-case letters, digits, hyphens and dots are allowed"),
        }
    }
    if label.starts_with('-') || label.ends_with('-') {
        return Err("a label may not start or end with a hyphen");
    }
    if label.contains("--") {
        return Err("two hyphens in a row are not allowed");
    }
    Ok(())
}

checked_text!(Domain, check, "a UFTP domain", "a UFTP domain such as agr.example.com");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_what_the_schema_takes() {
        for text in ["example.com", "a.nl", "agr-1.flex.example.com", "1a.2b.co", "a-b-c.example.energy"] {
            assert_eq!(text.parse::<Domain>().unwrap().as_str(), text);
        }
    }

    #[test]
    fn refuses_the_rest_and_says_why() {
        for (text, reason) in [
            ("", "empty"),
            ("localhost", "two labels"),
            ("example.c", "last label"),
            ("example.c0m", "last label"),
            ("example.xn--p1ai", "hyphens in a row"),
            ("192.168.0.1", "last label"),
            ("Example.com", "lower case"),
            ("exa_mple.com", "only lower-case"),
            ("exämple.com", "only lower-case"),
            (" example.com", "only lower-case"),
            ("example.com\n", "only lower-case"),
            ("example..com", "empty label"),
            (".example.com", "empty label"),
            ("example.com.", "empty label"),
            ("-a.example.com", "hyphen"),
            ("a-.example.com", "hyphen"),
        ] {
            let error = text.parse::<Domain>().unwrap_err();
            assert!(error.reason().contains(reason), "{text}: {error}");
        }
    }

    #[test]
    fn holds_the_limits_of_dns() {
        let label = "a".repeat(63);
        assert!(format!("{label}.com").parse::<Domain>().is_ok());
        assert!(format!("{label}a.com").parse::<Domain>().is_err());
        let longest = format!("{label}.{label}.{label}.{}.com", "a".repeat(57));
        assert_eq!(longest.len(), 253);
        assert!(longest.parse::<Domain>().is_ok());
        assert!(format!("a{longest}").parse::<Domain>().is_err());
    }

    #[test]
    fn serde_form_is_the_text() {
        let domain: Domain = serde_json::from_str("\"agr.example.com\"").unwrap();
        assert_eq!(serde_json::to_string(&domain).unwrap(), "\"agr.example.com\"");
        let error = serde_json::from_str::<Domain>("\"AGR.example.com\"").unwrap_err();
        assert!(error.to_string().contains("lower case"), "{error}");
    }
}
