//! The market's book: what was expected, requested, offered, ordered, promised, metered and settled, as the node keeps it.
//!
//! These records know no wire format. `bridge::uftp` maps messages to them and back.

mod exchanged;
mod held;
mod message_key;
mod metered;
mod need;
mod offer;
mod order;
mod portfolio;
mod prognosis;
mod promise;
mod request;
mod reservation;
mod schedule;
mod settlement;
mod shortfall;
mod window;

pub(crate) use exchanged::{Exchanged, ExchangedAbout, Fate, Referring};
pub(crate) use held::Held;
pub(crate) use message_key::message_key;
pub(crate) use metered::{Metered, MeteredState, MeteringMessage, metered_by};
pub(crate) use need::{Need, NeedState};
pub(crate) use offer::{Offer, OfferOption, OfferState};
pub(crate) use order::{Order, OrderState};
pub(crate) use portfolio::{
    Days, Portfolio, PortfolioQuery, PortfolioUpdate, PortfolioUpdateState, Registered, Trading,
};
pub(crate) use prognosis::{ExpectedFrom, Prognosis, PrognosisState, baseline_of};
pub(crate) use promise::Promise;
pub(crate) use request::{Request, RequestState, RequestedPower};
pub(crate) use reservation::Reservation;
pub(crate) use schedule::{Schedule, Wanted};
pub(crate) use settlement::{
    Claim, ItemStatus, OwnAmounts, Settlement, SettlementIsp, SettlementItem, SettlementState,
};
pub(crate) use shortfall::ReportedShortfall;
pub(crate) use window::{IspPower, Window, hull, per_isp};
