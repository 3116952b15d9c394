//! The common reference: which connections are behind which congestion points, and who represents the customers there.
//!
//! A CRO keeps a [`CommonReference`] and answers four requests from it. It is a plain value without IO or clock: an update is
//! first decided on, which gives a [`Change`] or the reasons against it; the change is made durable, in a transaction with the
//! answer where there is one; then it is applied. What is kept are rows, [`RegisteredPoint`] and [`RegisteredConnection`], and
//! a common reference is [restored](CommonReference::restore) from them. [`Keeper`] does this over a [`Register`], the storage
//! port.
//!
//! # How updates are read
//!
//! The standard says of an update that it is sent again to change what it said, and leaves open what becomes of that. Here:
//!
//! - An update is about what it names: the congestion points of a DSOPortfolioUpdate with all that is behind them, and each
//!   connection of an AGRPortfolioUpdate. Whatever it does not name stays as it is.
//! - Of what it names, it says all there is **from the day on which it is received**. So a DSO takes a connection from behind
//!   a point by sending the point without it, and an AGR gives one up by an `EndPeriod`. The same point or connection may be
//!   named several times, for periods that do not overlap: that is how it is said that something changes later.
//! - **Days that are over stay as they were registered.** For those for which nothing was registered, the update fills the gap.
//!   The whole history can be asked for, each day by its Period.
//! - A congestion point is ended by an `EndPeriod` of today (or before): "It is not necessary to add connections", and those
//!   that such an update does not name stay until the end. Since a Period is a whole day, that day is the last one.
//!
//! # What is rejected
//!
//! All reasons that a message gives are collected in one rejection, and name what is wrong, but never who else is registered.
//!
//! - `Unauthorized`: the CRO is [closed](Access::Closed) and the sender is none of its members.
//! - `Time zone rejected`: a day that is named is another one in the market's time zone. Any name will do whose days are the same.
//! - A `StartPeriod` after its `EndPeriod`; a point or connection that is named twice for one day.
//! - The period of a connection that is not within that of its congestion point, and one without an end at a point with one, or
//!   the other way round ("null if and only if"): of both the standard says that a CRO may reject them.
//! - A connection that another AGR has, or that is behind a congestion point of another DSO, on one of the days; and a congestion
//!   point that another DSO has. Who came first keeps it until he ends it. A connection may be behind several points of one DSO.
//! - What goes beyond the [`ReferenceLimits`].
//! - `No connections available`: a query of a sender that has nothing registered; of an AGR also if it has nothing behind any congestion
//!   point on that day.
//! - `Invalid congestion point`: a DSOPortfolioQuery for a point that its sender has never registered, whether another has or
//!   not. Telling them apart would tell of points that are not its own.
//!
//! `Subordinate sequence number` is never given: the standard asks for a sequence number in each update, but no message has a field
//! for it. Updates of one conversation are decided in the order in which they came.
//!
//! # What is told
//!
//! An AGR learns the DSO, point and trading terms of its own connections and nothing of others. A DSO learns which connections are
//! behind its own points; who represents them (`AGR-Domain`) only if the CRO [says so](ReferencePolicy::disclose_aggregators): the standard
//! wants it to see counts, and has no field for counts.
//!
//! An AGR's connections that are behind no point are listed beside those that are. Where all are behind none, the answer is
//! `No connections available` with their number: the schemas demand a `DSO-Portfolio` in each view, and peers refuse one without.

mod agr_portfolio;
mod change;
mod common_reference;
mod days;
mod dso_portfolio;
mod faults;
mod keeper;
mod lasting;
mod policy;
mod register;
mod rows;
#[cfg(feature = "service")]
mod service;

pub use change::{Change, OutOfTurn};
pub use common_reference::CommonReference;
pub use days::{Days, EndBeforeStart};
pub use keeper::Keeper;
pub use policy::{Access, ReferenceLimits, ReferencePolicy};
pub use register::{MemoryRegister, Register, RegisterError, Rows};
pub use rows::{
    Membership, RegisteredConnection, RegisteredPoint, Representation, TradingPeriod, TradingTerms,
};
#[cfg(feature = "service")]
pub use service::cro_service;
