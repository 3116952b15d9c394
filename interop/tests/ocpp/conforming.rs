//! Payloads that obey their schema.

use std::collections::BTreeMap;

use serde_json::{Map, Number, Value, json};

use crate::random::Random;
use crate::shape::Shape;

/// How much of what is optional is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Extent {
    /// Only what is required.
    Minimal,
    /// Everything, texts and lists at their limits.
    Maximal,
    /// Some of it.
    Random,
}

/// What members that a vendor defines look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum VendorData {
    /// Any JSON under any name.
    Any,
    /// None beside those that the schema has: for peers that rewrite them.
    None,
}

/// Characters of one to four bytes, and those that JSON escapes.
const CHARACTERS: [char; 20] =
    ['a', 'b', 'Z', '0', '9', ' ', '-', '_', '.', ':', '/', '"', '\\', '\n', 'é', 'ß', 'Ω', '€', '漢', '😀'];

/// Spellings of RFC 3339.
const TIMES: [&str; 12] = [
    "2026-06-01T10:00:00Z",
    "2026-06-01T10:00:00.1Z",
    "2026-06-01T10:00:00.120Z",
    "2026-06-01T10:00:00.123456Z",
    "2026-06-01T10:00:00.123456789Z",
    "2026-06-01T12:00:00+02:00",
    "2026-06-01T12:00:00.5+02:00",
    "2026-05-31T22:30:00-11:30",
    "2026-06-01T10:00:00+00:00",
    "2024-02-29T23:59:59Z",
    "1970-01-01T00:00:00Z",
    "2099-12-31T23:59:59.999Z",
];

const URIS: [&str; 4] = [
    "ftp://user:secret@example.com:2121/upload/",
    "https://example.com/firmware.bin?version=2%2E1#part",
    "http://[2001:db8::1]:8080/a",
    "sftp://example.com/~cs001/%C3%A9",
];

/// Lists without a greatest length have no more items than this.
const MANY: usize = 3;

/// Lists of long lists would be longer than a message may be.
const MOST_ITEMS: usize = 24;

/// Texts without a greatest length have no more characters than this.
const LONG: usize = 60;

/// Makes payloads of one shape.
pub(crate) struct Maker {
    random: Random,
    vendor_data: VendorData,
    /// How often each enumeration had its turn: each value comes in time.
    turns: BTreeMap<*const Shape, usize>,
}

impl Maker {
    /// A maker whose payloads depend on this name alone.
    pub(crate) fn of(name: &str, vendor_data: VendorData) -> Self {
        Self { random: Random::of(name), vendor_data, turns: BTreeMap::new() }
    }

    pub(crate) fn random(&mut self) -> &mut Random {
        &mut self.random
    }

    /// A payload of this shape.
    pub(crate) fn make(&mut self, shape: &Shape, extent: Extent) -> Value {
        self.value(shape, extent, 0)
    }

    fn value(&mut self, shape: &Shape, extent: Extent, depth: usize) -> Value {
        match shape {
            Shape::Object { .. } => self.object(shape, extent, depth),
            Shape::Array { items, least, most } => {
                let length = self.length(*least, *most, extent, depth);
                (0..length).map(|_| self.value(items, extent, depth + 1)).collect()
            }
            Shape::Text { most } => {
                // Long texts deep inside would make the message longer than it may be.
                let extent =
                    if depth > 4 && most.is_some_and(|most| most > 1_000) { Extent::Random } else { extent };
                self.text(*most, extent).into()
            }
            Shape::Values(values) => {
                let turn = self.turns.entry(std::ptr::from_ref(shape)).or_default();
                *turn += 1;
                values[*turn % values.len()].clone().into()
            }
            Shape::Time => (*self.random.pick(&TIMES)).into(),
            Shape::Uri => (*self.random.pick(&URIS)).into(),
            Shape::Integer { least, most } => {
                let (least, most) =
                    (least.unwrap_or(i64::from(i32::MIN)), most.unwrap_or(i64::from(i32::MAX)));
                self.integer(least, most).into()
            }
            Shape::Number { least, most, tenths } => self.number(*least, *most, *tenths),
            Shape::Boolean => self.random.one_in(2).into(),
            Shape::Any if self.vendor_data == VendorData::None => self.text(None, extent).into(),
            Shape::Any => self.anything(0),
        }
    }

    fn object(&mut self, shape: &Shape, extent: Extent, depth: usize) -> Value {
        let Shape::Object { members, open } = shape else { unreachable!("it is an object's shape") };
        let mut made = Map::new();
        for member in members {
            let is_there = match extent {
                Extent::Minimal => false,
                Extent::Maximal => true,
                // The deeper, the less: payloads are to be many rather than large.
                Extent::Random => self.random.below(6) >= 2 + depth.min(3),
            };
            if member.is_required || is_there {
                made.insert(member.name.clone(), self.value(&member.shape, extent, depth + 1));
            }
        }
        if *open && extent != Extent::Minimal && self.vendor_data == VendorData::Any {
            for name in ["anything", "SCREAMING_SNAKE", "with space", "größe"] {
                if self.random.one_in(3) {
                    made.insert(name.to_owned(), self.anything(0));
                }
            }
        }
        Value::Object(made)
    }

    fn length(&mut self, least: usize, most: Option<usize>, extent: Extent, depth: usize) -> usize {
        match extent {
            Extent::Minimal => least,
            Extent::Maximal if depth <= 1 => most.unwrap_or(MANY).min(MOST_ITEMS).max(least),
            Extent::Maximal => least.max(1),
            Extent::Random => {
                least + self.random.below(most.map_or(MANY, |most| (most - least + 1).min(MANY)))
            }
        }
    }

    fn text(&mut self, most: Option<usize>, extent: Extent) -> String {
        let most = most.unwrap_or(LONG);
        let length = match extent {
            Extent::Minimal => usize::from(most > 0),
            Extent::Maximal => most,
            // Most texts are short; some are as long as they may be.
            Extent::Random if self.random.one_in(12) && most <= 500 => most,
            Extent::Random => 1 + self.random.below(most.min(24)),
        };
        (0..length.min(most)).map(|_| *self.random.pick(&CHARACTERS)).collect()
    }

    fn integer(&mut self, least: i64, most: i64) -> i64 {
        match self.random.below(5) {
            0 => least,
            1 => most,
            2 => 0.clamp(least, most),
            3 => self.random.between(-1_000, 1_000).clamp(least, most),
            _ => self.random.between(least, most),
        }
    }

    /// A decimal of at most twelve digits, which JSON's numbers keep as it is.
    fn number(&mut self, least: Option<i64>, most: Option<i64>, tenths: bool) -> Value {
        let (least, most) = (least.unwrap_or(-999_999), most.unwrap_or(999_999));
        let whole = self.integer(least.max(-999_999), most.min(999_999));
        let decimals = self.random.below(if tenths { 2 } else { 7 });
        let text = if decimals == 0 || whole == least || whole == most {
            whole.to_string()
        } else {
            let digits: String =
                (0..decimals).map(|_| char::from(*self.random.pick(b"0123456789"))).collect();
            format!("{whole}.{digits}")
        };
        let number: Number = text.parse().expect("digits are a number");
        Value::Number(number)
    }

    /// Any JSON, but no `null` at its top.
    fn anything(&mut self, depth: usize) -> Value {
        match self.random.below(if depth < 2 { 7 } else { 5 }) {
            0 => self.integer(-1_000_000, 1_000_000).into(),
            1 => self.text(None, Extent::Random).into(),
            2 => self.random.one_in(2).into(),
            3 => self.number(None, None, false),
            4 if depth > 0 => Value::Null,
            4 => json!({}),
            5 => (0..self.random.below(4)).map(|_| self.anything(depth + 1)).collect(),
            _ => {
                let count = self.random.below(4);
                let members = (0..count).map(|_| {
                    let name = self.text(None, Extent::Random);
                    (name, self.anything(depth + 1))
                });
                Value::Object(members.collect())
            }
        }
    }
}
