//! What the books say of a day at a congestion point, for reports.
//!
//! Nothing here changes anything: [`market_day`] reads any [`Store`], that of a running node ([`Node::market_day`]) or the
//! database of one that has been stopped. The same questions are answered for an aggregator and for a grid operator; what only
//! the other side knows is absent.
//!
//! [`Node::market_day`]: crate::Node::market_day

mod day;
mod isps;
mod money;
mod sessions;

use jiff::civil::Date;
use tieline_store::{Records as _, Store, StoreError};
use tieline_types::{EntityAddress, IspCalendar};

pub use day::{
    LedgerAmounts, LedgerIsp, LedgerOrder, LedgerSession, LedgerSetPoint, LedgerSettlement,
    LedgerSettlementIsp, LedgerSettlementItem, LedgerShortfall, MarketDay, RequestedBounds,
};

use crate::market::ReportedShortfall;

/// What the books say of one local day at a congestion point.
///
/// Fails with [`StoreError::Misuse`] if `calendar` has no such day.
pub async fn market_day(
    store: &dyn Store,
    calendar: &IspCalendar,
    point: &EntityAddress,
    date: Date,
) -> Result<MarketDay, StoreError> {
    let day = calendar.day(date).map_err(|cause| StoreError::Misuse(cause.to_string()))?;
    let span = day.span();
    let books = isps::Books::read(store, point, &day).await?;
    let settlements = money::settlements(store, &books, point, &day).await?;
    let sessions = sessions::sessions(store, point, &day).await?;
    let found = store.records_of::<ReportedShortfall>(point.as_str(), Some(span)).await?;
    let mut shortfalls: Vec<LedgerShortfall> =
        found.into_iter().filter_map(|stored| shortfall(&stored.value, &day)).collect();
    shortfalls.sort_by_key(|shortfall| shortfall.isp);
    Ok(MarketDay {
        congestion_point: point.clone(),
        date,
        isps: books.isps(&day, &settlements, &sessions),
        orders: books.orders(),
        settlements,
        shortfalls,
        sessions,
    })
}

fn shortfall(reported: &ReportedShortfall, day: &tieline_types::IspDay) -> Option<LedgerShortfall> {
    Some(LedgerShortfall {
        isp: day.isp_at(reported.span.start())?,
        target: reported.target,
        planned: reported.planned,
        reason: reported.reason.clone(),
    })
}
