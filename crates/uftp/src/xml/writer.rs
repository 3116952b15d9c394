//! Writing documents in one style: declaration, two blanks per level, a line per tag, a line break at the end.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::Lexical;

const DECLARATION: &[u8] = b"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";

/// Writes one document.
pub(crate) struct XmlWriter {
    out: Vec<u8>,
    depth: usize,
}

impl XmlWriter {
    /// Starts a document that will take about `bytes`.
    pub(crate) fn new(bytes: usize) -> Self {
        let mut out = Vec::with_capacity(bytes + DECLARATION.len());
        out.extend_from_slice(DECLARATION);
        Self { out, depth: 0 }
    }

    /// Starts the tag of an element; its attributes come next.
    pub(crate) fn open(&mut self, name: &str) {
        for _ in 0..self.depth {
            self.out.extend_from_slice(b"  ");
        }
        self.out.push(b'<');
        self.out.extend_from_slice(name.as_bytes());
    }

    pub(crate) fn attribute(&mut self, name: &str, value: &impl Lexical) {
        self.out.push(b' ');
        self.out.extend_from_slice(name.as_bytes());
        self.out.extend_from_slice(b"=\"");
        value.write(&mut self.out);
        self.out.push(b'"');
    }

    pub(crate) fn optional(&mut self, name: &str, value: Option<&impl Lexical>) {
        if let Some(value) = value {
            self.attribute(name, value);
        }
    }

    /// An attribute of the type `xs:base64Binary`.
    pub(crate) fn base64(&mut self, name: &str, bytes: &[u8]) {
        self.out.push(b' ');
        self.out.extend_from_slice(name.as_bytes());
        self.out.extend_from_slice(b"=\"");
        let start = self.out.len();
        self.out.resize(start + bytes.len().div_ceil(3) * 4, b'=');
        let written = STANDARD.encode_slice(bytes, &mut self.out[start..]);
        debug_assert_eq!(written.ok(), Some(self.out.len() - start));
        self.out.push(b'"');
    }

    /// Ends the tag of an element without children.
    pub(crate) fn close_empty(&mut self) {
        self.out.extend_from_slice(b"/>\n");
    }

    /// Ends the tag of the element `name` and writes its children, if it has any.
    pub(crate) fn close_with<T>(&mut self, name: &str, children: &[T], mut write: impl FnMut(&T, &mut Self)) {
        self.close_with_two(name, (children, &mut write), (&[] as &[T], |_: &T, _: &mut Self| {}));
    }

    /// Ends the tag of the element `name` and writes its children of two kinds, if it has any.
    pub(crate) fn close_with_two<A, B>(
        &mut self,
        name: &str,
        (first, mut write_first): (&[A], impl FnMut(&A, &mut Self)),
        (second, mut write_second): (&[B], impl FnMut(&B, &mut Self)),
    ) {
        if first.is_empty() && second.is_empty() {
            return self.close_empty();
        }
        self.out.extend_from_slice(b">\n");
        self.depth += 1;
        for child in first {
            write_first(child, self);
        }
        for child in second {
            write_second(child, self);
        }
        self.depth -= 1;
        for _ in 0..self.depth {
            self.out.extend_from_slice(b"  ");
        }
        self.out.extend_from_slice(b"</");
        self.out.extend_from_slice(name.as_bytes());
        self.out.extend_from_slice(b">\n");
    }

    pub(crate) fn finish(self) -> Vec<u8> {
        self.out
    }
}
