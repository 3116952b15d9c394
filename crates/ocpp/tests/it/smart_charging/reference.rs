//! The rules looked up anew for one second, in whole numbers.

use super::spec::{Kind, Purpose, Spec, Step};

/// A station in whole numbers; instants are seconds.
#[derive(Clone, Debug)]
pub(super) struct World {
    pub(super) specs: Vec<Spec>,
    /// Of each EVSE from 1: the transaction and its start, and whether priority charging is on.
    pub(super) evses: Vec<(Option<(i32, i64)>, bool)>,
    pub(super) volts: i64,
    pub(super) phases: i64,
    /// Tenths of an ampere for each EVSE and for the station.
    pub(super) ratings: (Option<i64>, Option<i64>),
    pub(super) offline_since: Option<i64>,
}

/// Thousandths of the unit, and the phases that are named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Allowed {
    pub(super) thousandths: Option<i64>,
    pub(super) phases: Option<i32>,
}

impl World {
    /// What is allowed in a second.
    pub(super) fn allowed(&self, evse: i32, amperes: bool, second: i64) -> Allowed {
        if evse != 0 {
            let mut limits = self.session(evse, second);
            limits.extend(self.leading(evse, evse, Purpose::External, second));
            limits.extend(self.leading(evse, 0, Purpose::External, second));
            limits.extend(self.leading(evse, 0, Purpose::Max, second));
            let generation = self
                .leading(evse, evse, Purpose::Generation, second)
                .or_else(|| self.leading(evse, 0, Purpose::Generation, second));
            let ratings: Vec<i64> = self.ratings.0.into_iter().chain(self.ratings.1).collect();
            return self.combine(amperes, &limits, None, generation, &ratings);
        }
        let mut sum = Some(0);
        for evse in 1..=i32::try_from(self.evses.len()).unwrap() {
            let mut limits = self.session(evse, second);
            limits.extend(self.leading(evse, evse, Purpose::External, second));
            let generation = self.leading(evse, evse, Purpose::Generation, second);
            let ratings: Vec<i64> = self.ratings.0.into_iter().collect();
            let one = self.combine(amperes, &limits, None, generation, &ratings);
            sum = sum.zip(one.thousandths).map(|(sum, one)| sum + one);
        }
        let mut limits = Vec::new();
        limits.extend(self.leading(0, 0, Purpose::External, second));
        limits.extend(self.leading(0, 0, Purpose::Max, second));
        let generation = self.leading(0, 0, Purpose::Generation, second);
        let ratings: Vec<i64> = self.ratings.1.into_iter().collect();
        self.combine(amperes, &limits, sum, generation, &ratings)
    }

    fn session(&self, evse: i32, second: i64) -> Vec<(&Spec, &Step)> {
        let (transaction, priority) = self.evses[usize::try_from(evse - 1).unwrap()];
        let choices = [
            (priority, evse, Purpose::Priority),
            (priority, 0, Purpose::Priority),
            (transaction.is_some(), evse, Purpose::Tx),
            (true, evse, Purpose::Default),
            (true, 0, Purpose::Default),
        ];
        for (applies, on, purpose) in choices {
            if let Some(found) = self.leading(evse, on, purpose, second).filter(|_| applies) {
                return vec![found];
            }
        }
        Vec::new()
    }

    /// The profile of a purpose, installed on `on`, that leads for an EVSE.
    fn leading(&self, evse: i32, on: i32, purpose: Purpose, second: i64) -> Option<(&Spec, &Step)> {
        // What is the connection's own has no transaction to be relative to.
        let of_connection =
            on == 0 && matches!(purpose, Purpose::Max | Purpose::External | Purpose::Generation);
        let transaction = if of_connection { None } else { self.evses[usize::try_from(evse - 1).unwrap()].0 };
        let mut leading: Option<(&Spec, &Step)> = None;
        for spec in &self.specs {
            if spec.evse != on || spec.purpose != purpose {
                continue;
            }
            if spec.transaction.is_some() && spec.transaction != transaction.map(|(id, _)| id) {
                continue;
            }
            let Some(step) = self.says(spec, transaction.map(|(_, start)| start), second) else { continue };
            if leading.is_none_or(|(best, _)| spec.level >= best.level) {
                leading = Some((spec, step));
            }
        }
        leading
    }

    fn says<'a>(&self, spec: &'a Spec, transaction_start: Option<i64>, second: i64) -> Option<&'a Step> {
        let floor = |millis: i64| millis.div_euclid(1000);
        if spec.valid_from.is_some_and(|from| second < floor(from)) {
            return None;
        }
        if spec.valid_to.is_some_and(|to| second >= floor(to)) {
            return None;
        }
        if let (Some(since), Some(most)) = (self.offline_since, spec.max_offline)
            && second >= since + i64::from(most)
        {
            return None;
        }
        let start = match spec.kind {
            Kind::Absolute | Kind::Daily | Kind::Weekly => floor(spec.start?),
            Kind::Relative => transaction_start?,
            Kind::Dynamic => floor(spec.updated?),
        };
        let mut after = second - start;
        if after < 0 {
            return None;
        }
        match spec.kind {
            Kind::Daily => after %= 24 * 3600,
            Kind::Weekly => after %= 7 * 24 * 3600,
            _ => {}
        }
        if spec.duration.is_some_and(|duration| after >= i64::from(duration)) {
            return None;
        }
        spec.steps.iter().rfind(|step| i64::from(step.start) <= after)
    }

    fn combine(
        &self,
        amperes: bool,
        limits: &[(&Spec, &Step)],
        sum: Option<i64>,
        generation: Option<(&Spec, &Step)>,
        ratings: &[i64],
    ) -> Allowed {
        let named = limits.iter().filter_map(|(_, step)| step.phases).min();
        let phases = i64::from(named.unwrap_or(3)).min(self.phases);
        let all = limits.iter().map(|(spec, step)| self.convert(step.tenths, spec.amperes, amperes, phases));
        let mut least = all.chain(sum).min();
        if let Some((spec, step)) = generation {
            let own = i64::from(step.phases.unwrap_or(3)).min(self.phases);
            least = least.map(|least| least + self.convert(step.tenths, spec.amperes, amperes, own));
        }
        let ratings = ratings.iter().map(|tenths| self.convert(*tenths, true, amperes, phases));
        Allowed { thousandths: least.into_iter().chain(ratings).min(), phases: named }
    }

    fn convert(&self, tenths: i64, from_amperes: bool, to_amperes: bool, phases: i64) -> i64 {
        match (from_amperes, to_amperes) {
            (true, false) => tenths * 100 * self.volts * phases,
            (false, true) => tenths * 100 / (self.volts * phases),
            _ => tenths * 100,
        }
    }
}
