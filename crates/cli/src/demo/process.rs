//! A node in a process of its own.

use std::fmt;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, bail};
use tokio::process::{Child, Command};

/// How long a node may take to stop.
const PATIENCE: Duration = Duration::from_secs(30);

/// `tieline run`, to be killed and started again. It ends when this is dropped.
#[derive(Debug)]
pub(super) struct Process {
    name: &'static str,
    directory: PathBuf,
    child: Child,
    used: Used,
}

/// What a node has taken of the machine.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Used {
    /// Of the processors, in all its lives.
    pub(super) cpu: Duration,
    /// The most memory at any time, in KiB.
    pub(super) memory: u64,
}

impl Process {
    /// Starts the node whose configuration is `NAME.toml`; its log goes to `NAME.log`.
    pub(super) fn start(name: &'static str, directory: &Path) -> anyhow::Result<Self> {
        let child = spawn(name, directory)?;
        Ok(Self { name, directory: directory.to_owned(), child, used: Used::default() })
    }

    /// Ends it at once, wherever it is (SIGKILL), and starts it again.
    pub(super) async fn kill_and_restart(&mut self) -> anyhow::Result<()> {
        self.measure();
        self.child.kill().await.with_context(|| format!("can't kill the {} node", self.name))?;
        self.child = spawn(self.name, &self.directory)?;
        Ok(())
    }

    /// What it has used so far, where the system tells.
    pub(super) fn used(&mut self) -> Used {
        let mut used = self.used;
        used.add(self.child.id().and_then(read).unwrap_or_default());
        used
    }

    fn measure(&mut self) {
        self.used = self.used();
    }

    /// Fails if it has ended by itself.
    pub(super) fn check(&mut self) -> anyhow::Result<()> {
        match self.child.try_wait()? {
            None => Ok(()),
            Some(status) => bail!("the {} node ended with {status}: {}", self.name, self.last_words()),
        }
    }

    /// Has it stop as an operator would (SIGTERM), and waits for that.
    pub(super) async fn stop(mut self) -> anyhow::Result<Used> {
        let used = self.used();
        if let Some(pid) = self.child.id().and_then(|pid| rustix::process::Pid::from_raw(pid.cast_signed())) {
            rustix::process::kill_process(pid, rustix::process::Signal::TERM)?;
        }
        let stopped = tokio::time::timeout(PATIENCE, self.child.wait()).await;
        let status = stopped.with_context(|| format!("the {} node does not stop", self.name))??;
        if !status.success() {
            bail!("the {} node ended with {status}: {}", self.name, self.last_words());
        }
        Ok(used)
    }

    /// The end of its log.
    fn last_words(&self) -> String {
        let log =
            std::fs::read_to_string(self.directory.join(format!("{}.log", self.name))).unwrap_or_default();
        let lines: Vec<&str> = log.lines().rev().take(3).collect();
        lines.into_iter().rev().collect::<Vec<_>>().join("\n")
    }
}

fn spawn(name: &str, directory: &Path) -> anyhow::Result<Child> {
    let log = directory.join(format!("{name}.log"));
    let log =
        File::options().create(true).append(true).open(&log).with_context(|| log.display().to_string())?;
    let program = std::env::current_exe().context("where is this program?")?;
    Command::new(program)
        .args(["--log", "warn", "run", "--config"])
        .arg(directory.join(format!("{name}.toml")))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log)
        .kill_on_drop(true)
        .spawn()
        .with_context(|| format!("can't start the {name} node"))
}

/// From `/proc`; `None` where there is no such thing.
fn read(pid: u32) -> Option<Used> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name, in parentheses, may hold anything.
    let fields: Vec<&str> = stat.rsplit_once(") ")?.1.split(' ').collect();
    let ticks = fields.get(11)?.parse::<u64>().ok()? + fields.get(12)?.parse::<u64>().ok()?;
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let memory = peak.trim().trim_end_matches(" kB").parse().ok()?;
    // USER_HZ is 100 wherever Linux runs.
    Some(Used { cpu: Duration::from_millis(ticks * 10), memory })
}

impl Used {
    /// What this process has used so far.
    pub(super) fn by_this_process() -> Self {
        read(std::process::id()).unwrap_or_default()
    }

    fn add(&mut self, more: Self) {
        self.cpu += more.cpu;
        self.memory = self.memory.max(more.memory);
    }
}

impl fmt::Display for Used {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.1} s of CPU, {} MiB at the most", self.cpu.as_secs_f32(), self.memory / 1024)
    }
}
