//! What was agreed at the market, from the configuration.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use tieline_types::EntityAddress;
use tieline_uftp::Participant;
use tieline_uftp::rules::{CongestionPointTerms, Terms};

use super::metering::ean;
use crate::config::{AgrConfig, DsoConfig, UftpConfig};

/// The terms with every counterparty.
#[derive(Clone, Debug)]
pub(crate) struct MarketTerms(Arc<Terms>);

impl MarketTerms {
    pub(crate) fn of_agr(uftp: &UftpConfig, agr: &AgrConfig) -> Self {
        let mut terms = Terms::new(uftp.calendar.clone());
        terms.congestion_points = Some(points(&agr.congestion_points));
        Self(Arc::new(terms))
    }

    pub(crate) fn of_dso(uftp: &UftpConfig, dso: &DsoConfig) -> Self {
        let mut terms = Terms::new(uftp.calendar.clone());
        let named = dso.congestion_points.iter().map(|point| &point.entity_address);
        let needed = dso.needs.iter().map(|need| &need.congestion_point);
        terms.congestion_points = Some(points(named.chain(needed)));
        terms.unsolicited_offers = false;
        let connections = dso.congestion_points.iter().flat_map(|point| &point.connections);
        let meters: BTreeSet<_> = connections.filter_map(ean).collect();
        if !meters.is_empty() {
            terms.metering.meters = Some(meters);
        }
        Self(Arc::new(terms))
    }
}

fn points<'a>(
    addresses: impl IntoIterator<Item = &'a EntityAddress>,
) -> BTreeMap<EntityAddress, CongestionPointTerms> {
    addresses.into_iter().map(|point| (point.clone(), CongestionPointTerms::default())).collect()
}

impl tieline_uftp::service::Terms for MarketTerms {
    fn with(&self, _: &Participant) -> Arc<Terms> {
        Arc::clone(&self.0)
    }
}
