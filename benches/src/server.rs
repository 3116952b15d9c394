//! Server processes under load.

use std::env;
use std::io::{BufRead as _, BufReader};
use std::net::{Ipv4Addr, SocketAddr};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use tempfile::TempDir;
use tieline_interop::{Requirements, free_port, node_command, python_command};

/// The line that a server prints when it listens.
pub const READY: &str = "ready";
/// How long it may take until then.
const PATIENCE: Duration = Duration::from_secs(30);

/// A server in a process of its own, on a loopback port. It is ended when this is dropped; it ends by itself when this
/// process is gone.
#[derive(Debug)]
pub struct Server {
    process: Child,
    _lifeline: ChildStdin,
    // Removed when the process has ended, however it did.
    _data: Option<TempDir>,
    /// Where it listens.
    pub address: SocketAddr,
}

impl Server {
    /// Starts this program again with a command that serves, and `--port`.
    pub fn own(arguments: &[&str]) -> Result<Self> {
        let mut command = Command::new(env::current_exe().context("where is this program?")?);
        command.args(arguments);
        Self::start(command, None)
    }

    /// The same with `--data` and a directory, which is there as long as the server.
    pub fn keeping(arguments: &[&str], data: TempDir) -> Result<Self> {
        let mut command = Command::new(env::current_exe().context("where is this program?")?);
        command.args(arguments).arg("--data").arg(data.path());
        Self::start(command, Some(data))
    }

    /// Starts a script of `benches/python`.
    pub fn python(requirements: Requirements, script: &str) -> Result<Self> {
        Self::start(python_command(requirements, &python_script(script))?, None)
    }

    /// The same with arguments of its own.
    pub fn python_with(requirements: Requirements, script: &str, arguments: &[&str]) -> Result<Self> {
        let mut command = python_command(requirements, &python_script(script))?;
        command.args(arguments);
        Self::start(command, None)
    }

    /// Starts a script of `benches/node`.
    pub fn node(script: &str) -> Result<Self> {
        let script = tieline_interop::workspace_root().join("benches/node").join(script);
        Self::start(node_command(&script)?, None)
    }

    fn start(mut command: Command, data: Option<TempDir>) -> Result<Self> {
        let port = free_port()?;
        command.args(["--port", &port.to_string()]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = command.spawn().with_context(|| format!("cannot start {command:?}"))?;
        let lifeline = process.stdin.take().expect("stdin is piped");
        let stdout = process.stdout.take().expect("stdout is piped");
        let address = (Ipv4Addr::LOCALHOST, port).into();
        let server = Self { process, _lifeline: lifeline, _data: data, address };
        let (sender, receiver) = mpsc::channel();
        thread::spawn(move || {
            let mut line = String::new();
            let _ = BufReader::new(stdout).read_line(&mut line);
            // Nobody may be waiting any more.
            let _ = sender.send(line);
        });
        let line = receiver.recv_timeout(PATIENCE).with_context(|| format!("{command:?} is not ready"))?;
        ensure!(line.trim_end() == READY, "{command:?} did not start: {line:?}");
        Ok(server)
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.process.id()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // An error says that it has ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A script of `benches/python`.
pub(crate) fn python_script(name: &str) -> std::path::PathBuf {
    tieline_interop::workspace_root().join("benches/python").join(name)
}

/// Says that a server listens, and ends the process when whoever started it is gone.
pub(crate) fn ready() {
    println!("{READY}");
    thread::spawn(|| {
        let _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
        std::process::exit(0);
    });
}
