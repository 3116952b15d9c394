//! The page of a day. What comes from the day is escaped by the templates.

mod tables;

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::chart;
use super::day::Day;
use super::figures::Figures;
use super::label::{Clock, energy, money, percent};

/// The page loads nothing, sends nothing, and belongs into no frame.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

/// The whole page.
pub(super) fn page(day: &Day) -> Markup {
    let (figures, clock) = (Figures::of(day), Clock::of(day));
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { "Tieline: " (day.date) }
                style { (PreEscaped(include_str!("style.css"))) }
            }
            body {
                main {
                    (head(day))
                    (key_numbers(day, &figures))
                    (tables::alarms(day, &clock))
                    @if let Some(span) = day.span() {
                        (chart::load(day, span, &clock))
                        (chart::window(day, &clock))
                        (chart::charging(day, span, &clock))
                    }
                    (chart::served(&figures))
                    (chart::money(day, &clock))
                    (tables::settlement(day))
                    (tables::journals(day))
                    (tables::isps(day, &clock))
                    (tables::sessions(day, &clock))
                }
                footer { "tieline " (env!("CARGO_PKG_VERSION")) " · this page needs no network" }
                script { (PreEscaped(include_str!("page.js"))) }
            }
        }
    }
}

fn head(day: &Day) -> Markup {
    html! {
        header #day data-date=(day.date) data-zone=[day.time_zone.iana_name()] data-seed=(day.seed)
            data-isps=(day.isps.len()) data-sessions=(day.sessions.len()) {
            p.mark { "Tieline" }
            h1 { "A day of flexibility, " (day.date.strftime("%-d %B %Y")) }
            p.where {
                (day.dso) " bought from " (day.agr) " behind " (day.congestion_point) ". "
                (day.chargers) " chargers, " (day.sessions.len()) " charging sessions, "
                (day.isps.len()) " ISPs of " (day.isp_duration.minutes()) " minutes in "
                (day.time_zone.iana_name().unwrap_or("a fixed offset")) ". Seed " (day.seed)
                ", played in " (format!("{:.1}", day.took.as_secs_f64())) " s."
            }
        }
    }
}

fn key_numbers(day: &Day, figures: &Figures) -> Markup {
    let (ordered, delivered) = (energy(figures.ordered), energy(figures.delivered));
    let settled = day.settlement.dso.or(day.settlement.agr);
    let verified = day.journals.iter().filter(|journal| journal.verified).count();
    html! {
        dl.key {
            div #key-ordered data-watt-seconds=(figures.ordered.watt_seconds()) {
                dt { "ordered" }
                dd { (ordered.0) span.unit { (ordered.1) } }
                dd.more { (day.orders.len()) @if day.orders.len() == 1 { " order" } @else { " orders" } }
            }
            div #key-delivered data-watt-seconds=(figures.delivered.watt_seconds()) data-permille=[figures.delivered_permille()] {
                dt { "delivered" }
                dd { (whole_percent(figures.delivered_permille())) }
                dd.more { (delivered.0) " " (delivered.1) }
            }
            div #key-paid data-net=[settled.map(|totals| totals.net)] data-agrees=(day.settlement.agrees()) {
                dt { "paid, net" }
                @if let Some(totals) = settled {
                    dd { (money(totals.net)) span.unit { (day.currency) } }
                    dd.more { "penalty " (money(totals.penalty)) ", "
                        @if day.settlement.agrees() { "agreed" } @else { "not agreed" } }
                } @else {
                    dd { "–" }
                    dd.more { "not settled" }
                }
            }
            div #key-drivers data-served=(figures.served()) data-sessions=(day.sessions.len()) data-permille=[figures.got_permille()] {
                dt { "drivers served" }
                dd { (figures.served()) span.unit { "of " (day.sessions.len()) } }
                dd.more { (percent(figures.got_permille())) " of the energy" }
            }
            div #key-journals data-verified=(verified) data-journals=(day.journals.len()) {
                dt { "journals verified" }
                dd { (verified) span.unit { "of " (day.journals.len()) } }
                dd.more { (day.journals.iter().map(|journal| journal.entries).fold(0, u64::saturating_add)) " entries" }
            }
        }
    }
}

fn whole_percent(permille: Option<i64>) -> Markup {
    let text = percent(permille);
    html! {
        @if let Some((number, unit)) = text.split_once(' ') { (number) span.unit { (unit) } } @else { "–" }
    }
}
