//! What a charging station proves itself with.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;
use http::header::AUTHORIZATION;
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use super::PasswordHash;

/// The credentials in a charging station's request.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Credentials {
    /// None: an open network, or a client certificate.
    None,
    /// HTTP Basic (security profiles 1 and 2).
    Basic(Basic),
    /// An `Authorization` header that cannot be read, or more than one.
    Unreadable,
}

impl Credentials {
    /// Reads the `Authorization` header. The identity tells where the user name ends, since it may contain a colon in
    /// OCPP 1.6.
    pub(super) fn read(headers: &HeaderMap, identity: &str) -> Self {
        let mut values = headers.get_all(AUTHORIZATION).iter();
        match (values.next(), values.next()) {
            (None, _) => Self::None,
            (Some(value), None) => {
                Basic::parse(value.as_bytes(), identity).map_or(Self::Unreadable, Self::Basic)
            }
            (Some(_), Some(_)) => Self::Unreadable,
        }
    }
}

/// User name and password of HTTP Basic authentication.
///
/// The password is a string of octets, any of them: 1.6 stations send the 16 to 20 octets of their `AuthorizationKey`
/// as they are (Security Whitepaper), 2.x stations send text. It is not shown by `Debug`, and its memory is cleared.
#[derive(Clone)]
pub struct Basic {
    user: Vec<u8>,
    password: Zeroizing<Vec<u8>>,
}

impl Basic {
    fn parse(header: &[u8], identity: &str) -> Option<Self> {
        let (scheme, encoded) = header.split_at_checked(6)?;
        if !scheme.eq_ignore_ascii_case(b"basic ") {
            return None;
        }
        let mut decoded = Zeroizing::new(STANDARD.decode(encoded.trim_ascii()).ok()?);
        let colon = match decoded.strip_prefix(identity.as_bytes()) {
            Some([b':', ..]) => identity.len(),
            _ => decoded.iter().position(|octet| *octet == b':')?,
        };
        let password = Zeroizing::new(decoded[colon + 1..].to_vec());
        decoded.truncate(colon);
        Some(Self { user: decoded.to_vec(), password })
    }

    /// Whether the user name is that of this charging station, as it must be (2.x A00.FR.204).
    pub fn is_user(&self, identity: &str) -> bool {
        self.user == identity.as_bytes()
    }

    /// Whether the password is this one. The comparison takes the same time for all passwords of one length.
    pub fn is_password(&self, octets: &[u8]) -> bool {
        self.password.ct_eq(octets).into()
    }

    /// Whether this is the hash of the password, or of the octets of which the password is the hexadecimal text: see
    /// [`is_hexadecimal_of`](Self::is_hexadecimal_of).
    pub fn is_hashed(&self, hash: &PasswordHash) -> bool {
        hash.is_of(&self.password)
            || hexadecimal_octets(&self.password).is_some_and(|octets| hash.is_of(&octets))
    }

    /// Whether the password is the lower or upper case hexadecimal text of these octets: some 1.6 stations send the
    /// text in which their key was configured instead of the key.
    pub fn is_hexadecimal_of(&self, octets: &[u8]) -> bool {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let digit = |nibble: u8| DIGITS[usize::from(nibble & 0x0F)];
        let text: Zeroizing<Vec<u8>> =
            Zeroizing::new(octets.iter().flat_map(|octet| [digit(octet >> 4), digit(*octet)]).collect());
        let sent = Zeroizing::new(self.password.to_ascii_lowercase());
        sent.ct_eq(&text).into()
    }
}

/// The octets that a hexadecimal text of either case stands for.
fn hexadecimal_octets(text: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let digit = |octet: &u8| char::from(*octet).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let octet = |pair: &[u8]| match pair {
        [high, low] => Some(digit(high)? << 4 | digit(low)?),
        _ => None,
    };
    let octets: Option<Vec<u8>> = text.chunks(2).map(octet).collect();
    octets.filter(|octets| !octets.is_empty()).map(Zeroizing::new)
}

impl fmt::Debug for Basic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Basic").field("user", &String::from_utf8_lossy(&self.user)).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn read(value: &str, identity: &str) -> Credentials {
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, HeaderValue::from_str(value).unwrap());
        Credentials::read(&headers, identity)
    }

    #[test]
    fn the_example_of_the_security_whitepaper_is_read() {
        let Credentials::Basic(basic) = read("Basic QUwxMDAwOgABAgMEBQYH////////////////", "AL1000") else {
            panic!("not Basic")
        };
        let key: Vec<u8> = (0..8).chain([0xFF; 12]).collect();
        assert!(basic.is_user("AL1000"));
        assert!(basic.is_password(&key));
        assert!(!basic.is_password(&key[..19]));
    }

    #[test]
    fn a_colon_belongs_to_the_identity_or_to_the_password() {
        let header = format!("basic {}", STANDARD.encode("a:b:c:d"));
        for (identity, password) in [("a", "b:c:d"), ("a:b", "c:d"), ("a:b:c", "d")] {
            let Credentials::Basic(basic) = read(&header, identity) else { panic!("not Basic") };
            assert!(basic.is_user(identity) && basic.is_password(password.as_bytes()));
        }
    }

    #[test]
    fn the_hexadecimal_text_of_a_key_is_recognised() {
        let header = format!("Basic {}", STANDARD.encode("CS1:0001FFab"));
        let Credentials::Basic(basic) = read(&header, "CS1") else { panic!("not Basic") };
        assert!(basic.is_hexadecimal_of(&[0x00, 0x01, 0xFF, 0xAB]));
        assert!(!basic.is_hexadecimal_of(&[0x00, 0x01, 0xFF, 0xAC]));
        assert!(basic.is_hashed(&PasswordHash::of(&[0x00, 0x01, 0xFF, 0xAB], [1; 16])));
        assert!(basic.is_hashed(&PasswordHash::of(b"0001FFab", [1; 16])));
        assert!(!basic.is_hashed(&PasswordHash::of(&[0x00, 0x01, 0xFF, 0xAC], [1; 16])));
        assert!(!basic.is_password(&[0x00, 0x01, 0xFF, 0xAB]));
    }

    #[test]
    fn what_is_not_basic_is_unreadable() {
        for value in ["Bearer abc", "Basic", "Basic ????", "Basic bm9jb2xvbg=="] {
            assert!(matches!(read(value, "CS1"), Credentials::Unreadable), "{value}");
        }
        let mut headers = HeaderMap::new();
        assert!(matches!(Credentials::read(&headers, "CS1"), Credentials::None));
        let value = HeaderValue::from_static("Basic QTpC");
        headers.append(AUTHORIZATION, value.clone());
        headers.append(AUTHORIZATION, value);
        assert!(matches!(Credentials::read(&headers, "A"), Credentials::Unreadable));
    }

    #[test]
    fn the_password_is_not_shown() {
        let header = format!("Basic {}", STANDARD.encode("CS1:secret"));
        assert!(!format!("{:?}", read(&header, "CS1")).contains("secret"));
    }
}
