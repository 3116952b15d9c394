//! Identifiers of messages and conversations.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;

use uuid::Uuid;

use crate::Tolerance;
use crate::xml::Lexical;
use crate::xml::lexical::Why;

/// A UUID that remembers which of its letters were capitals: peers that compare identifiers as text must get
/// back what they sent. It is compared as a number.
#[derive(Clone, Copy)]
struct Spelled {
    uuid: Uuid,
    /// Bit n: the nth hexadecimal digit is a capital letter.
    capitals: u32,
}

impl Spelled {
    fn parse(text: &str) -> Option<Self> {
        let bytes: &[u8; 36] = text.as_bytes().try_into().ok()?;
        let (mut number, mut capitals, mut digits) = (0_u128, 0_u32, 0_u32);
        for (index, byte) in bytes.iter().enumerate() {
            let value = match byte {
                b'-' if matches!(index, 8 | 13 | 18 | 23) => continue,
                _ if matches!(index, 8 | 13 | 18 | 23) => return None,
                b'0'..=b'9' => byte - b'0',
                b'a'..=b'f' => byte - b'a' + 10,
                b'A'..=b'F' => {
                    capitals |= 1 << digits;
                    byte - b'A' + 10
                }
                _ => return None,
            };
            number = number << 4 | u128::from(value);
            digits += 1;
        }
        Some(Self { uuid: Uuid::from_u128(number), capitals })
    }

    fn text(self) -> [u8; 36] {
        let mut text = [0; 36];
        self.uuid.hyphenated().encode_lower(&mut text);
        if self.capitals != 0 {
            let digits = text.iter_mut().filter(|byte| **byte != b'-').enumerate();
            for (index, byte) in digits {
                if self.capitals & (1 << index) != 0 {
                    byte.make_ascii_uppercase();
                }
            }
        }
        text
    }
}

/// The text is not 8-4-4-4-12 hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected 8-4-4-4-12 hexadecimal digits")]
pub struct InvalidIdentifier;

macro_rules! identifier {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy)]
        pub struct $name(Spelled);

        impl $name {
            /// The identifier as a number.
            pub const fn uuid(self) -> Uuid {
                self.0.uuid
            }
        }

        impl From<Uuid> for $name {
            fn from(uuid: Uuid) -> Self {
                Self(Spelled { uuid, capitals: 0 })
            }
        }

        impl From<$name> for Uuid {
            fn from(id: $name) -> Self {
                id.uuid()
            }
        }

        impl FromStr for $name {
            type Err = InvalidIdentifier;

            fn from_str(text: &str) -> Result<Self, InvalidIdentifier> {
                Spelled::parse(text).map(Self).ok_or(InvalidIdentifier)
            }
        }

        impl PartialEq for $name {
            fn eq(&self, other: &Self) -> bool {
                self.uuid() == other.uuid()
            }
        }

        impl Eq for $name {}

        impl PartialOrd for $name {
            fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
                Some(self.cmp(other))
            }
        }

        impl Ord for $name {
            fn cmp(&self, other: &Self) -> Ordering {
                self.uuid().cmp(&other.uuid())
            }
        }

        impl Hash for $name {
            fn hash<H: Hasher>(&self, state: &mut H) {
                self.uuid().hash(state);
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&String::from_utf8_lossy(&self.0.text()))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self)
            }
        }

        impl Lexical for $name {
            const TYPE: &'static str = "UUIDType";

            fn read(text: &str, _: Tolerance) -> Result<Self, Why> {
                text.parse().map_err(|error: InvalidIdentifier| error.to_string().into())
            }

            fn write(&self, out: &mut Vec<u8>) {
                out.extend_from_slice(&self.0.text());
            }
        }
    };
}

identifier! {
    /// The identifier of one message (`MessageID`, and every reference to one): a UUID in either case.
    ///
    /// Compared as a number, written in the case it was received in.
    MessageId
}

identifier! {
    /// The identifier that a message and all its answers share (`ConversationID`): a UUID in either case.
    ///
    /// Compared as a number, written in the case it was received in.
    ConversationId
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_is_kept_and_does_not_count() {
        let mixed: MessageId = "8A8e7728-1c41-43D1-8d35-B9E20D1F339C".parse().unwrap();
        let lower: MessageId = "8a8e7728-1c41-43d1-8d35-b9e20d1f339c".parse().unwrap();
        assert_eq!(mixed, lower);
        assert_eq!(mixed.to_string(), "8A8e7728-1c41-43D1-8d35-B9E20D1F339C");
        assert_eq!(MessageId::from(mixed.uuid()).to_string(), lower.to_string());
    }

    #[test]
    fn refuses_other_forms_of_a_uuid() {
        for bad in [
            "",
            "8a8e77281c4143d18d35b9e20d1f339c",
            "{8a8e7728-1c41-43d1-8d35-b9e20d1f339c}",
            "8a8e7728-1c41-43d1-8d35-b9e20d1f339",
            "8a8e7728-1c41-43d1-8d35-b9e20d1f339g",
            "8a8e7728x1c41-43d1-8d35-b9e20d1f339c",
            "8a8e772-81c41-43d1-8d35-b9e20d1f339c",
        ] {
            assert!(bad.parse::<MessageId>().is_err(), "{bad}");
        }
    }
}
