//! What was agreed at the market, from the configuration and from the common reference.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, PoisonError, RwLock};

use tieline_types::{Domain, EntityAddress};
use tieline_uftp::rules::{CongestionPointTerms, ContractTerms, ReservationDeadline, Terms};
use tieline_uftp::{Participant, Text};

use super::metering::ean;
use crate::config::{AgrConfig, ContractConfig, DsoConfig, UftpConfig};

/// The terms with every counterparty. A clone is the same.
#[derive(Clone, Debug)]
pub(crate) struct MarketTerms {
    /// As the configuration has them.
    configured: Arc<Terms>,
    current: Arc<RwLock<Arc<Terms>>>,
    /// The contracts with each counterparty, where any are known.
    contracts: Option<Arc<BTreeMap<Domain, BTreeMap<Text, ContractTerms>>>>,
}

impl MarketTerms {
    fn new(terms: Terms) -> Self {
        let configured = Arc::new(terms);
        Self { current: Arc::new(RwLock::new(Arc::clone(&configured))), configured, contracts: None }
    }

    pub(crate) fn of_agr(uftp: &UftpConfig, agr: &AgrConfig) -> Self {
        let mut terms = Terms::new(uftp.calendar.clone());
        let default = CongestionPointTerms::default();
        terms.congestion_points =
            Some(agr.congestion_points.iter().map(|point| (point.clone(), default)).collect());
        Self { contracts: contracts(&agr.contracts), ..Self::new(terms) }
    }

    /// Those of a common reference operator: the rules that ask for terms are about other messages.
    pub(crate) fn of_cro(uftp: &UftpConfig) -> Self {
        Self::new(Terms::new(uftp.calendar.clone()))
    }

    pub(crate) fn of_dso(uftp: &UftpConfig, dso: &DsoConfig) -> Self {
        let mut terms = Terms::new(uftp.calendar.clone());
        let needed = dso.needs.iter().map(|need| (need.congestion_point.clone(), true));
        let named = dso
            .congestion_points
            .iter()
            .map(|point| (point.entity_address.clone(), point.mutex_offers_supported));
        // What is said of a point itself counts.
        let points = needed.chain(named);
        let of_point =
            |(point, mutex_offers_supported)| (point, CongestionPointTerms { mutex_offers_supported });
        terms.congestion_points = Some(points.map(of_point).collect());
        terms.unsolicited_offers = false;
        let connections = dso.congestion_points.iter().flat_map(|point| &point.connections);
        let meters: BTreeSet<_> = connections.filter_map(ean).collect();
        if !meters.is_empty() {
            terms.metering.meters = Some(meters);
        }
        Self::new(terms)
    }

    /// What the common reference says of offers with several options, in place of what it said before. Points that it does
    /// not name are as configured.
    pub(crate) fn learn(&self, mutex_offers: &BTreeMap<EntityAddress, bool>) {
        let mut terms = Terms::clone(&self.configured);
        for (point, known) in terms.congestion_points.iter_mut().flatten() {
            if let Some(supported) = mutex_offers.get(point) {
                known.mutex_offers_supported = *supported;
            }
        }
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(terms);
    }
}

impl tieline_uftp::service::Terms for MarketTerms {
    fn with(&self, counterparty: &Participant) -> Arc<Terms> {
        let current = Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner));
        let Some(contracts) = &self.contracts else { return current };
        let mut terms = Terms::clone(&current);
        terms.contracts = Some(contracts.get(&counterparty.domain).cloned().unwrap_or_default());
        Arc::new(terms)
    }
}

/// Where none is configured, any may be named.
fn contracts(configured: &[ContractConfig]) -> Option<Arc<BTreeMap<Domain, BTreeMap<Text, ContractTerms>>>> {
    let mut contracts: BTreeMap<_, BTreeMap<_, _>> = BTreeMap::new();
    for contract in configured {
        let deadline = contract
            .release_until
            .map(|until| ReservationDeadline { days_before: until.days_before, time: until.time });
        let terms = ContractTerms { reserved: contract.reserved, deadline };
        contracts.entry(contract.dso.clone()).or_default().insert(Text::lossy(&contract.id), terms);
    }
    (!contracts.is_empty()).then(|| Arc::new(contracts))
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;
    use tieline_types::{IspCalendar, IspDuration};
    use tieline_uftp::Role;
    use tieline_uftp::service::Terms as _;

    use super::*;

    #[test]
    fn what_is_learnt_last_counts_at_the_points_that_are_configured() {
        let [one, two, other]: [EntityAddress; 3] =
            ["ean.871685900012345001", "ean.871685900012345002", "ean.871685900012345003"]
                .map(|address| address.parse().unwrap());
        let mut configured = Terms::new(IspCalendar::new(TimeZone::UTC, IspDuration::PT15M));
        let points = [&one, &two].map(|point| (point.clone(), CongestionPointTerms::default()));
        configured.congestion_points = Some(BTreeMap::from(points));
        let terms = MarketTerms::new(configured);
        let with = Participant { role: Role::Dso, domain: "dso.example.com".parse().unwrap() };
        let supported = || -> Vec<bool> {
            let terms = terms.with(&with);
            terms.congestion_points.iter().flatten().map(|(_, known)| known.mutex_offers_supported).collect()
        };
        assert_eq!(supported(), [true, true]);
        terms.learn(&BTreeMap::from([(one, false), (other, false)]));
        assert_eq!(supported(), [false, true]);
        terms.learn(&BTreeMap::from([(two, false)]));
        assert_eq!(supported(), [true, false]);
    }
}
