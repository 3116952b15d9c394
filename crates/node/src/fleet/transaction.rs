use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The last transaction number that was given out. OCPP 1.6 has the CSMS number transactions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct TransactionNumber {
    pub(crate) last: i32,
}

impl TransactionNumber {
    /// There is one such record.
    pub(crate) const KEY: &'static str = "last";
}

record!(TransactionNumber, "transaction-number", |_this| {
    key: Self::KEY.to_owned(),
    subject: String::new(),
    span: None,
    open: false,
});

/// The number that a StartTransaction was given, so that its repetition is given the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StartedTransaction {
    pub(crate) charger: String,
    pub(crate) connector: i32,
    pub(crate) at: Timestamp,
    pub(crate) meter_start: i32,
    pub(crate) number: i32,
}

impl StartedTransaction {
    /// What makes two StartTransactions the same one (1.6 errata 3.18: a station repeats it when the answer is lost).
    pub(crate) fn key(charger: &str, connector: i32, at: Timestamp, meter_start: i32) -> String {
        format!("{charger}/{connector}/{at}/{meter_start}")
    }
}

record!(StartedTransaction, "started-transaction", |this| {
    key: Self::key(&this.charger, this.connector, this.at, this.meter_start),
    subject: this.charger.clone(),
    span: None,
    open: false,
});
