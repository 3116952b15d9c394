//! Messages of the CSMS on the station's display (2.x, functional block O), and the cost of a transaction (I02).

mod show;
mod store;

use jiff::Timestamp;
use ocpp_kit::station::device_model::ComponentKey;
use serde::{Deserialize, Serialize};

use super::monitoring::ComponentDef;

pub(crate) use store::{Criterion, Messages, STATES};

/// What a station can show.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Display {
    /// Formats of messages, as `MessageFormatEnumType` spells them.
    pub formats: Vec<String>,
    /// Languages (RFC 5646); empty: any.
    pub languages: Vec<String>,
    /// How many messages it keeps.
    pub most: usize,
}

impl Default for Display {
    /// A display for text in any language, and 100 messages.
    fn default() -> Self {
        Self { formats: vec!["ASCII".to_owned(), "UTF8".to_owned()], languages: Vec::new(), most: 100 }
    }
}

/// How a message stands to others (`MessagePriorityEnumType`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum MessagePriority {
    /// In turn with the others, the station's own included.
    NormalCycle,
    /// Before those, in turn with others of this kind.
    InFront,
    /// Alone; the newest of this kind counts, and nothing of the station's own takes its place.
    AlwaysFront,
}

impl MessagePriority {
    const ALL: [Self; 3] = [Self::NormalCycle, Self::InFront, Self::AlwaysFront];

    /// Its name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NormalCycle => "NormalCycle",
            Self::InFront => "InFront",
            Self::AlwaysFront => "AlwaysFront",
        }
    }

    pub(crate) fn from_wire(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.as_str() == name)
    }
}

/// A text, or what stands for one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageContent {
    /// As `MessageFormatEnumType` spells it.
    pub format: String,
    /// Its language (RFC 5646), where it is said.
    pub language: Option<String>,
    /// The text; at most 512 characters in 2.0.1, 1024 in 2.1.
    pub content: String,
}

/// A message that the CSMS wants to be shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct DisplayMessage {
    /// Its number; another one with it takes its place.
    pub id: i32,
    /// How it stands to others.
    pub priority: MessagePriority,
    /// While an EVSE that it is about is in this state (`MessageStateEnumType`); else always.
    pub state: Option<String>,
    /// Not before.
    pub start: Option<Timestamp>,
    /// No longer than until then.
    pub end: Option<Timestamp>,
    /// The transaction during which it is shown.
    pub transaction: Option<String>,
    /// The display, where the station has several.
    #[serde(with = "optional_component")]
    pub display: Option<ComponentKey>,
    /// The message, then the same in other languages (2.1).
    pub contents: Vec<MessageContent>,
}

/// `with` and `Option` do not go together in serde.
mod optional_component {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use super::{ComponentDef, ComponentKey};

    #[derive(Serialize, Deserialize)]
    struct Wrapped(#[serde(with = "ComponentDef")] ComponentKey);

    #[expect(clippy::ref_option, reason = "as serde calls it")]
    pub(super) fn serialize<S: Serializer>(
        display: &Option<ComponentKey>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        display.clone().map(Wrapped).serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<ComponentKey>, D::Error> {
        Ok(Option::<Wrapped>::deserialize(deserializer)?.map(|wrapped| wrapped.0))
    }
}
