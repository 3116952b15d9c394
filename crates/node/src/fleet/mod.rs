//! The fleet's book: who is charging where, and what each was told.
//!
//! These records know no version of OCPP. `bridge::ocpp` maps messages to them and back.

mod session;
mod set_point;
mod transaction;

pub(crate) use session::{Session, SessionKey};
pub(crate) use set_point::{SetPoint, SetPointPeriod, SetPointState};
pub(crate) use transaction::{StartedTransaction, TransactionNumber};
