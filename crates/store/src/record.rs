use serde::Serialize;
use serde::de::DeserializeOwned;
use tieline_types::TimeSpan;

use crate::StoreError;

/// Something of the domain that is kept: an offer, a session, a promise.
///
/// It is stored as JSON beside the few facts that the domain asks by: what it is about, when it applies, and whether
/// anything is still to come of it.
pub trait Record: Serialize + DeserializeOwned + Send {
    /// What kind of thing it is.
    const KIND: &'static str;

    /// What names it among its kind.
    fn key(&self) -> String;

    /// What it is about: a congestion point, a charger.
    fn subject(&self) -> String;

    /// When it applies, if it applies at a time.
    fn span(&self) -> Option<TimeSpan>;

    /// Whether something is still to come of it.
    fn open(&self) -> bool;
}

/// Counts the changes of a record, from 1.
pub type Version = i64;

/// A record as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored<T> {
    /// The record.
    pub value: T,
    /// Which of its versions this is.
    pub version: Version,
}

/// A record as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RawRecord {
    /// [`Record::KIND`].
    pub kind: &'static str,
    /// [`Record::key`].
    pub key: String,
    /// [`Record::subject`].
    pub subject: String,
    /// [`Record::span`].
    pub span: Option<TimeSpan>,
    /// [`Record::open`].
    pub open: bool,
    /// The record as JSON.
    pub body: String,
}

impl RawRecord {
    pub(crate) fn of<T: Record>(record: &T) -> Result<Self, StoreError> {
        let body = serde_json::to_string(record)
            .map_err(|cause| StoreError::Misuse(format!("a {} is no JSON: {cause}", T::KIND)))?;
        Ok(Self {
            kind: T::KIND,
            key: record.key(),
            subject: record.subject(),
            span: record.span(),
            open: record.open(),
            body,
        })
    }

    pub(crate) fn read<T: Record>(key: &str, body: &str) -> Result<T, StoreError> {
        serde_json::from_str(body).map_err(|cause| StoreError::Damaged {
            table: T::KIND,
            key: key.to_owned(),
            cause: cause.to_string(),
        })
    }
}
