use std::io;
use std::sync::{Arc, Mutex};

use tracing_subscriber::fmt::MakeWriter;

/// What this thread logs from now on.
pub(crate) struct Log {
    written: Written,
    _guard: tracing::subscriber::DefaultGuard,
}

#[derive(Clone, Default)]
struct Written(Arc<Mutex<Vec<u8>>>);

impl Log {
    pub(crate) fn capture() -> Self {
        let written = Written::default();
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(tracing::Level::TRACE)
            .with_ansi(false)
            .with_writer(written.clone())
            .finish();
        Self { written, _guard: tracing::subscriber::set_default(subscriber) }
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        let written = self.written.0.lock().unwrap();
        String::from_utf8(written.clone()).unwrap().lines().map(str::to_owned).collect()
    }

    /// The only line with this text.
    pub(crate) fn line_with(&self, text: &str) -> String {
        let lines = self.lines();
        let mut found = lines.iter().filter(|line| line.contains(text));
        match (found.next(), found.next()) {
            (Some(line), None) => line.clone(),
            _ => panic!("not one line with {text:?} in {lines:#?}"),
        }
    }
}

impl io::Write for Written {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Written {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}
