//! The roles of the market.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A role in the flexibility market (`USEF-RoleType`).
///
/// The envelope names the sender's role; no message names the recipient's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Role {
    /// Aggregator: sells the flexibility of its customers.
    Agr,
    /// Common reference operator: keeps who is connected where.
    Cro,
    /// Distribution system operator: buys flexibility to relieve its grid.
    Dso,
}

impl Role {
    /// The wire spelling: `AGR`, `CRO` or `DSO`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Agr => "AGR",
            Self::Cro => "CRO",
            Self::Dso => "DSO",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Role {
    type Err = UnknownRole;

    fn from_str(text: &str) -> Result<Self, UnknownRole> {
        match text {
            "AGR" => Ok(Self::Agr),
            "CRO" => Ok(Self::Cro),
            "DSO" => Ok(Self::Dso),
            _ => Err(UnknownRole),
        }
    }
}

/// The text is none of `AGR`, `CRO`, `DSO`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not one of AGR, CRO, DSO")]
pub struct UnknownRole;
