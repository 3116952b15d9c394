//! The charts, drawn as SVG.

mod charging;
mod frame;
mod load;
mod money;
mod path;
mod scale;
mod served;
mod window;

use maud::{Markup, html};

pub(super) use charging::charging;
pub(super) use load::load;
pub(super) use money::money;
pub(super) use served::served;
pub(super) use window::window;

/// A chart with what it is and how it is read.
struct Chart<'a> {
    /// The stable id of the figure.
    id: &'a str,
    title: &'a str,
    /// What it shows, in a sentence, for those who can't see it and those who look twice.
    description: &'a str,
    height: i64,
    legend: &'a [(&'a str, &'a str)],
    /// What was left out, and why.
    note: Option<String>,
}

impl Chart<'_> {
    /// The figure around what was drawn.
    fn figure(&self, drawn: &Markup) -> Markup {
        let Self { id, title, description, height, legend, note } = self;
        html! {
            figure id=(id) {
                figcaption {
                    h2 { (title) }
                    p { (description) }
                    @if !legend.is_empty() {
                        ul.legend {
                            @for (class, label) in *legend { li { span class={ "swatch " (class) } {} (label) } }
                        }
                    }
                }
                div.plot {
                    svg id={ (id) "-svg" } viewBox={ "0 0 " (frame::WIDTH) " " (height) } role="img"
                        aria-labelledby={ (id) "-title " (id) "-description" } {
                        title id={ (id) "-title" } { (title) }
                        desc id={ (id) "-description" } { (description) }
                        (drawn)
                    }
                }
                @if let Some(note) = note { p.note { (note) } }
            }
        }
    }
}
