//! Payloads that break their schema in one place.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use tieline_ocpp::Version;

use crate::random::Random;
use crate::shape::Shape;

/// What is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Fault {
    NoObject,
    MissingMember,
    UnknownMember,
    WrongType,
    Null,
    TooLong,
    UnknownValue,
    OutOfRange,
    NoTenth,
    NoTime,
    TooFewItems,
    TooManyItems,
}

/// A payload that breaks its schema.
#[derive(Clone, Debug)]
pub(crate) struct Mutant {
    pub(crate) payload: Value,
    pub(crate) fault: Fault,
    /// Where, as a JSON pointer.
    pub(crate) place: String,
}

/// A place that can be made wrong.
struct Site<'s> {
    place: String,
    fault: Fault,
    shape: &'s Shape,
    /// The member that is meant, where `place` is the object that has it.
    member: &'s str,
}

impl Fault {
    /// The code that the standard names for it, in the spelling of the version (1.6-J §4.2.3 with its errata, 2.x Part 4 §4.3).
    pub(crate) fn code(self, version: Version) -> &'static str {
        let is_16 = version == Version::V1_6;
        match self {
            Self::NoObject | Self::UnknownMember if is_16 => "FormationViolation",
            Self::NoObject | Self::UnknownMember => "FormatViolation",
            // "Payload for Action is incomplete".
            Self::MissingMember if is_16 => "ProtocolError",
            Self::TooFewItems | Self::TooManyItems if is_16 => "OccurenceConstraintViolation",
            Self::MissingMember | Self::TooFewItems | Self::TooManyItems => "OccurrenceConstraintViolation",
            Self::WrongType | Self::Null => "TypeConstraintViolation",
            Self::TooLong | Self::UnknownValue | Self::OutOfRange | Self::NoTenth | Self::NoTime => {
                "PropertyConstraintViolation"
            }
        }
    }
}

/// Breaks payloads of one shape, each in another place as long as there are such.
#[derive(Default)]
pub(crate) struct Mutator {
    /// Members, items of lists without their numbers, and their faults.
    done: BTreeSet<(String, Fault)>,
}

impl Mutator {
    /// Breaks a payload, which obeys the shape, in one place. A kind of fault is chosen first, so that rare kinds come as
    /// often.
    pub(crate) fn mutate(&mut self, shape: &Shape, mut payload: Value, random: &mut Random) -> Mutant {
        let mut sites = Vec::new();
        find(shape, &payload, "", &mut sites);
        // Text and the like are never a payload. In 1.6 an empty one may be `null` (1.6-J §4.2.1).
        sites.push(Site { place: String::new(), fault: Fault::NoObject, shape, member: "" });
        if sites.iter().any(|site| !self.done.contains(&site.key())) {
            sites.retain(|site| !self.done.contains(&site.key()));
        }
        let mut kinds: Vec<Fault> = sites.iter().map(|site| site.fault).collect();
        kinds.sort_unstable();
        kinds.dedup();
        let kind = *random.pick(&kinds);
        sites.retain(|site| site.fault == kind);
        let site = random.pick(&sites);
        self.done.insert(site.key());
        apply(site, &mut payload, random);
        Mutant { payload, fault: kind, place: site.pointer() }
    }
}

impl Site<'_> {
    fn pointer(&self) -> String {
        let member = if self.member.is_empty() { String::new() } else { format!("/{}", self.member) };
        format!("{}{member}", self.place)
    }

    /// The same for all items of a list.
    fn key(&self) -> (String, Fault) {
        let place = self.pointer();
        let is_item = |step: &&str| step.bytes().all(|byte| byte.is_ascii_digit());
        let steps: Vec<&str> =
            place.split('/').skip(1).map(|step| if is_item(&step) { "*" } else { step }).collect();
        (steps.join("/"), self.fault)
    }
}

fn find<'s>(shape: &'s Shape, value: &Value, place: &str, sites: &mut Vec<Site<'s>>) {
    let mut site = |fault, member| sites.push(Site { place: place.to_owned(), fault, shape, member });
    if *shape != Shape::Any && !place.is_empty() {
        site(Fault::WrongType, "");
    }
    match (shape, value) {
        (Shape::Object { members, open }, Value::Object(made)) => {
            if !open {
                site(Fault::UnknownMember, "colour");
            }
            for member in members {
                if member.is_required {
                    site(Fault::MissingMember, &member.name);
                }
                if member.shape != Shape::Any {
                    site(Fault::Null, &member.name);
                }
            }
            for member in members {
                if let Some(inside) = made.get(&member.name) {
                    find(&member.shape, inside, &format!("{place}/{}", member.name), sites);
                }
            }
        }
        (Shape::Array { items, least, most }, Value::Array(made)) => {
            if *least > 0 {
                site(Fault::TooFewItems, "");
            }
            if most.is_some() && !made.is_empty() {
                site(Fault::TooManyItems, "");
            }
            for (index, item) in made.iter().enumerate() {
                find(items, item, &format!("{place}/{index}"), sites);
            }
        }
        (Shape::Text { most: Some(_) }, _) => site(Fault::TooLong, ""),
        (Shape::Values(_), _) => site(Fault::UnknownValue, ""),
        (Shape::Time, _) => site(Fault::NoTime, ""),
        (Shape::Integer { least, most } | Shape::Number { least, most, .. }, _)
            if least.is_some() || most.is_some() =>
        {
            site(Fault::OutOfRange, "");
        }
        (Shape::Number { tenths: true, .. }, _) => site(Fault::NoTenth, ""),
        _ => {}
    }
}

fn apply(site: &Site<'_>, payload: &mut Value, random: &mut Random) {
    let target = payload.pointer_mut(&site.place).expect("the place was found in the payload");
    match (site.fault, site.shape) {
        (Fault::MissingMember, _) => {
            target.as_object_mut().expect("it has members").remove(site.member);
        }
        (Fault::UnknownMember, _) => target[site.member] = json!("red"),
        (Fault::Null, _) => target[site.member] = Value::Null,
        (Fault::NoObject, _) => {
            *target = random.pick(&[json!([]), json!("text"), json!(7), json!(true)]).clone();
        }
        (Fault::WrongType, shape) => *target = of_another_type(shape, random),
        (Fault::TooLong, Shape::Text { most: Some(most) }) => *target = "é".repeat(most + 1).into(),
        (Fault::UnknownValue, _) => *target = "Bored".into(),
        (Fault::NoTime, _) => {
            let times = ["yesterday", "2026-13-01T00:00:00Z", "2026-06-01T10:00:00", "2026-06-01", ""];
            *target = (*random.pick(&times)).into();
        }
        (Fault::NoTenth, _) => *target = json!(21.45),
        (Fault::OutOfRange, Shape::Integer { least, most }) => *target = beyond(*least, *most).into(),
        (Fault::OutOfRange, Shape::Number { least, most, .. }) => {
            *target = format!("{}.5", beyond(*least, *most))
                .parse()
                .map(Value::Number)
                .expect("digits are a number");
        }
        (Fault::TooFewItems, _) => *target = json!([]),
        (Fault::TooManyItems, Shape::Array { most: Some(most), .. }) => {
            let items = target.as_array_mut().expect("it has items");
            let first = items[0].clone();
            items.resize(most + 1, first);
        }
        (fault, shape) => unreachable!("{fault:?} is no fault of {shape:?}"),
    }
}

fn beyond(least: Option<i64>, most: Option<i64>) -> i64 {
    most.map_or_else(|| least.expect("it has a bound") - 1, |most| most + 1)
}

fn of_another_type(shape: &Shape, random: &mut Random) -> Value {
    let others = match shape {
        Shape::Object { .. } => [json!([]), json!("text"), json!(["text", 7])],
        Shape::Array { .. } => [json!({}), json!("text"), json!(true)],
        Shape::Text { .. } | Shape::Uri | Shape::Values(_) | Shape::Time => {
            [json!(7), json!({}), json!(["text"])]
        }
        Shape::Integer { .. } => [json!("7"), json!(1.5), json!(true)],
        Shape::Number { .. } => [json!("7"), json!({}), json!(false)],
        Shape::Boolean => [json!("true"), json!(1), json!([])],
        Shape::Any => unreachable!("anything may be of any type"),
    };
    random.pick(&others).clone()
}
