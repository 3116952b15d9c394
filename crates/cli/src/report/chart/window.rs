use maud::{Markup, html};
use tieline_types::{Power, TimeSpan};

use super::Chart;
use super::frame::Frame;
use super::load::{present, said};
use super::scale::Length;
use crate::report::day::{Day, Disposition, Isp};
use crate::report::label::Clock;

const HEIGHT: i64 = 300;
/// How many ISPs are shown before and after the traded ones.
const AROUND: usize = 2;
const LEGEND: &[(&str, &str)] = &[
    ("requested", "requested bounds"),
    ("available", "available room"),
    ("offer", "offered"),
    ("order", "ordered"),
    ("delivery", "delivered"),
    ("miss", "missed"),
];

/// The traded ISPs from near: what was requested, offered, ordered and delivered, against the baseline. Nothing for a day
/// without trade.
pub(in crate::report) fn window(day: &Day, clock: &Clock) -> Markup {
    let Some((isps, span)) = traded(&day.isps) else { return Markup::default() };
    let frame = Frame::new(span, isps.iter().flat_map(shown), 30, HEIGHT - 28);
    let requested = |disposition| {
        frame.areas(isps.iter().filter_map(|isp| {
            let bounds = isp.requested.filter(|bounds| bounds.disposition == disposition)?;
            Some((isp.span, bounds.max, bounds.min))
        }))
    };
    let drawn = html! {
        (frame.axes(clock))
        path.requested d=(requested(Disposition::Requested)) {}
        path.available d=(requested(Disposition::Available)) {}
        @for isp in isps {
            @if let Some(ordered) = isp.ordered {
                (bar(&frame, isp.span, "order", Power::ZERO, ordered))
                (bar(&frame, isp.span, "delivery", Power::ZERO, isp.delivered.unwrap_or(Power::ZERO)))
                @if let Some(reached) = isp.fell_short_at() {
                    (bar(&frame, isp.span, "miss", ordered, reached))
                }
            }
        }
        path.line.offer d=(frame.steps(isps.iter().filter_map(|isp| Some((isp.span, isp.offered?))))) {}
        g.strips { @for isp in isps { (frame.strip(isp.span, &said(isp, clock))) } }
    };
    Chart {
        id: "chart-window",
        title: "What was traded, ISP by ISP",
        description: "Power relative to the baseline in the traded ISPs: below zero is less than the baseline.",
        height: HEIGHT,
        legend: &present(LEGEND, isps),
        note: None,
    }
    .figure(&drawn)
}

/// The ISPs from the first traded one to the last, with some around.
fn traded(isps: &[Isp]) -> Option<(&[Isp], TimeSpan)> {
    let first = isps.iter().position(Isp::is_traded)?;
    let last = isps.iter().rposition(Isp::is_traded)?;
    let shown = isps.get(first.saturating_sub(AROUND)..(last + AROUND + 1).min(isps.len()))?;
    Some((shown, TimeSpan::new(shown.first()?.span.start(), shown.last()?.span.end())?))
}

fn shown(isp: &Isp) -> impl Iterator<Item = Power> {
    let requested = isp.requested.map(|bounds| [bounds.min, bounds.max]);
    let powers = [isp.offered, isp.ordered, isp.delivered, isp.fell_short_at()].into_iter().flatten();
    powers.chain(requested.into_iter().flatten())
}

/// A bar in the middle of an ISP.
fn bar(frame: &Frame, span: TimeSpan, class: &str, from: Power, to: Power) -> Markup {
    let ((left, one), (right, other)) = (frame.point(span.start(), from), frame.point(span.end(), to));
    let margin = (right.0 - left.0) / 6;
    html! {
        rect class=(class) x=(Length(left.0 + margin)) width=(Length(right.0 - left.0 - 2 * margin))
            y=(one.min(other)) height=(Length((one.0 - other.0).abs())) {}
    }
}
