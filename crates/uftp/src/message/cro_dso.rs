//! The messages between CRO and DSO (`UFTP-cro-dso.xsd`).

mod dso_portfolio_query;
mod dso_portfolio_query_response;
mod dso_portfolio_update;
mod dso_portfolio_update_response;
mod redispatch_by;

pub use dso_portfolio_query::DsoPortfolioQuery;
pub use dso_portfolio_query_response::{
    DsoPortfolioQueryCongestionPoint, DsoPortfolioQueryConnection, DsoPortfolioQueryResponse,
};
pub use dso_portfolio_update::{
    DsoPortfolioUpdate, DsoPortfolioUpdateCongestionPoint, DsoPortfolioUpdateConnection,
};
pub use dso_portfolio_update_response::DsoPortfolioUpdateResponse;
pub use redispatch_by::RedispatchBy;
