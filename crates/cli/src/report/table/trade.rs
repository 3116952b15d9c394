use comfy_table::Table;

use super::{printable, section, table};
use crate::report::day::{Day, Totals};
use crate::report::figures::Figures;
use crate::report::label::{energy, money, percent};

/// What was delivered of what was ordered, each order, and the totals of both sides.
pub(super) fn settlement(day: &Day, figures: &Figures) -> String {
    let (ordered, delivered) = (energy(figures.ordered), energy(figures.delivered));
    let title = format!(
        "Settlement: {} {} ordered, {} {} delivered{}",
        ordered.0,
        ordered.1,
        delivered.0,
        delivered.1,
        figures.delivered_permille().map(|share| format!(" ({})", percent(Some(share)))).unwrap_or_default(),
    );
    let amount = |what: &str| format!("{what}, {}", day.currency);
    let [agreed, paid, penalty, net] = ["agreed", "paid", "penalty", "net"].map(amount);
    let mut orders = table(&["order", "ISPs", "state", &agreed, &paid, &penalty, &net], 3..7);
    for order in &day.orders {
        let [paid, penalty, net] = totals(order.settled);
        let isps = format!("{} to {}", order.isps.start(), order.isps.last());
        let (reference, state) = (printable(&order.reference), printable(&order.state));
        orders.add_row([reference, isps, state, money(order.price), paid, penalty, net]);
    }
    for (side, said) in [("DSO", day.settlement.dso), ("AGR", day.settlement.agr)] {
        let [paid, penalty, net] = totals(said);
        let state = if said.is_some() { "" } else { "not settled" };
        let blank = String::new;
        orders.add_row([
            format!("all, says the {side}"),
            blank(),
            state.to_owned(),
            blank(),
            paid,
            penalty,
            net,
        ]);
    }
    let verdict = if day.settlement.agrees() { "both sides agree" } else { "the sides do NOT agree" };
    format!("{}  {verdict}\n", section(&title, &orders))
}

fn totals(totals: Option<Totals>) -> [String; 3] {
    totals.map_or_else(Default::default, |totals| [totals.paid, totals.penalty, totals.net].map(money))
}

/// The heads of the journals.
pub(super) fn journals(day: &Day) -> Table {
    let mut table = table(&["of the", "entries", "chain", "head"], 1..2);
    for journal in &day.journals {
        let chain = if journal.verified { "unbroken" } else { "NOT VERIFIED" };
        table.add_row([
            printable(&journal.role),
            journal.entries.to_string(),
            chain.to_owned(),
            printable(&journal.head),
        ]);
    }
    table
}
