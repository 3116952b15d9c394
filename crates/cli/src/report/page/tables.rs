use maud::{Markup, html};
use tieline_types::Power;

use crate::report::day::{Day, Isp, Totals};
use crate::report::figures::{Class, permille};
use crate::report::label::{Clock, kilowatt_hours, kilowatts, kilowatts_or_none, money, percent};

/// What somebody had to be told; nothing if nobody had.
pub(super) fn alarms(day: &Day, clock: &Clock) -> Markup {
    html! {
        @if !day.alarms.is_empty() {
            section #alarms.card data-count=(day.alarms.len()) {
                h2 { "Alarms" }
                ul { @for alarm in &day.alarms {
                    li { time datetime=(alarm.at) { (clock.time(alarm.at)) } " " (alarm.text) }
                } }
            }
        }
    }
}

/// Orders, and the totals of both sides.
pub(super) fn settlement(day: &Day) -> Markup {
    let sides = [("dso", "DSO", day.settlement.dso), ("agr", "AGR", day.settlement.agr)];
    html! {
        section #settlement.card data-agrees=(day.settlement.agrees()) {
            h2 { "Settlement" }
            div.scroll { table {
                thead { tr {
                    th scope="col" { "order" }
                    th scope="col" { "ISPs" }
                    th scope="col" { "state" }
                    @for amount in ["agreed", "paid", "penalty", "net"] {
                        th.number scope="col" { (amount) ", " (day.currency) }
                    }
                } }
                tbody { @for (order, number) in day.orders.iter().zip(1..) {
                    tr id={ "order-" (number) } data-reference=(order.reference) {
                        th scope="row" { (order.reference) }
                        td { (order.isps.start()) " to " (order.isps.last()) }
                        td { (order.state) }
                        td.number { (money(order.price)) }
                        (totals(order.settled))
                    }
                } }
                tfoot { @for (id, name, side) in sides {
                    tr id={ "total-" (id) } data-net=[side.map(|side| side.net)] {
                        th scope="row" colspan="4" { "all orders, says the " (name) }
                        (totals(side))
                    }
                } }
            } }
            p.verdict.good[day.settlement.agrees()].bad[!day.settlement.agrees()] {
                @if day.settlement.agrees() { "Both sides agree." } @else { "The sides do not agree." }
            }
        }
    }
}

fn totals(totals: Option<Totals>) -> Markup {
    html! {
        @if let Some(Totals { paid, penalty, net }) = totals {
            td.number { (money(paid)) }
            td.number { (money(penalty)) }
            td.number { (money(net)) }
        } @else {
            td.number colspan="3" { "not settled" }
        }
    }
}

/// The heads of the journals.
pub(super) fn journals(day: &Day) -> Markup {
    html! {
        section #journals.card {
            h2 { "Journals" }
            div.scroll { table {
                thead { tr {
                    th scope="col" { "of the" }
                    th.number scope="col" { "entries" }
                    th scope="col" { "chain" }
                    th scope="col" { "head" }
                } }
                tbody { @for (journal, number) in day.journals.iter().zip(1..) {
                    tr id={ "journal-" (number) } data-role=(journal.role) data-head=(journal.head) data-verified=(journal.verified) {
                        th scope="row" { (journal.role) }
                        td.number { (journal.entries) }
                        td.good[journal.verified].bad[!journal.verified] {
                            @if journal.verified { "unbroken" } @else { "not verified" }
                        }
                        td { code { (journal.head) } }
                    }
                } }
            } }
        }
    }
}

/// All ISPs.
pub(super) fn isps(day: &Day, clock: &Clock) -> Markup {
    html! {
        details #isps.card {
            summary { h2 { "All " (day.isps.len()) " ISPs" } }
            div.scroll { table {
                thead { tr {
                    th.number scope="col" { "ISP" }
                    th scope="col" { "local time" }
                    @for power in ["baseline", "unsteered", "requested", "offered", "ordered", "measured", "delivered", "missed"] {
                        th.number scope="col" { (power) ", kW" }
                    }
                    th scope="col" { "why" }
                } }
                tbody { @for isp in &day.isps { (row(isp, clock)) } }
            } }
        }
    }
}

fn row(isp: &Isp, clock: &Clock) -> Markup {
    let requested = isp.requested.map(|bounds| {
        format!("{} {} to {}", bounds.disposition.as_str(), kilowatts(bounds.min), kilowatts(bounds.max))
    });
    let powers = [isp.offered, isp.ordered, isp.measured, isp.delivered, isp.deficiency];
    html! {
        tr id={ "isp-" (isp.number) } data-baseline=(watts(isp.baseline)) data-ordered=[isp.ordered.map(watts)]
            data-measured=[isp.measured.map(watts)] data-delivered=[isp.delivered.map(watts)] .traded[isp.is_traded()] {
            th.number scope="row" { (isp.number) }
            td { (clock.span(isp.span)) }
            td.number { (kilowatts(isp.baseline)) }
            td.number { (kilowatts_or_none(isp.uncontrolled)) }
            td.number { (requested.unwrap_or_default()) }
            @for power in powers { td.number { (kilowatts_or_none(power)) } }
            td { @if let Some(why) = &isp.shortfall { (why) } }
        }
    }
}

fn watts(power: Power) -> i64 {
    power.watts()
}

/// All sessions.
pub(super) fn sessions(day: &Day, clock: &Clock) -> Markup {
    html! {
        details #sessions.card {
            summary { h2 { "All " (day.sessions.len()) " sessions" } }
            div.scroll { table {
                thead { tr {
                    @for text in ["charger", "OCPP", "behaviour", "arrival", "departure", "stated departure"] {
                        th scope="col" { (text) }
                    }
                    @for energy in ["asked, kWh", "got, kWh", "got, %"] { th.number scope="col" { (energy) } }
                } }
                tbody { @for (session, number) in day.sessions.iter().zip(1..) {
                    tr id={ "session-" (number) } data-charger=(session.charger)
                        data-asked=(session.asked.watt_seconds()) data-got=(session.got.watt_seconds())
                        .unserved[Class::of(session) != Class::Served] {
                        th scope="row" { (session.charger) }
                        td { (session.ocpp) }
                        td { (session.behaviour) }
                        td { (clock.time(session.arrival)) }
                        td { (clock.time(session.departure)) }
                        td { @if let Some(stated) = session.stated_departure { (clock.time(stated)) } }
                        td.number { (kilowatt_hours(session.asked)) }
                        td.number { (kilowatt_hours(session.got)) }
                        td.number { (percent(permille(session.got, session.asked)).trim_end_matches(" %")) }
                    }
                } }
            } }
        }
    }
}
