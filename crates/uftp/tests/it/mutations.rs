//! What the fuzz targets do, for a while and always the same: recorded messages, damaged at random.

use tieline_uftp::{Limits, SignedMessage, Tolerance, parse};

use crate::fixtures::{names, read};

const PER_MESSAGE: usize = 300;

/// Later attributes are read where they are forgiven, and left out when the message is written in its own version.
const WRITTEN_BACK: Tolerance = Tolerance { later_attributes: false, ..Tolerance::LENIENT };

/// xorshift64: the same numbers on each run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % (bound.max(1) as u64)).unwrap()
    }
}

const PIECES: [&[u8]; 14] = [
    b"<",
    b">",
    b"\"",
    b"'",
    b"&amp;",
    b"&#0;",
    b"<!--",
    b"-->",
    b"<?",
    b"<![CDATA[",
    b"<!DOCTYPE a>",
    b"\xff",
    b"=",
    b"/>",
];

fn damage(document: &mut Vec<u8>, numbers: &mut Numbers) {
    for _ in 0..=numbers.below(3) {
        let at = numbers.below(document.len());
        let to = (at + numbers.below(40)).min(document.len());
        match numbers.below(5) {
            0 => document[at] ^= 1 << numbers.below(8),
            1 => drop(document.drain(at..to)),
            2 => drop(document.splice(at..at, PIECES[numbers.below(PIECES.len())].iter().copied())),
            3 => document.truncate(at.max(1)),
            _ => {
                let copy = document[at..to].to_vec();
                drop(document.splice(at..at, copy));
            }
        }
        if document.is_empty() {
            document.push(b'<');
        }
    }
}

#[test]
fn a_damaged_payload_is_refused_or_read_to_something_that_reads_back() {
    let mut numbers = Numbers(0x9e37_79b9_7f4a_7c15);
    let (mut read_back, mut refused) = (0, 0);
    for name in names("library-python").into_iter().filter(|name| !name.contains("isp")) {
        let original = read("library-python", &format!("{name}.xml"));
        for _ in 0..PER_MESSAGE {
            let mut document = original.clone();
            damage(&mut document, &mut numbers);
            match parse(&document, &WRITTEN_BACK) {
                Ok(payload) => {
                    assert_eq!(parse(&payload.to_xml(), &WRITTEN_BACK).as_ref(), Ok(&payload));
                    read_back += 1;
                }
                Err(error) => {
                    assert!(error.to_string().len() < 1000);
                    refused += 1;
                }
            }
        }
    }
    assert!(read_back > 100 && refused > 1000, "{read_back} {refused}");
}

#[test]
fn a_damaged_envelope_is_refused_or_reads_back() {
    let mut numbers = Numbers(42);
    for name in names("library-python").into_iter().filter(|name| !name.contains("isp")) {
        let original = read("library-python", &format!("{name}.signed.xml"));
        for _ in 0..PER_MESSAGE {
            let mut document = original.clone();
            damage(&mut document, &mut numbers);
            if let Ok(envelope) = SignedMessage::parse(&document, &Limits::default()) {
                assert_eq!(SignedMessage::parse(&envelope.to_xml(), &Limits::default()), Ok(envelope));
            }
        }
    }
}
