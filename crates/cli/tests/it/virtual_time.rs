//! The daemon by the clock of a time server.

use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use jiff::SignedDuration;
use tieline_sim::{ParticipantState, TimeServer};
use tokio::time::{sleep, timeout};

use crate::{keys, text, tieline, write_secret};

/// Long enough for a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

/// A grid operator without needs.
fn configure(directory: &Path, time: SocketAddr) {
    let (secret, public) = keys();
    write_secret(&directory.join("dso.key"), &secret);
    let config = format!(
        "
[node]
data = \"data\"

[clock]
server = \"{time}\"
name = \"dso\"

[uftp]
role = \"DSO\"
domain = \"dso.example.com\"
signing_key_file = \"dso.key\"
listen = \"127.0.0.1:0\"
plaintext = true
time_zone = \"Europe/Amsterdam\"
isp_duration = \"PT15M\"

[[uftp.peer]]
domain = \"agr.example.com\"
role = \"AGR\"
endpoint = \"http://127.0.0.1:1/\"
public_keys = [\"{public}\"]
"
    );
    std::fs::write(directory.join("dso.toml"), config).unwrap();
}

/// Killed when it is dropped.
struct Running(Child);

impl Running {
    fn start(directory: &Path) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tieline"));
        command.args(["run", "--config", "dso.toml"]).current_dir(directory);
        Self(command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // An error says that it has ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test]
async fn time_waits_for_a_node_that_was_killed() {
    let directory = tempfile::tempdir().unwrap();
    let begin = "2026-06-10T08:00:00Z".parse().unwrap();
    let server = TimeServer::bind("127.0.0.1:0".parse().unwrap(), begin, ["dso"]).await.unwrap();
    configure(directory.path(), server.address());
    let hour = SignedDuration::from_hours(1);
    let pass = async || {
        let passing = timeout(PATIENCE, server.advance(hour)).await;
        passing.unwrap_or_else(|_| panic!("time stands still: {:?}", server.status()));
    };

    let node = Running::start(directory.path());
    pass().await;
    assert_eq!(server.now(), begin + hour);
    drop(node);
    let missed = async {
        while server.status().participants["dso"] != ParticipantState::Missing {
            sleep(Duration::from_millis(2)).await;
        }
    };
    timeout(PATIENCE, missed).await.unwrap();
    assert!(timeout(Duration::from_millis(100), server.advance(hour)).await.is_err());
    assert_eq!(server.now(), begin + hour);

    let _node = Running::start(directory.path());
    pass().await;
    assert_eq!(server.now(), begin + hour + hour);
}

#[test]
fn a_node_without_its_time_server_does_not_start() {
    let directory = tempfile::tempdir().unwrap();
    configure(directory.path(), "127.0.0.1:1".parse().unwrap());
    let refused = tieline(&["run", "--config", directory.path().join("dso.toml").to_str().unwrap()]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(text(&refused.stderr).contains("the time server at 127.0.0.1:1 can't be reached"), "{refused:?}");
    assert!(!directory.path().join("data").exists());
}
