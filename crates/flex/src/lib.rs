//! Flexibility of a fleet: what it would do by itself, what it can do instead, what to offer, and how to keep a promise.
//!
//! Everything here is a pure function of its arguments: no IO, no clock, no chance. Powers are integer watts, positive
//! towards the customer; the same input gives the same output, and ties go by the sessions' names.
//!
//! A market message speaks of *changes* against a [`baseline()`]; a charger is told *limits*. [`offer()`] goes from what is
//! requested to the change that the fleet can really deliver, [`split()`] from what was promised to a limit for each session,
//! which is 0 or between the charger's minimum and maximum, and which ends. [`dispatch()`] does the same in real time, with
//! what is expected of the drivers; [`backtest`] compares it with simpler rules on sessions that were recorded. Afterwards
//! [`measured()`] makes energies of the meters' readings, and [`settle()`] says what was delivered and what it is worth.
#![forbid(unsafe_code)]

pub mod backtest;
mod baseline;
mod book;
mod deliverable;
mod dispatch;
mod fill;
mod fleet;
mod floor;
mod flow;
mod follow;
mod journey;
mod measured;
mod offer;
mod plan;
mod reach;
mod settlement;
mod split;
mod supply;
mod tree;

pub use baseline::baseline;
pub use book::{Book, BookError, BookedOffer, BookedOption, Capability, Committed, Direction, Ending, Free};
pub use deliverable::{Demand, Undeliverable, deliverable};
pub use dispatch::{Expectation, Release, Stay, StayDistribution, dispatch};
pub use fleet::{ChargingSession, Connection, Departure, Device, Fleet, Steering};
pub use follow::{Following, FollowingRules, Seen, following};
pub use measured::{MeasuredIsp, MeasuringRules, Quality, RegisterReading, measured};
pub use offer::{NoOffer, Obstacle, OfferTerms, OfferedChange, Pricing, RequestedChange, offer, offer_on};
pub use plan::{BoundBy, Plan, PlannedPeriod, SessionPlan, Shortfall, ShortfallReason};
pub use settlement::{IspOutcome, OrderToSettle, SettledIsp, SettledOrder, SettlementTerms, settle};
pub use split::{Miss, Target, split};
pub use supply::{Supply, SupplyError};
