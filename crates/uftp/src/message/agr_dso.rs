//! The messages between AGR and DSO (`UFTP-agr-dso.xsd`).

mod contract_settlement;
mod d_prognosis;
mod d_prognosis_response;
mod flex_message;
mod flex_offer;
mod flex_offer_response;
mod flex_offer_revocation;
mod flex_offer_revocation_response;
mod flex_order;
mod flex_order_response;
mod flex_request;
mod flex_request_response;
mod flex_reservation_update;
mod flex_reservation_update_response;
mod flex_settlement;
mod flex_settlement_response;
mod isp;

pub use contract_settlement::{ContractSettlement, ContractSettlementIsp, ContractSettlementPeriod};
pub use d_prognosis::DPrognosis;
pub use d_prognosis_response::{DPrognosisResponse, FlexOrderStatus};
pub use flex_message::FlexMessage;
pub use flex_offer::{FlexOffer, OfferOption};
pub use flex_offer_response::FlexOfferResponse;
pub use flex_offer_revocation::FlexOfferRevocation;
pub use flex_offer_revocation_response::FlexOfferRevocationResponse;
pub use flex_order::FlexOrder;
pub use flex_order_response::FlexOrderResponse;
pub use flex_request::{Disposition, FlexRequest, FlexRequestIsp};
pub use flex_request_response::FlexRequestResponse;
pub use flex_reservation_update::FlexReservationUpdate;
pub use flex_reservation_update_response::FlexReservationUpdateResponse;
pub use flex_settlement::{FlexOrderSettlement, FlexOrderSettlementIsp, FlexSettlement};
pub use flex_settlement_response::{AcceptedDisputed, FlexOrderSettlementStatus, FlexSettlementResponse};
pub use isp::Isp;
