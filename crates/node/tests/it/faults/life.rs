//! A participant as a process, to be killed and started again.

use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::NAME;
use super::participant::Settings;

/// What was repeated late has come by then.
const LONG_ENOUGH: Duration = Duration::from_secs(2);

pub(crate) struct Life {
    settings: Settings,
    process: Child,
    /// Since when it has had nothing to do.
    idle: Arc<Mutex<Option<Instant>>>,
}

impl Life {
    pub(crate) fn begin(settings: Settings) -> Self {
        let (process, idle) = start(&settings);
        Self { settings, process, idle }
    }

    pub(crate) fn kill_and_begin_again(&mut self) {
        self.kill();
        (self.process, self.idle) = start(&self.settings);
    }

    pub(crate) fn has_been_idle(&mut self) -> bool {
        assert_eq!(self.process.try_wait().unwrap(), None, "the {} ended by itself", self.settings.role);
        self.idle.lock().unwrap().is_some_and(|since| since.elapsed() > LONG_ENOUGH)
    }

    /// Kills it for good, and says where its data is.
    pub(crate) fn end(mut self) -> PathBuf {
        self.kill();
        self.settings.data.clone()
    }

    fn kill(&mut self) {
        assert_eq!(self.process.try_wait().unwrap(), None, "the {} ended by itself", self.settings.role);
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

impl Drop for Life {
    fn drop(&mut self) {
        // It may have been ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn start(settings: &Settings) -> (Child, Arc<Mutex<Option<Instant>>>) {
    let mut process = Command::new(std::env::current_exe().unwrap())
        .args([NAME, "--exact", "--nocapture"])
        .envs(settings.to_environment())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let idle = Arc::<Mutex<Option<Instant>>>::default();
    let (told, out) = (Arc::clone(&idle), process.stdout.take().unwrap());
    std::thread::spawn(move || {
        for line in BufReader::new(out).lines().map_while(Result::ok) {
            match line.as_str() {
                "idle" => _ = told.lock().unwrap().get_or_insert_with(Instant::now),
                "busy" => *told.lock().unwrap() = None,
                _ => {}
            }
        }
    });
    (process, idle)
}
