mod conversation;
mod document;
mod held;
mod lookup;
mod send;
mod validate;

use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use clap::{Args, Subcommand};
use conversation::Conversation;
use held::{Held, Release};
use lookup::Lookup;
use send::Send;
use tieline_types::Domain;
use tieline_uftp::{Limits, Role, SignedMessage, SigningKey, Tolerance, VerifyingKey, parse};
use validate::Validate;

#[derive(Debug, Subcommand)]
pub(crate) enum Uftp {
    /// Make a signing key; prints the public key that peers need.
    Keygen(Keygen),
    /// Show the public key of a signing key, plain and as it is published.
    Pubkey(Pubkey),
    /// Look a participant up in DNS, and tell each step.
    Lookup(Lookup),
    /// Sign a payload and put it into its envelope.
    Seal(Seal),
    /// Check an envelope's signature and print what was signed.
    Open(Open),
    Send(Send),
    Validate(Validate),
    Conversation(Conversation),
    Held(Held),
    Release(Release),
}

#[derive(Debug, Args)]
pub(crate) struct Keygen {
    /// Write the secret key to this new file, readable by its owner only, instead of printing it.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Pubkey {
    /// The signing key's file, as `keygen` writes it.
    key: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct Seal {
    /// The signing key's file, as `keygen` writes it.
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// The sender's domain.
    #[arg(long)]
    domain: Domain,
    /// The sender's role: AGR, CRO or DSO.
    #[arg(long)]
    role: Role,
    /// The payload; standard input without it. It is signed as it is, to the byte.
    payload: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Open {
    /// A public key of the sender; twice while it rotates.
    #[arg(long, value_name = "KEY", required = true)]
    public_key: Vec<VerifyingKey>,
    /// The envelope; standard input without it.
    envelope: Option<PathBuf>,
}

impl Uftp {
    pub(crate) fn execute(&self) -> anyhow::Result<ExitCode> {
        match self {
            Self::Lookup(command) => return command.execute(),
            Self::Keygen(command) => command.execute()?,
            Self::Pubkey(command) => command.execute()?,
            Self::Seal(command) => command.execute()?,
            Self::Open(command) => command.execute()?,
            Self::Validate(command) => return command.execute(),
            Self::Send(command) => return crate::run::runtime()?.block_on(command.execute()),
            Self::Conversation(command) => crate::run::runtime()?.block_on(command.execute())?,
            Self::Held(command) => crate::run::runtime()?.block_on(command.execute())?,
            Self::Release(command) => crate::run::runtime()?.block_on(command.execute())?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Keygen {
    fn execute(&self) -> anyhow::Result<()> {
        let key = new_key()?;
        match &self.out {
            Some(path) => write_secret(path, &key)?,
            None => println!("secret {}", *key.to_base64()),
        }
        println!("public {}", key.verifying_key().to_base64());
        Ok(())
    }
}

impl Pubkey {
    fn execute(&self) -> anyhow::Result<()> {
        let key = read_key(&self.key)?.verifying_key();
        println!("public    {}\npublished {key}", key.to_base64());
        Ok(())
    }
}

fn read_key(path: &Path) -> anyhow::Result<SigningKey> {
    let secret = std::fs::read_to_string(path).with_context(|| path.display().to_string())?;
    secret.trim().parse().with_context(|| path.display().to_string())
}

/// A key from the operating system's randomness.
pub(crate) fn new_key() -> anyhow::Result<SigningKey> {
    let mut seed = [0; 32];
    getrandom::fill(&mut seed)
        .map_err(|cause| anyhow::anyhow!("the operating system has no randomness: {cause}"))?;
    Ok(SigningKey::from_seed(&seed))
}

/// Writes a secret into a file that must not exist yet and that only its owner can read.
pub(crate) fn write_secret(path: &Path, key: &SigningKey) -> anyhow::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path).with_context(|| path.display().to_string())?;
    writeln!(file, "{}", *key.to_base64()).with_context(|| path.display().to_string())
}

impl Seal {
    fn execute(&self) -> anyhow::Result<()> {
        let key = read_key(&self.key)?;
        let payload = read(self.payload.as_deref())?;
        let envelope = SignedMessage::seal(self.domain.clone(), self.role, &payload, &key).to_xml();
        write(&envelope)
    }
}

impl Open {
    fn execute(&self) -> anyhow::Result<()> {
        let envelope = read(self.envelope.as_deref())?;
        let signed =
            SignedMessage::parse(&envelope, &Limits::default()).context("the envelope can't be read")?;
        let payload = signed.open(&self.public_key).context("the signature does not hold")?;
        write(payload)?;
        match parse(payload, &Tolerance::STRICT) {
            Ok(message) if message.header().sender_domain != signed.sender_domain => bail!(
                "the envelope is from {}, the message from {}",
                signed.sender_domain,
                message.header().sender_domain
            ),
            Ok(_) => Ok(()),
            Err(cause) => Err(cause).context("it is signed, and no valid message"),
        }
    }
}

fn read(path: Option<&Path>) -> anyhow::Result<Vec<u8>> {
    if let Some(path) = path {
        return std::fs::read(path).with_context(|| path.display().to_string());
    }
    let mut bytes = Vec::new();
    std::io::stdin().read_to_end(&mut bytes).context("standard input")?;
    Ok(bytes)
}

fn write(bytes: &[u8]) -> anyhow::Result<()> {
    std::io::stdout().write_all(bytes).context("standard output")
}
