//! Who balances what flexibility has moved.

use crate::xml::lexical::words;

/// Which party is responsible for redispatch (`RedispatchByType`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
pub enum RedispatchBy {
    /// The aggregator.
    #[serde(rename = "AGR")]
    Agr,
    /// The distribution system operator.
    #[serde(rename = "DSO")]
    Dso,
}

words!(
    RedispatchBy, "RedispatchByType",
    "AGR" => RedispatchBy::Agr,
    "DSO" => RedispatchBy::Dso,
);
