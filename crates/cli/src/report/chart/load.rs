use maud::{Markup, html};
use tieline_types::{Power, TimeSpan};

use super::Chart;
use super::frame::Frame;
use super::path::Path;
use crate::report::day::{Day, Disposition, Isp};
use crate::report::label::{Clock, kilowatts};

const HEIGHT: i64 = 380;
const LEGEND: &[(&str, &str)] = &[
    ("measured", "measured"),
    ("baseline", "baseline (D-Prognosis)"),
    ("uncontrolled", "had nobody steered"),
    ("requested", "requested bounds"),
    ("available", "available room"),
    ("target", "ordered"),
    ("delivered", "delivered"),
    ("deficiency", "missed"),
];

/// The load over the day.
pub(in crate::report) fn load(day: &Day, span: TimeSpan, clock: &Clock) -> Markup {
    let frame = Frame::new(span, day.isps.iter().flat_map(shown), 30, HEIGHT - 28);
    let line = |power: fn(&Isp) -> Option<Power>| {
        frame.steps(day.isps.iter().filter_map(|isp| Some((isp.span, power(isp)?))))
    };
    let drawn = html! {
        (frame.axes(clock))
        path.requested d=(bounds(&frame, &day.isps, Disposition::Requested)) {}
        path.available d=(bounds(&frame, &day.isps, Disposition::Available)) {}
        path.delivered d=(frame.areas(day.isps.iter().filter_map(delivered))) {}
        path.deficiency d=(frame.areas(day.isps.iter().filter_map(missed))) {}
        path.line.uncontrolled d=(line(|isp| isp.uncontrolled)) {}
        path.line.baseline d=(line(|isp| Some(isp.baseline))) {}
        path.line.measured d=(line(|isp| isp.measured)) {}
        path.line.target d=(line(Isp::target)) {}
        g.strips { @for isp in &day.isps { (frame.strip(isp.span, &said(isp, clock))) } }
    };
    Chart {
        id: "chart-load",
        title: "Load over the day",
        description: "Mean power behind the congestion point in each ISP, in local time.",
        height: HEIGHT,
        legend: &present(LEGEND, &day.isps),
        note: None,
    }
    .figure(&drawn)
}

/// Of a legend what these ISPs have.
pub(super) fn present(
    legend: &[(&'static str, &'static str)],
    isps: &[Isp],
) -> Vec<(&'static str, &'static str)> {
    let bounds =
        |isp: &Isp, disposition| isp.requested.is_some_and(|bounds| bounds.disposition == disposition);
    let has = |isp: &Isp, class: &str| match class {
        "measured" => isp.measured.is_some(),
        "uncontrolled" => isp.uncontrolled.is_some(),
        "requested" => bounds(isp, Disposition::Requested),
        "available" => bounds(isp, Disposition::Available),
        "offer" => isp.offered.is_some(),
        "target" | "order" => isp.ordered.is_some(),
        "delivered" | "delivery" => delivered(isp).is_some(),
        "deficiency" | "miss" => isp.fell_short_at().is_some(),
        _ => true,
    };
    legend.iter().copied().filter(|(class, _)| isps.iter().any(|isp| has(isp, class))).collect()
}

/// All that must have its place on the scale.
fn shown(isp: &Isp) -> impl Iterator<Item = Power> {
    let absolute = |power: Power| isp.baseline.saturating_add(power);
    let requested = isp.requested.map(|bounds| [absolute(bounds.min), absolute(bounds.max)]);
    [Some(isp.baseline), isp.uncontrolled, isp.measured, isp.target()]
        .into_iter()
        .flatten()
        .chain(requested.into_iter().flatten())
}

fn bounds(frame: &Frame, isps: &[Isp], disposition: Disposition) -> Path {
    frame.areas(isps.iter().filter_map(|isp| {
        let bounds = isp.requested.filter(|bounds| bounds.disposition == disposition)?;
        let absolute = |power| isp.baseline.saturating_add(power);
        Some((isp.span, absolute(bounds.max), absolute(bounds.min)))
    }))
}

/// From the baseline as far as the order was delivered.
fn delivered(isp: &Isp) -> Option<(TimeSpan, Power, Power)> {
    let delivered = isp.delivered.filter(|delivered| *delivered != Power::ZERO)?;
    Some((isp.span, isp.baseline, isp.baseline.saturating_add(delivered)))
}

/// From what was ordered as far as it was missed.
fn missed(isp: &Isp) -> Option<(TimeSpan, Power, Power)> {
    Some((isp.span, isp.target()?, isp.baseline.saturating_add(isp.fell_short_at()?)))
}

/// Everything about an ISP, in lines.
pub(super) fn said(isp: &Isp, clock: &Clock) -> String {
    let mut lines = vec![format!("ISP {}, {}", isp.number, clock.span(isp.span))];
    let mut say = |what: &str, power: Option<Power>| {
        lines.extend(power.map(|power| format!("{what} {} kW", kilowatts(power))));
    };
    say("baseline", Some(isp.baseline));
    say("had nobody steered", isp.uncontrolled);
    say("measured", isp.measured);
    say("offered", isp.offered);
    say("ordered", isp.ordered);
    say("delivered", isp.delivered);
    say("missed", isp.fell_short_at().and(isp.deficiency));
    lines.extend(isp.requested.map(|bounds| {
        let (min, max) = (kilowatts(bounds.min), kilowatts(bounds.max));
        format!("{} {min} to {max} kW", bounds.disposition.as_str().to_lowercase())
    }));
    lines.extend(isp.shortfall.clone());
    lines.join("\n")
}
