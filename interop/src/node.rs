//! The node under test: `tieline run` over a data directory.

use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};

use crate::config::Config;
use crate::peer::{PATIENCE, quote};
use crate::tieline::{run, tieline};

/// The data directory, as `Config` has it.
const DATA: &str = "data";
/// What a node logs when it can be reached.
const READY: &str = "node is ready";

/// A node, running or not. It is killed when this is dropped.
#[derive(Debug)]
pub struct Node {
    directory: PathBuf,
    process: Option<Child>,
    starts: u32,
}

impl Node {
    /// Writes the configuration and its secrets into `directory` and starts the node.
    pub fn start(config: &impl Config, directory: &Path) -> Result<Self> {
        fs::write(directory.join("tieline.toml"), config.toml()).context("cannot write the configuration")?;
        for (name, secret) in config.secrets() {
            let mut options = OpenOptions::new();
            let mut file =
                options.write(true).create(true).truncate(true).mode(0o600).open(directory.join(&name))?;
            file.write_all(secret.as_bytes()).with_context(|| format!("cannot write {name}"))?;
        }
        let mut node = Self { directory: directory.to_owned(), process: None, starts: 0 };
        node.restart()?;
        Ok(node)
    }

    /// Kills the node with SIGKILL: it gets no chance to tidy up.
    pub fn kill(&mut self) -> Result<()> {
        let mut process = self.process.take().context("the node does not run")?;
        process.kill().context("cannot kill the node")?;
        let status = process.wait().context("cannot wait for the node")?;
        ensure!(status.code().is_none(), "the node had ended by itself: {status}\n{}", self.quoted_log());
        Ok(())
    }

    /// Starts the node and waits until it is ready.
    pub fn restart(&mut self) -> Result<()> {
        self.starts += 1;
        let log = File::create(self.log()).context("cannot create the node's log")?;
        let process = Command::new(tieline()?)
            .args(["run", "--config", "tieline.toml"])
            .env("NO_COLOR", "1")
            .current_dir(&self.directory)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .context("cannot start the node")?;
        let process = self.process.insert(process);
        let deadline = Instant::now() + PATIENCE;
        while !fs::read_to_string(log_of(&self.directory, self.starts)).is_ok_and(|log| log.contains(READY)) {
            if let Some(status) = process.try_wait()? {
                bail!("the node ended before it was ready: {status}\n{}", self.quoted_log());
            }
            ensure!(
                Instant::now() < deadline,
                "the node is not ready after {PATIENCE:?}\n{}",
                self.quoted_log()
            );
            thread::sleep(Duration::from_millis(10));
        }
        Ok(())
    }

    /// The journal as `tieline journal show --json` prints it.
    pub fn journal(&self) -> Result<String> {
        run(&["journal", "show", "--json", "--data", DATA], &self.directory)
    }

    /// The same after `tieline journal verify`, over the data of a node that was killed.
    pub fn verified_journal(&mut self) -> Result<String> {
        if self.process.is_some() {
            self.kill()?;
        }
        run(&["journal", "verify", "--data", DATA], &self.directory)?;
        self.journal()
    }

    /// The end of what the node logged since it was started last, for a failure's message.
    pub fn quoted_log(&self) -> String {
        quote(&self.log())
    }

    fn log(&self) -> PathBuf {
        log_of(&self.directory, self.starts)
    }
}

/// Writes a file that only its owner may read.
pub fn write_secret(path: &Path, secret: &str) -> Result<()> {
    let mut options = OpenOptions::new();
    let file = options.write(true).create(true).truncate(true).mode(0o600).open(path);
    file.and_then(|mut file| file.write_all(secret.as_bytes()))
        .with_context(|| format!("cannot write {}", path.display()))
}

fn log_of(directory: &Path, start: u32) -> PathBuf {
    directory.join(format!("node.{start}.log"))
}

impl Drop for Node {
    fn drop(&mut self) {
        if let Some(mut process) = self.process.take() {
            // An error says that it has ended already.
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}
