//! BIND as the whole domain name system: a root zone and some zones under it, on loopback.

use std::env;
use std::fmt::Write as _;
use std::fs::{self, File};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use tempfile::TempDir;

use crate::{PATIENCE, free_port};

/// Where systems keep the programs of servers, which may not be on a user's path.
const FOLDERS: [&str; 2] = ["/usr/sbin", "/usr/local/sbin"];

/// A zone directly below the root.
#[derive(Clone, Debug)]
pub struct Zone {
    /// Its name, without the final dot.
    pub name: String,
    /// Its records as in a zone file, without SOA and NS records; names in them are relative to it.
    pub records: String,
    /// How it is signed.
    pub signing: Signing,
}

/// How a zone is signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Signing {
    /// As it should be, with a DS record in the root zone.
    Signed,
    /// Not at all, which the root zone proves.
    Unsigned,
    /// Signed, and then this text was replaced by that.
    Tampered(String, String),
    /// Signed a month ago for two weeks.
    Expired,
}

impl Zone {
    /// A signed zone.
    pub fn signed(name: &str, records: &str) -> Self {
        Self { name: name.to_owned(), records: records.to_owned(), signing: Signing::Signed }
    }

    /// The same, signed in another way.
    pub fn with(mut self, signing: Signing) -> Self {
        self.signing = signing;
        self
    }
}

/// A `named` with a signed root zone of its own. It ends when dropped.
#[derive(Debug)]
pub struct NameServer {
    programs: Programs,
    folder: TempDir,
    address: SocketAddr,
    process: Option<Child>,
}

#[derive(Clone, Debug)]
struct Programs {
    named: PathBuf,
    keygen: PathBuf,
    signzone: PathBuf,
}

impl Programs {
    /// BIND's programs; `None` where one is absent, which is an error under continuous integration.
    fn find() -> Result<Option<Self>> {
        let found = program("named").zip(program("dnssec-keygen")).zip(program("dnssec-signzone"));
        ensure!(
            found.is_some() || env::var_os("CI").is_none(),
            "no named, dnssec-keygen and dnssec-signzone (Debian: bind9, bind9-utils)"
        );
        Ok(found.map(|((named, keygen), signzone)| Self { named, keygen, signzone }))
    }
}

fn program(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let folders = env::split_paths(&path).chain(FOLDERS.map(PathBuf::from));
    folders.map(|folder| folder.join(name)).find(|program| program.is_file())
}

impl NameServer {
    /// Starts a server for these zones; `None` where BIND is not installed, which is an error under continuous integration.
    pub fn start(zones: &[Zone]) -> Result<Option<Self>> {
        let Some(programs) = Programs::find()? else { return Ok(None) };
        let folder = tempfile::tempdir().context("no folder for zones")?;
        let address = SocketAddr::new(Ipv4Addr::LOCALHOST.into(), free_port()?);
        let mut server = Self { programs, folder, address, process: None };
        server.make_key(".")?;
        server.serve(zones)?;
        Ok(Some(server))
    }

    /// Where it is asked.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The file with the key of its root zone, by which everything is proved.
    pub fn trust_anchor(&self) -> PathBuf {
        self.folder.path().join("anchor.key")
    }

    /// Serves other zones instead. The root's key stays.
    pub fn serve(&mut self, zones: &[Zone]) -> Result<()> {
        self.end()?;
        let mut root = String::from("ns 600 IN A 127.0.0.1\n");
        for zone in zones {
            writeln!(root, "{}. 600 IN NS ns.", zone.name)?;
            if zone.signing == Signing::Unsigned {
                fs::write(self.path(&zone.name, "zone"), with_soa(&zone.name, &zone.records))?;
                continue;
            }
            self.make_key(&zone.name)?;
            root += &self.sign(&zone.name, &zone.records, &zone.signing)?;
        }
        self.sign(".", &root, &Signing::Signed)?;
        self.write_settings(zones)?;
        self.spawn()
    }

    fn path(&self, zone: &str, kind: &str) -> PathBuf {
        let name = if zone == "." { "root" } else { zone };
        self.folder.path().join(format!("{name}.{kind}"))
    }

    /// Makes the one key of a zone, unless it has one, and for the root the anchor.
    fn make_key(&self, zone: &str) -> Result<()> {
        let keys = self.path(zone, "keys");
        if keys.is_dir() {
            return Ok(());
        }
        fs::create_dir(&keys)?;
        let mut keygen = Command::new(&self.programs.keygen);
        keygen.args(["-q", "-a", "ECDSAP256SHA256", "-f", "KSK", "-K"]).arg(&keys).arg(zone);
        run(keygen)?;
        if zone == "." {
            for file in fs::read_dir(&keys)? {
                let file = file?.path();
                if file.extension().is_some_and(|kind| kind == "key") {
                    let text = fs::read_to_string(file)?;
                    let record =
                        text.lines().find(|line| !line.starts_with(';')).context("no DNSKEY record")?;
                    fs::write(self.trust_anchor(), format!("{record}\n"))?;
                }
            }
        }
        Ok(())
    }

    /// Signs a zone and gives its DS records.
    fn sign(&self, zone: &str, records: &str, signing: &Signing) -> Result<String> {
        let (plain, signed) = (self.path(zone, "plain"), self.path(zone, "zone"));
        fs::write(&plain, with_soa(zone, records))?;
        let mut sign = Command::new(&self.programs.signzone);
        // One key signs everything (-z) and is put into the zone (-S).
        sign.args(["-q", "-S", "-z", "-P", "-d"]).arg(self.folder.path());
        sign.arg("-K").arg(self.path(zone, "keys")).args(["-o", zone, "-f"]).arg(&signed);
        if *signing == Signing::Expired {
            sign.args(["-s", "now-30d", "-e", "now-16d"]);
        }
        sign.arg(&plain);
        run(sign)?;
        if let Signing::Tampered(from, to) = signing {
            let text = fs::read_to_string(&signed)?;
            ensure!(text.contains(from), "{zone} has no {from:?}");
            fs::write(&signed, text.replace(from, to))?;
        }
        let name = if zone == "." { "" } else { zone };
        fs::read_to_string(self.folder.path().join(format!("dsset-{name}."))).context("no DS records")
    }

    fn write_settings(&self, zones: &[Zone]) -> Result<()> {
        let folder = self.folder.path().display();
        let mut settings = format!(
            "options {{ directory \"{folder}\"; pid-file none; session-keyfile none; lock-file none;\n\
             listen-on port {} {{ 127.0.0.1; }}; listen-on-v6 {{ none; }}; recursion no; allow-query {{ any; }};\n\
             dnssec-validation no; empty-zones-enable no; notify no; }};\ncontrols {{ }};\n",
            self.address.port()
        );
        for name in zones.iter().map(|zone| zone.name.as_str()).chain(["."]) {
            let file = self.path(name, "zone");
            writeln!(settings, "zone \"{name}\" {{ type primary; file \"{}\"; }};", file.display())?;
        }
        fs::write(self.folder.path().join("named.conf"), settings).context("no settings")
    }

    fn spawn(&mut self) -> Result<()> {
        let log = self.folder.path().join("named.log");
        let process = Command::new(&self.programs.named)
            .args(["-g", "-n", "1", "-c"])
            .arg(self.folder.path().join("named.conf"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(&log)?)
            .spawn()
            .context("cannot start named")?;
        let process = self.process.insert(process);
        let deadline = Instant::now() + PATIENCE;
        loop {
            let said = fs::read_to_string(&log)?;
            // «running» comes after all zones were read.
            if said.lines().any(|line| line.ends_with(" running")) {
                ensure!(!said.contains("not loaded due to errors"), "{said}");
                return Ok(());
            }
            if process.try_wait()?.is_some() || Instant::now() > deadline {
                bail!("named does not run\n{said}");
            }
            thread::sleep(Duration::from_millis(10));
        }
    }

    fn end(&mut self) -> Result<()> {
        if let Some(mut process) = self.process.take() {
            // An error says that it has ended by now.
            let _ = process.kill();
            process.wait()?;
        }
        Ok(())
    }
}

impl Drop for NameServer {
    fn drop(&mut self) {
        // Nothing is left to do about a process that can't be ended.
        let _ = self.end();
    }
}

fn with_soa(zone: &str, records: &str) -> String {
    let origin = if zone == "." { String::new() } else { zone.to_owned() };
    // The last number is for how long an absence may be kept.
    format!(
        "$ORIGIN {origin}.\n@ 600 IN SOA ns. hostmaster.ns. 1 7200 3600 86400 120\n@ 600 IN NS ns.\n{records}\n"
    )
}

fn run(mut command: Command) -> Result<()> {
    let done = command.stdin(Stdio::null()).output().with_context(|| format!("cannot run {command:?}"))?;
    let complaint = String::from_utf8_lossy(&done.stderr);
    ensure!(done.status.success(), "{command:?}: {}\n{complaint}", done.status);
    Ok(())
}
