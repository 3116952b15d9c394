use std::fmt;
use std::time::Duration;

/// What the domain name system answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DnsAnswer<R> {
    /// What there is.
    pub found: Found<R>,
    /// How long it may be kept: the shortest time to live of its records, or of an absence, by the zone's SOA record
    /// (RFC 2308, 5). Zero if an absence came without one.
    pub ttl: Duration,
    /// What DNSSEC says of it: the weakest state of all the records, those of aliases and those that prove an absence
    /// included.
    pub proof: Proof,
}

/// What there is under a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found<R> {
    /// Records: one or more.
    Records(Vec<R>),
    /// The name exists and has no records of the type that was asked for.
    NoRecords,
    /// The name does not exist (NXDOMAIN).
    NoName,
}

/// What DNSSEC says of an answer (RFC 4033, 5), from the weakest to the strongest. A bogus answer is none: it is
/// [`DnsError::Bogus`](super::DnsError::Bogus).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Proof {
    /// Nobody knows: it was not looked at ([`DnsConfig::dnssec`](super::DnsConfig::dnssec) is false), or what is needed
    /// to tell could not be had.
    Indeterminate,
    /// It is proved that the zone, or one above it, is not signed: everybody on the way could have written the answer.
    Insecure,
    /// Signatures lead from a trust anchor to it.
    Secure,
}

impl fmt::Display for Proof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Indeterminate => "indeterminate",
            Self::Insecure => "insecure",
            Self::Secure => "secure",
        })
    }
}

/// A TXT record: one or more strings of at most 255 bytes each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TxtRecord(pub Vec<Vec<u8>>);

impl TxtRecord {
    /// The strings as one text, put together without anything between them, as is the custom for longer texts. Bytes
    /// that are no UTF-8 become replacement characters.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.concat()).into_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_of_a_record_are_one_text() {
        // A character may be divided between two strings.
        let record = TxtRecord(vec![b"cs1.abc\xc3".to_vec(), b"\xa9 def".to_vec(), Vec::new()]);
        assert_eq!(record.text(), "cs1.abcé def");
        assert_eq!(TxtRecord(vec![b"\xff".to_vec()]).text(), "\u{fffd}");
    }
}
