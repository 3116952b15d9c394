use std::sync::Arc;

use crate::text::checked_text;

/// Longest entity address (UFTP, "Entity addresses").
const MAX_LENGTH: usize = 255;

/// The address of a connection or of a CongestionPoint.
///
/// UFTP's `EntityAddressType`, at most 255 printable 7-bit ASCII characters, in one of two forms:
///
/// - `ean.` and 12 to 34 digits: an EAN code;
/// - `ea1.yyyy-mm.domain:local`: a name given out by whoever owned `domain` in that month.
///
/// The text is compared as it stands. A clone shares it.
///
/// ```
/// use tieline_types::EntityAddress;
///
/// let point: EntityAddress = "ean.871685900012636543".parse()?;
/// assert_eq!(point.ean(), Some("871685900012636543"));
/// # Ok::<(), tieline_types::ParseError>(())
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntityAddress(Arc<str>);

/// The parts of an `ea1` address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Ea1<'a> {
    /// The month in which the naming authority owned the domain, as written: `2026-06`.
    pub year_month: &'a str,
    /// The domain of the naming authority, as written.
    pub domain: &'a str,
    /// What the authority calls the entity.
    pub local: &'a str,
}

impl EntityAddress {
    /// The digits of an `ean.` address.
    pub fn ean(&self) -> Option<&str> {
        self.0.strip_prefix("ean.")
    }

    /// The parts of an `ea1.` address.
    pub fn ea1(&self) -> Option<Ea1<'_>> {
        split_ea1(self.0.strip_prefix("ea1.")?).ok()
    }
}

fn check(text: &str) -> Result<(), &'static str> {
    if text.len() > MAX_LENGTH {
        return Err("it is longer than 255 characters");
    }
    if !text.bytes().all(|byte| (b' '..=b'~').contains(&byte)) {
        return Err("only printable ASCII characters are allowed");
    }
    if text.starts_with(' ') || text.ends_with(' ') {
        return Err("it starts or ends with a space");
    }
    if let Some(digits) = text.strip_prefix("ean.") {
        return check_ean(digits);
    }
    if let Some(rest) = text.strip_prefix("ea1.") {
        return split_ea1(rest).map(|_| ());
    }
    if check_ean(text).is_ok() {
        return Err("an EAN is written with the prefix ean.");
    }
    Err("it must start with ean. or ea1. (lower case)")
}

fn check_ean(digits: &str) -> Result<(), &'static str> {
    if (12..=34).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit()) {
        Ok(())
    } else {
        Err("ean. is followed by 12 to 34 digits and nothing else")
    }
}

fn split_ea1(rest: &str) -> Result<Ea1<'_>, &'static str> {
    let (year_month, name) = rest
        .split_once('.')
        .filter(|(month, _)| is_year_month(month))
        .ok_or("ea1. is followed by yyyy-mm and a dot")?;
    let colon = name.find(':').ok_or("an ea1 address needs a colon between domain and local name")?;
    let (domain, local) = (&name[..colon], &name[colon + 1..]);
    if domain.is_empty() || local.is_empty() {
        return Err("neither the domain nor the local name may be empty");
    }
    Ok(Ea1 { year_month, domain, local })
}

fn is_year_month(text: &str) -> bool {
    text.len() == 7
        && text
            .bytes()
            .enumerate()
            .all(|(at, byte)| if at == 4 { byte == b'-' } else { byte.is_ascii_digit() })
}

checked_text!(EntityAddress, check, "an entity address", "an entity address such as ean.871685900012636543");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_both_forms() {
        for text in [
            "ean.123456789012",
            "ean.871685900012636543",
            "ean.1234567890123456789012345678901234",
            "ea1.2016-01.com.example:cp-1",
            "ea1.2016-01.x:y:z/# 1",
        ] {
            assert_eq!(text.parse::<EntityAddress>().unwrap().as_str(), text);
        }
    }

    #[test]
    fn splits_an_ea1_address() {
        let address: EntityAddress = "ea1.2016-01.com.example:feeder:7".parse().unwrap();
        assert_eq!(address.ean(), None);
        assert_eq!(
            address.ea1(),
            Some(Ea1 { year_month: "2016-01", domain: "com.example", local: "feeder:7" })
        );
        assert_eq!("ean.123456789012".parse::<EntityAddress>().unwrap().ea1(), None);
    }

    #[test]
    fn refuses_the_rest_and_says_why() {
        for (text, reason) in [
            ("", "start with"),
            ("871685900012636543", "prefix ean."),
            ("EAN.871685900012636543", "lower case"),
            ("ean.12345678901", "12 to 34"),
            ("ean.12345678901234567890123456789012345", "12 to 34"),
            ("ean.12345678901x", "12 to 34"),
            ("ean.871685900012636543 ", "space"),
            ("ea1.2016-1.example.com:x", "yyyy-mm"),
            ("ea1.2016_01.example.com:x", "yyyy-mm"),
            ("ea1.2016-01", "yyyy-mm"),
            ("ea1.2016-01.example.com", "colon"),
            ("ea1.2016-01.:x", "empty"),
            ("ea1.2016-01.example.com:", "empty"),
            ("ea1.2016-01.example.com:\u{e9}", "ASCII"),
            ("ea1.2016-01.example.com:\n", "ASCII"),
        ] {
            let error = text.parse::<EntityAddress>().unwrap_err();
            assert!(error.reason().contains(reason), "{text}: {error}");
        }
    }

    #[test]
    fn holds_255_characters() {
        let longest = format!("ea1.2016-01.example.com:{}", "x".repeat(255 - 24));
        assert_eq!(longest.len(), 255);
        assert!(longest.parse::<EntityAddress>().is_ok());
        assert!(format!("{longest}x").parse::<EntityAddress>().is_err());
    }
}
