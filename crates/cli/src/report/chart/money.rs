use maud::{Markup, html};
use rust_decimal::Decimal;
use tieline_types::Amount;

use super::Chart;
use super::frame::RIGHT;
use super::scale::{Length, Scale};
use crate::report::day::{Day, Totals};
use crate::report::label::{Clock, money as digits, shortened};

/// Where the bars begin and end, in pixels from the left.
const BARS: i64 = 300;
const END: i64 = RIGHT - 150;
const ROW: i64 = 30;
const TOP: i64 = 26;
/// More orders would make the chart higher than a screen.
const MOST_ROWS: usize = 24;
const LEGEND: &[(&str, &str)] =
    &[("agreed", "agreed price"), ("paid", "paid"), ("penalty", "penalty"), ("net", "net")];

struct Row {
    id: String,
    name: String,
    detail: String,
    agreed: Option<Amount>,
    totals: Option<Totals>,
}

/// What each order came to, and what both sides make of all of them. Nothing on a day without orders.
pub(in crate::report) fn money(day: &Day, clock: &Clock) -> Markup {
    let (orders, left_out) = orders(day, clock);
    if orders.is_empty() {
        return Markup::default();
    }
    let totals =
        [("dso", "DSO: all orders", day.settlement.dso), ("agr", "AGR: all orders", day.settlement.agr)];
    let totals = totals.map(|(id, name, totals)| Row {
        id: format!("money-{id}"),
        name: name.to_owned(),
        detail: if totals.is_none() { "nothing said".to_owned() } else { String::new() },
        agreed: None,
        totals,
    });
    let rows: Vec<&Row> = orders.iter().chain(&totals).collect();
    let scale = scale(&rows);
    let bottom = TOP + ROW * i64::try_from(rows.len()).unwrap_or(0) + 10;
    let zero = scale.at(0);
    let drawn = html! {
        @for (row, index) in rows.iter().zip(0..) {
            @let total = index >= orders.len();
            g.total[total] id=(row.id) {
                (drawn_row(row, scale, TOP + ROW * i64::try_from(index).unwrap_or(0) + if total { 10 } else { 0 }))
            }
        }
        g.axis {
            line.zero x1=(zero) x2=(zero) y1=(TOP - 8) y2=(bottom) {}
            text.unit x=(RIGHT) y=(TOP - 12) text-anchor="end" { "net, " (day.currency) }
        }
    };
    Chart {
        id: "chart-money",
        title: "Money",
        description: "What each order came to: paid for what was delivered, less the penalty for what was missed.",
        height: bottom + 6,
        legend: LEGEND,
        note: (left_out > 0).then(|| format!("The {MOST_ROWS} orders of the highest price; the table has the other {left_out}.")),
    }
    .figure(&drawn)
}

/// The orders to show, as they were placed, and how many are not shown.
fn orders(day: &Day, clock: &Clock) -> (Vec<Row>, usize) {
    let mut dearest: Vec<usize> = (0..day.orders.len()).collect();
    dearest.sort_by_key(|index| std::cmp::Reverse(day.orders.get(*index).map(|order| order.price)));
    dearest.truncate(MOST_ROWS);
    dearest.sort_unstable();
    let rows = dearest.into_iter().filter_map(|index| Some((index, day.orders.get(index)?)));
    let rows: Vec<Row> = rows
        .map(|(index, order)| Row {
            id: format!("money-order-{}", index + 1),
            name: order.reference.clone(),
            detail: day.span_of(order.isps).map(|span| clock.span(span)).unwrap_or_default(),
            agreed: Some(order.price),
            totals: order.settled,
        })
        .collect();
    let left_out = day.orders.len() - rows.len();
    (rows, left_out)
}

fn scale(rows: &[&Row]) -> Scale {
    let right = rows.iter().flat_map(|row| [row.agreed, row.totals.map(|totals| totals.paid)]);
    let left = rows.iter().filter_map(|row| row.totals);
    let ends = right.flatten().map(units).chain(left.clone().map(|totals| units(totals.net)));
    let high = ends.clone().max().unwrap_or(0).max(1);
    let low = ends.chain(left.map(|totals| -units(totals.penalty))).min().unwrap_or(0).min(0);
    Scale::new((low, high), (Length::pixels(BARS), Length::pixels(END)))
}

fn drawn_row(row: &Row, scale: Scale, y: i64) -> Markup {
    let bar = |class: &str, from: i64, to: i64| {
        let (from, to) = (scale.at(from.min(to)), scale.at(from.max(to)));
        html! { rect class=(class) x=(from) width=(Length(to.0 - from.0)) y=(y) height=(ROW - 12) {} }
    };
    html! {
        text.name x="0" y=(y + 13) { title { (row.name) } (shortened(&row.name)) }
        text.detail x=(BARS - 12) y=(y + 13) text-anchor="end" { (row.detail) }
        @if let Some(agreed) = row.agreed { (bar("agreed", 0, units(agreed))) }
        @if let Some(Totals { paid, penalty, net }) = row.totals {
            (bar("paid", 0, units(paid)))
            (bar("penalty", 0, -units(penalty)))
            @let x = scale.at(units(net));
            line.net x1=(x) x2=(x) y1=(y - 3) y2=(y + ROW - 9) {}
            text.value x=(RIGHT) y=(y + 13) text-anchor="end" data-net=(net) { (digits(net)) }
        } @else {
            text.value x=(RIGHT) y=(y + 13) text-anchor="end" { "not settled" }
        }
    }
}

/// Ten-thousandths: amounts have no finer ones.
fn units(amount: Amount) -> i64 {
    let units = amount.value().checked_mul(Decimal::from(10_000)).map(|value| value.trunc());
    let limit = if amount < Amount::ZERO { i64::MIN + 1 } else { i64::MAX };
    units.and_then(|value| i64::try_from(value).ok()).unwrap_or(limit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_drawn_to_the_last_digit_or_at_the_limit() {
        for (amount, drawn) in
            [("1.2345", 12_345), ("-0.0001", -1), ("0", 0), ("9999999999999999999", i64::MAX)]
        {
            assert_eq!(units(amount.parse().unwrap()), drawn, "{amount}");
        }
        assert_eq!(-units("-9999999999999999999".parse().unwrap()), i64::MAX);
    }
}
