//! The password of a charger.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use clap::Args;
use tieline_edge::{Ids as _, RandomIds, SystemClock};
use tieline_node::registry::{self, PASSWORD_LENGTHS};
use tieline_ocpp::csms::PasswordHash;
use tieline_types::Clock as _;
use zeroize::Zeroizing;

use crate::journal::{hexadecimal, open};

/// The characters of a password that is made: 5 bits each, none like another, and all of the 2.x `passwordString`.
const ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";

/// As many as the longest `AuthorizationKey` of 1.6 has octets.
const LENGTH: usize = 20;

/// Give a charger another password, or make one and print it, this once.
///
/// It counts from the charger's next connection on, and closes none. To have the node tell the charger its new password use
/// `tieline ocpp call` with `ChangeConfiguration` (1.6) or `SetVariables` (2.x): it is valid beside the one before until the charger has used
/// it.
#[derive(Debug, Args)]
pub(crate) struct ChangePassword {
    /// The charger's identity.
    charger: String,
    /// The node's data directory.
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    #[command(flatten)]
    password: NewPassword,
}

impl ChangePassword {
    pub(super) async fn execute(&self) -> anyhow::Result<()> {
        let store = open(&self.data)?;
        let password = self.password.get()?;
        registry::set_password(&*store, &self.charger, password.hash(), SystemClock.now()).await?;
        tell_node(&self.data);
        password.show();
        Ok(())
    }
}

/// Where a new password comes from.
#[derive(Debug, Args)]
pub(super) struct NewPassword {
    /// The file with the password; `-` reads it from standard input. Without it a password is made and printed.
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
}

/// A new password.
pub(super) struct Password {
    octets: Zeroizing<Vec<u8>>,
    is_made: bool,
}

impl NewPassword {
    pub(super) fn is_given(&self) -> bool {
        self.password_file.is_some()
    }

    pub(super) fn get(&self) -> anyhow::Result<Password> {
        let Some(file) = &self.password_file else { return Ok(Password { octets: made()?, is_made: true }) };
        let mut octets = Zeroizing::new(Vec::new());
        if file.as_os_str() == "-" {
            std::io::stdin().read_to_end(&mut octets).context("standard input")?;
        } else {
            let mut opened = std::fs::File::open(file).with_context(|| file.display().to_string())?;
            opened.read_to_end(&mut octets).with_context(|| file.display().to_string())?;
        }
        while octets.last().is_some_and(|last| matches!(last, b'\r' | b'\n')) {
            octets.pop();
        }
        if !PASSWORD_LENGTHS.contains(&octets.len()) {
            let (least, most) = (PASSWORD_LENGTHS.start(), PASSWORD_LENGTHS.end());
            bail!("a password of OCPP has {least} to {most} octets, and this one {}", octets.len());
        }
        Ok(Password { octets, is_made: false })
    }
}

impl Password {
    pub(super) fn hash(&self) -> PasswordHash {
        PasswordHash::of(&self.octets, RandomIds.uuid().into_bytes())
    }

    /// Prints a password that was made here, and how a 1.6 charger is given it.
    pub(super) fn show(&self) {
        if self.is_made {
            println!("password {}", String::from_utf8_lossy(&self.octets));
            println!("AuthorizationKey {}", hexadecimal(&self.octets));
        }
    }
}

fn made() -> anyhow::Result<Zeroizing<Vec<u8>>> {
    let mut octets = Zeroizing::new(vec![0; LENGTH]);
    getrandom::fill(&mut octets).map_err(|error| anyhow::anyhow!("no randomness: {error}"))?;
    for octet in octets.iter_mut() {
        *octet = ALPHABET[usize::from(*octet % 32)];
    }
    Ok(octets)
}

/// Has a node that runs on this data heed a change; one that is started later finds it.
pub(super) fn tell_node(data: &Path) {
    if tieline_node::wake(data).is_err() {
        tracing::info!("no node runs on this data; the next one that does will heed it");
    }
}
