//! The JSON schemas of OCPP: what may stand in a payload.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use serde_json::Value;
use tieline_interop::shared_folder;
use tieline_ocpp::Version;

/// What a value may be.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Shape {
    /// Members; `open` takes others beside them.
    Object {
        members: Vec<Member>,
        open: bool,
    },
    Array {
        items: Box<Shape>,
        least: usize,
        most: Option<usize>,
    },
    /// A text of at most so many characters.
    Text {
        most: Option<usize>,
    },
    /// One of these texts.
    Values(Vec<String>),
    Time,
    Uri,
    Integer {
        least: Option<i64>,
        most: Option<i64>,
    },
    /// A decimal number; `tenths` takes multiples of 0.1 only.
    Number {
        least: Option<i64>,
        most: Option<i64>,
        tenths: bool,
    },
    Boolean,
    Any,
}

/// A member of an object.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Member {
    pub(crate) name: String,
    pub(crate) is_required: bool,
    pub(crate) shape: Shape,
}

/// The published schemas of one version.
pub(crate) struct Schemas {
    folder: PathBuf,
    version: Version,
}

impl Schemas {
    /// The schemas of this version, if they are there. If not, the reason is printed; under continuous integration it
    /// is an error.
    pub(crate) fn find(version: Version) -> Result<Option<Self>> {
        let name = match version {
            Version::V1_6 => "v16",
            Version::V2_0_1 => "v201",
            _ => "v21",
        };
        let folder = shared_folder(&format!("schemas/ocpp/{name}"))?;
        if folder.is_none() {
            println!("skipped: no schemas/ocpp/{name} in the shared data (TIELINE_SHARED, or ../shared)");
        }
        Ok(folder.map(|folder| Self { folder, version }))
    }

    /// The names of the schemas' files, without their ending.
    pub(crate) fn names(&self) -> Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(&self.folder)? {
            let path = entry?.path();
            let is_schema = path.extension().is_some_and(|extension| extension == "json");
            if let Some(name) = path.file_stem().and_then(|stem| stem.to_str()).filter(|_| is_schema) {
                names.push(name.to_owned());
            }
        }
        names.sort_unstable();
        Ok(names)
    }

    /// The name of a request's schema.
    pub(crate) fn name_of_request(&self, action: &str, is_send: bool) -> String {
        // The schemas of 1.6 and of SEND (2.1 Part 4 §4.2.4) go without the suffix.
        let suffix = if self.version == Version::V1_6 || is_send { "" } else { "Request" };
        format!("{action}{suffix}")
    }

    /// The shape of a request.
    pub(crate) fn request(&self, action: &str, is_send: bool) -> Result<Shape> {
        self.read(&self.name_of_request(action, is_send))
    }

    /// The shape of a response.
    pub(crate) fn response(&self, action: &str) -> Result<Shape> {
        self.read(&format!("{action}Response"))
    }

    /// Where they are.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// The shape of the message whose schema has this name.
    pub(crate) fn read(&self, name: &str) -> Result<Shape> {
        read(&self.folder.join(format!("{name}.json")))
    }
}

fn read(path: &Path) -> Result<Shape> {
    let text = fs::read_to_string(path).with_context(|| format!("no schema {}", path.display()))?;
    // Some of the files begin with a byte order mark.
    let schema: Value = serde_json::from_str(text.trim_start_matches('\u{feff}'))
        .with_context(|| format!("the schema {} is no JSON", path.display()))?;
    shape(&schema, &schema, 0).with_context(|| path.display().to_string())
}

/// What the keywords of the schemas say. Those that occur are these; another one is an error, lest it be overlooked.
fn shape(schema: &Value, node: &Value, depth: usize) -> Result<Shape> {
    const KNOWN: [&str; 24] = [
        "$id",
        "$ref",
        "$schema",
        "additionalItems",
        "additionalProperties",
        "comment",
        "default",
        "definitions",
        "description",
        "enum",
        "format",
        "id",
        "items",
        "javaType",
        "maxItems",
        "maxLength",
        "maximum",
        "minItems",
        "minimum",
        "multipleOf",
        "properties",
        "required",
        "title",
        "type",
    ];
    if depth > 40 {
        bail!("the schema refers to itself");
    }
    let keywords = node.as_object().context("a schema is an object")?;
    if let Some(unknown) = keywords.keys().find(|keyword| !KNOWN.contains(&keyword.as_str())) {
        bail!("the keyword {unknown} is not known");
    }
    if let Some(reference) = node["$ref"].as_str() {
        let target = schema.pointer(reference.trim_start_matches('#'));
        return shape(schema, target.with_context(|| format!("no {reference}"))?, depth + 1);
    }
    if let Some(values) = node["enum"].as_array() {
        let values = values.iter().map(|value| value.as_str().map(str::to_owned));
        return Ok(Shape::Values(values.collect::<Option<_>>().context("a value is no text")?));
    }
    Ok(match node["type"].as_str() {
        Some("object") => object(schema, node, depth)?,
        Some("array") => Shape::Array {
            items: Box::new(shape(schema, &node["items"], depth + 1)?),
            least: count(&node["minItems"]).unwrap_or(0),
            most: count(&node["maxItems"]),
        },
        Some("string") if node["format"] == "date-time" => Shape::Time,
        Some("string") if node["format"] == "uri" => Shape::Uri,
        Some("string") => Shape::Text { most: count(&node["maxLength"]) },
        Some("integer") => Shape::Integer { least: bound(&node["minimum"])?, most: bound(&node["maximum"])? },
        Some("number") => Shape::Number {
            least: bound(&node["minimum"])?,
            most: bound(&node["maximum"])?,
            tenths: node["multipleOf"] == 0.1,
        },
        Some("boolean") => Shape::Boolean,
        Some(other) => bail!("the type {other} is not known"),
        None => Shape::Any,
    })
}

fn object(schema: &Value, node: &Value, depth: usize) -> Result<Shape> {
    let required: Vec<&str> =
        node["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let mut members = Vec::new();
    for (name, member) in node["properties"].as_object().into_iter().flatten() {
        members.push(Member {
            name: name.clone(),
            is_required: required.contains(&name.as_str()),
            shape: shape(schema, member, depth + 1)?,
        });
    }
    Ok(Shape::Object { members, open: node["additionalProperties"] != Value::Bool(false) })
}

fn count(value: &Value) -> Option<usize> {
    value.as_u64().and_then(|count| usize::try_from(count).ok())
}

/// Bounds are whole numbers, though they are written as `0.0`.
fn bound(value: &Value) -> Result<Option<i64>> {
    let Some(number) = value.as_number() else { return Ok(None) };
    let text = number.to_string();
    let whole = text.strip_suffix(".0").unwrap_or(&text);
    whole.parse().map(Some).with_context(|| format!("the bound {text} is not whole"))
}
