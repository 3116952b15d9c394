//! A page as a browser laid it out.

use anyhow::{Context as _, Result};

/// The document of a page after its scripts ran, with the place of every element that has an id.
#[derive(Clone, Debug)]
pub struct Document(String);

impl Document {
    /// Notes where each element with an id lies, in whole pixels that are surely within it.
    pub(crate) const MEASURE: &str = "<script>for (const element of document.querySelectorAll('[id]')) {
    const box = element.getBoundingClientRect();
    const [left, top] = [Math.ceil(box.left), Math.ceil(box.top)];
    const size = [Math.floor(box.right) - left, Math.floor(box.bottom) - top];
    element.dataset.place = [left, top, ...size.map((length) => Math.max(0, length))].join(' ');
}</script>";

    pub(crate) fn new(text: String) -> Self {
        Self(text)
    }

    /// The whole document as HTML.
    pub fn text(&self) -> &str {
        &self.0
    }

    /// An attribute of the element with this id, as it is written in HTML.
    pub fn attribute(&self, id: &str, name: &str) -> Result<&str> {
        let place = self.0.find(&format!(" id=\"{id}\"")).with_context(|| format!("there is no {id}"))?;
        let (before, after) = self.0.split_at(place);
        let start = before.rfind('<').with_context(|| format!("{id} has no start"))?;
        // A `>` in an attribute is legal, but no browser writes it there.
        let end = after.find('>').with_context(|| format!("{id} has no end"))?;
        let element = &self.0[start..place + end];
        let value =
            element.split_once(&format!(" {name}=\"")).with_context(|| format!("{id} has no {name}"))?.1;
        Ok(value.split('"').next().unwrap_or(value))
    }

    /// Where the element with this id lies: left, top, width and height in pixels.
    pub fn place(&self, id: &str) -> Result<[u32; 4]> {
        let place = self.attribute(id, "data-place")?;
        let numbers: Vec<u32> =
            place.split(' ').map(str::parse).collect::<Result<_, _>>().context(id.to_owned())?;
        numbers.try_into().ok().with_context(|| format!("{id} lies at {place}"))
    }
}
