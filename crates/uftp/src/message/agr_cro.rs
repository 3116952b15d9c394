//! The messages between AGR and CRO (`UFTP-agr-cro.xsd`).

mod agr_portfolio_query;
mod agr_portfolio_query_response;
mod agr_portfolio_update;
mod agr_portfolio_update_response;

pub use agr_portfolio_query::AgrPortfolioQuery;
pub use agr_portfolio_query_response::{
    AgrPortfolioQueryResponse, ConnectionEntry, DsoPortfolio, DsoView, PortfolioCongestionPoint,
};
pub use agr_portfolio_update::{AgrPortfolioUpdate, AgrPortfolioUpdateConnection};
pub use agr_portfolio_update_response::AgrPortfolioUpdateResponse;
