//! What contracts reserve, and is not for anybody else.

use std::collections::BTreeMap;

use tieline_flex::Direction;
use tieline_store::{ChangeSet, Records as _, StoreError, Stored};
use tieline_types::{Domain, EntityAddress, IspDay, IspNumber, Power, TimeSpan};

use super::Agr;
use super::offering::runs;
use crate::config::ContractConfig;
use crate::market::{IspPower, Offer, OfferState, Request, Reservation, Window, per_isp};

/// What is kept for contracts in each ISP of a day, as changes against the baseline.
#[derive(Debug, Default)]
pub(super) struct Reserved {
    reduction: BTreeMap<IspNumber, Power>,
    increase: BTreeMap<IspNumber, Power>,
}

impl Reserved {
    /// What a change in this direction comes on top of.
    pub(super) fn in_isp(&self, isp: IspNumber, direction: Direction) -> Power {
        let of_direction = match direction {
            Direction::Reduction => &self.reduction,
            Direction::Increase => &self.increase,
        };
        of_direction.get(&isp).copied().unwrap_or(Power::ZERO)
    }

    fn add(&mut self, isp: IspNumber, power: Power) {
        let of_direction = if power < Power::ZERO { &mut self.reduction } else { &mut self.increase };
        let sum = of_direction.entry(isp).or_insert(Power::ZERO);
        *sum = sum.saturating_add(power);
    }
}

impl Agr {
    /// The contract of this name with a grid operator.
    pub(crate) fn contract(&self, dso: &Domain, id: &str) -> Option<&ContractConfig> {
        self.config.contracts.iter().find(|contract| contract.dso == *dso && contract.id == id)
    }

    /// Notes what of a contract's reservation stays reserved.
    pub(crate) async fn keep_reservation(
        &self,
        counterparty: &Domain,
        contract: &str,
        window: Window,
        isps: &[IspPower],
    ) -> Result<ChangeSet, StoreError> {
        let key = Reservation::key(counterparty, contract, window.period);
        let known = self.context.store.record::<Reservation>(&key).await?;
        let version = known.as_ref().map_or(0, |known| known.version);
        let before = known.map(|known| known.value.isps).unwrap_or_default();
        // The latest that names an ISP counts.
        let stays: BTreeMap<_, _> = per_isp(&before).into_iter().chain(per_isp(isps)).collect();
        let reservation = Reservation {
            counterparty: counterparty.clone(),
            contract: contract.to_owned(),
            window,
            isps: runs(stays.into_iter()),
        };
        let mut changes = ChangeSet::new();
        changes.replace(&reservation, version)?;
        Ok(changes)
    }

    /// What other contracts than the request's own reserve at its congestion point, and have not been offered yet.
    pub(super) async fn reserved(&self, request: &Request, day: &IspDay) -> Result<Reserved, StoreError> {
        let mut reserved = Reserved::default();
        let point = &request.window.congestion_point;
        let own = |contract: &ContractConfig| {
            contract.dso == request.counterparty && request.contract.as_ref() == Some(&contract.id)
        };
        let others =
            self.config.contracts.iter().filter(|known| known.congestion_point == *point && !own(known));
        for contract in others {
            let stays = self.stays_reserved(contract, day).await?;
            let offered = self.offered_by(contract, point, day.span()).await?;
            for isp in day.all() {
                let of_isp = stays.get(&isp).copied().unwrap_or(contract.reserved);
                let offered = offered.get(&isp).copied().unwrap_or(Power::ZERO);
                reserved.add(isp, left(of_isp, offered));
            }
        }
        Ok(reserved)
    }

    /// What the grid operator has said of the day.
    async fn stays_reserved(
        &self,
        contract: &ContractConfig,
        day: &IspDay,
    ) -> Result<BTreeMap<IspNumber, Power>, StoreError> {
        let key = Reservation::key(&contract.dso, &contract.id, day.date());
        let known = self.context.store.record::<Reservation>(&key).await?;
        Ok(known.map(|known| per_isp(&known.value.isps).into_iter().collect()).unwrap_or_default())
    }

    /// What was ordered by a contract or is on offer by it: the book has that already.
    async fn offered_by(
        &self,
        contract: &ContractConfig,
        point: &EntityAddress,
        within: TimeSpan,
    ) -> Result<BTreeMap<IspNumber, Power>, StoreError> {
        let now = self.context.now();
        let mut offered = BTreeMap::new();
        let offers = self.context.store.records_of::<Offer>(point.as_str(), Some(within)).await?;
        let offers = offers.into_iter().map(|Stored { value, .. }| value).filter(|offer| {
            offer.counterparty == contract.dso
                && offer.contract.as_ref() == Some(&contract.id)
                && (matches!(offer.state, OfferState::Ordered { .. }) || offer.can_be_ordered(now))
        });
        for offer in offers {
            // They exclude each other; ours has one.
            for (isp, power) in offer.options.iter().take(1).flat_map(|option| per_isp(&option.isps)) {
                let sum = offered.entry(isp).or_insert(Power::ZERO);
                *sum = sum.saturating_add(power);
            }
        }
        Ok(offered)
    }
}

/// What is left of a reservation when so much of it was offered.
fn left(reserved: Power, offered: Power) -> Power {
    let left = reserved.saturating_sub(offered);
    if reserved < Power::ZERO { left.clamp(reserved, Power::ZERO) } else { left.clamp(Power::ZERO, reserved) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_has_the_direction_of_the_reservation_and_is_never_more() {
        let left_of =
            |reserved, offered| left(Power::from_watts(reserved), Power::from_watts(offered)).watts();
        assert_eq!(left_of(-1000, 0), -1000);
        assert_eq!(left_of(-1000, -300), -700);
        assert_eq!(left_of(-1000, -1500), 0);
        assert_eq!(left_of(-1000, 300), -1000);
        assert_eq!(left_of(1000, 300), 700);
        assert_eq!(left_of(1000, 1500), 0);
        assert_eq!(left_of(1000, -300), 1000);
        assert_eq!(left_of(0, -300), 0);
    }
}
