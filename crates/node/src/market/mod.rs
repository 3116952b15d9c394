//! The market's book: what was requested, offered, ordered and promised, as the node keeps it.
//!
//! These records know no wire format. `bridge::uftp` maps messages to them and back.

mod need;
mod offer;
mod order;
mod promise;
mod request;
mod window;

pub(crate) use need::{Need, NeedState};
pub(crate) use offer::{Offer, OfferOption, OfferState};
pub(crate) use order::{Order, OrderState};
pub(crate) use promise::Promise;
pub(crate) use request::{Request, RequestState, RequestedPower};
pub(crate) use window::{IspPower, Window, hull, per_isp};
