//! Metering and FlexSettlement, when the day is over.

use anyhow::{Result, ensure};
use jiff::ToSpan as _;
use tieline_uftp::message::{
    AcceptedDisputed, FlexOrderSettlement, FlexOrderSettlementStatus, FlexSettlement, Metering, Unit,
};
use tieline_uftp::{Accepted, Payload};

use super::draft::{FIRST, METER, SECOND, flex_settlement, item, metering, text};
use super::{ACCEPTED, Trade, Wrong};
use crate::coverage::Maker;
use crate::world::Verdict;

impl Trade<'_> {
    pub(super) fn measure(&mut self) -> Result<()> {
        let message = metering(self.header(self.agr, None), 1, METER[0]);
        self.ask(self.agr, message, &ACCEPTED)?;
        let wrong: [Wrong<Metering>; 5] = [
            (|metering| metering.profiles[0].unit = Unit::KilowattHour, "A profile is in the wrong unit"),
            (|metering| metering.profiles[1].isps.truncate(95), "Lacking ISPs"),
            (
                |metering| metering.ean = "E0000000000000000".parse().expect("it is an EAN"),
                "Unknown reference EAN",
            ),
            (|metering| metering.period += 2.days(), "Period out of bounds"),
            (|metering| metering.revision = 1, "Subordinate sequence number"),
        ];
        for (change, reason) in wrong {
            let mut message = metering(self.header(self.agr, None), 2, METER[0]);
            change(&mut message);
            self.broken(self.agr, message, reason)?;
        }
        let refused = metering(self.header(self.agr, None), 2, METER[0]);
        self.turned_down(self.agr, refused)?;
        // The schemas have 16 digits and so has what ours writes; the library's have 18, which are forgiven it.
        if self.agr.0 == Maker::Library {
            let longer = metering(self.header(self.agr, None), 1, METER[1]);
            self.ask(self.agr, longer, &ACCEPTED)?;
        }
        Ok(())
    }

    pub(super) fn settle(&mut self) -> Result<()> {
        let first = || item("ORDER-1", "12.50", FIRST, [-400_000, 100_000, -400_000, 0]);
        // Its price is not that of the order.
        let second = || item("ORDER-2", "6.20", SECOND, [-200_000, 350_000, -150_000, 50_000]);

        let incomplete = self.settlement(vec![first()]);
        self.broken(self.dso, incomplete, "Missing Settlement Items")?;
        let stranger = FlexOrderSettlement { order_reference: Some(text("ORDER-9")), ..second() };
        let stranger = self.settlement(vec![first(), stranger]);
        self.broken(self.dso, stranger, "Unknown reference OrderReference; Missing Settlement Items")?;
        let mut early = self.settlement(vec![first(), second()]);
        early.period_end += 2.days();
        self.broken(self.dso, early, "PeriodEnd rejected")?;
        let mut backwards = self.settlement(vec![first(), second()]);
        backwards.period_start += 3.days();
        self.broken(self.dso, backwards, "PeriodStart rejected; PeriodEnd rejected")?;
        let refused = self.settlement(vec![first(), second()]);
        self.turned_down(self.dso, refused)?;

        // The library writes amounts with four digits.
        let differs = "Price is 6.2000, that of the order 6.2500";
        let statuses = vec![
            FlexOrderSettlementStatus::accepted(Some(text("ORDER-1"))),
            FlexOrderSettlementStatus::disputed(Some(text("ORDER-2")), differs),
        ];
        let whole = self.settlement(vec![first(), second()]);
        let answer = self.ask(self.dso, whole, &Verdict::Accepted(Accepted::Items(statuses.clone())))?;
        let Some(Payload::FlexSettlementResponse(answer)) = answer else {
            anyhow::bail!("answered with {answer:?}");
        };
        let disputed =
            answer.statuses.iter().filter(|status| status.disposition == AcceptedDisputed::Disputed);
        ensure!(answer.statuses == statuses && disputed.count() == 1, "{answer:?}");

        // What was disputed may be settled again, what was accepted not.
        let again = self.settlement(vec![first(), second()]);
        self.broken(self.dso, again, "Order ORDER-1 was settled before")
    }

    fn settlement(&mut self, orders: Vec<FlexOrderSettlement>) -> FlexSettlement {
        flex_settlement(self.header(self.dso, None), orders)
    }
}
