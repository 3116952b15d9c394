//! D-Prognosis and FlexReservationUpdate.

use anyhow::{Result, ensure};
use tieline_uftp::message::{DPrognosis, FlexOrderStatus, Isp};
use tieline_uftp::value::MessageId;
use tieline_uftp::{Accepted, Payload};

use super::draft::{CONTRACT, d_prognosis, isp, reservation};
use super::{ACCEPTED, Orders, Trade};
use crate::coverage::Maker;
use crate::world::Verdict;

const WHOLE_DAY: (u16, u16) = (1, 96);

impl Trade<'_> {
    /// Gives the D-Prognosis from which changes are counted.
    pub(super) fn plan(&mut self) -> Result<MessageId> {
        let baseline = self.prognosis(1, vec![isp(WHOLE_DAY, 500_000)]);
        self.ask(self.agr, baseline.clone(), &ACCEPTED)?;

        let again = self.prognosis(1, vec![isp(WHOLE_DAY, 400_000)]);
        self.broken(self.agr, again, "Subordinate sequence number")?;
        let short = self.prognosis(2, vec![isp((1, 95), 500_000)]);
        self.broken(self.agr, short, "Lacking ISPs")?;
        let twice = self.prognosis(2, vec![isp(WHOLE_DAY, 500_000), isp((7, 1), 0)]);
        self.broken(self.agr, twice, "ISP conflict")?;
        let refused = self.prognosis(2, vec![isp(WHOLE_DAY, 450_000)]);
        self.turned_down(self.agr, refused)?;
        self.reserve()?;
        Ok(baseline.header.message_id)
    }

    fn reserve(&mut self) -> Result<()> {
        let mut update = |contract, isps| reservation(self.header(self.dso, None), contract, isps);
        let less = update(CONTRACT, vec![isp((1, 4), -300_000), isp((5, 1), 0)]);
        let more = update(CONTRACT, vec![isp((9, 4), -500_001)]);
        let back = update(CONTRACT, vec![isp((1, 4), -400_000)]);
        let stranger = update("C-9", vec![isp((9, 1), 0)]);
        let refused = update(CONTRACT, vec![isp((9, 1), 0)]);
        self.ask(self.dso, less, &ACCEPTED)?;
        self.broken(self.dso, more, "Power value rejection")?;
        self.broken(self.dso, back, "Power value rejection")?;
        self.broken(self.dso, stranger, "Unknown reference ContractID")?;
        self.turned_down(self.dso, refused)
    }

    /// After the orders: a D-Prognosis that shows the first and not the second, and the answer that says so.
    pub(super) fn plan_again(&mut self, orders: &Orders) -> Result<()> {
        let [first, second] = orders.ordered;
        let status = |order, is_validated| FlexOrderStatus { flex_order_message_id: order, is_validated };
        let statuses = vec![status(first, true), status(second, false)];
        let shown = vec![isp((1, 40), 500_000), isp((41, 8), 100_000), isp((49, 48), 500_000)];
        let shown = self.prognosis(3, shown);
        let answer = self.ask(self.agr, shown, &Verdict::Accepted(Accepted::Orders(statuses.clone())))?;
        let Some(Payload::DPrognosisResponse(answer)) = answer else {
            anyhow::bail!("answered with {answer:?}");
        };
        // What the library's DSO says of orders is what it was told to say.
        ensure!(self.dso.0 == Maker::Library || answer.flex_order_statuses == statuses, "{answer:?}");
        Ok(())
    }

    fn prognosis(&mut self, revision: i64, isps: Vec<Isp>) -> DPrognosis {
        d_prognosis(self.header(self.agr, None), revision, isps)
    }
}
