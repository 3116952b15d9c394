//! What the domain name system has of a participant, told step by step.

use std::fmt::Display;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context as _;
use clap::Args;
use tieline_edge::SystemClock;
use tieline_edge::dns::{DnsAnswer, DnsConfig, DnsError, DnsResolver, Found, Proof, Questions, TxtRecord};
use tieline_types::Domain;
use tieline_uftp::discovery::{DiscoveryError, DnsAddressBook, DnsBookConfig};
use tieline_uftp::{MESSAGE_PATH, Role};

/// Exit code: the participant has published nothing, or not all of it.
const ABSENT: u8 = 3;
/// Exit code: what it has published can't be used, or is not proved.
const WRONG: u8 = 4;
/// Exit code: the domain name system can't answer now.
const NO_ANSWER: u8 = 5;

/// The port of name servers.
const PORT: u16 = 53;

#[derive(Debug, Args)]
#[command(after_help = "Exit codes: 0 keys and address were found; 3 something is not published; \
                        4 it is wrong or not proved; 5 there is no answer now.")]
pub(crate) struct Lookup {
    /// The participant's domain.
    domain: Domain,
    /// Its role: AGR, CRO or DSO.
    #[arg(value_parser = role)]
    role: Role,
    /// A name server to ask instead of the machine's: an address, with a port if it is not 53.
    #[arg(long, value_name = "ADDRESS", value_parser = server)]
    server: Vec<SocketAddr>,
    /// Believe what DNSSEC does not prove.
    #[arg(long)]
    no_dnssec: bool,
    /// A zone of an authority that must list the participant; several are asked in order.
    #[arg(long, value_name = "ZONE")]
    suffix: Vec<Domain>,
    /// DNSKEY records to trust in place of the root's.
    #[arg(long, value_name = "FILE", conflicts_with = "no_dnssec")]
    trust_anchor: Option<PathBuf>,
}

pub(super) fn role(text: &str) -> Result<Role, tieline_uftp::UnknownRole> {
    text.to_ascii_uppercase().parse()
}

fn server(text: &str) -> Result<SocketAddr, std::net::AddrParseError> {
    text.parse::<IpAddr>().map(|address| SocketAddr::new(address, PORT)).or_else(|_| text.parse())
}

impl Lookup {
    pub(crate) fn execute(&self) -> anyhow::Result<ExitCode> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(self.tell())
    }

    async fn tell(&self) -> anyhow::Result<ExitCode> {
        let mut config = DnsConfig::default().with_servers(self.server.clone());
        config.dnssec = !self.no_dnssec;
        config.trust_anchor.clone_from(&self.trust_anchor);
        let resolver = DnsResolver::new(&config).context("no name server can be asked")?;
        let mut book = DnsBookConfig::default();
        book.dnssec_required = !self.no_dnssec;
        book.suffixes.clone_from(&self.suffix);
        let book = DnsAddressBook::new(Narrated(resolver), book, Arc::new(SystemClock));

        let demanded =
            if self.no_dnssec { "without DNSSEC: anybody may have answered" } else { "with DNSSEC" };
        println!(
            "{} {}, {demanded}\n\nIts keys, by which its messages are believed:",
            self.role, self.domain
        );
        let keys = book.participant(self.role, &self.domain).await;
        println!("\nIts version and host, which say where messages go:");
        let destination = book.find_destination(self.role, &self.domain).await;
        println!();

        let keys_code = match &keys {
            Ok(Some(known)) => {
                for key in &known.keys {
                    println!("key       {key}");
                }
                0
            }
            other => self.explain("key       none", other.as_ref().err()),
        };
        let address_code = match &destination {
            Ok(Some(found)) => {
                println!("address   {}", found.endpoint);
                if found.endpoint.uri().path() != MESSAGE_PATH {
                    println!(
                        "          It takes another major version of the protocol than this program speaks (3)."
                    );
                }
                0
            }
            other => self.explain("address   none", other.as_ref().err()),
        };
        Ok(ExitCode::from(keys_code.max(address_code)))
    }

    /// Says why something was not found and what to do about it, and gives the exit code for it.
    fn explain(&self, what: &str, error: Option<&DiscoveryError>) -> u8 {
        let Some(error) = error else {
            let (role, domain) = (self.role, &self.domain);
            println!("{what}: it is not published");
            if !self.suffix.is_empty() {
                println!("          None of the zones lists {domain}, or what it points to is not there.");
            }
            println!(
                "          {domain} publishes the TXT records _usef.{domain} (3.1.0) and _{role}._usef.{domain} (cs1.KEY)\n          \
                 and the CNAME record _http._{role}._usef.{domain} (its host). Whoever is not in DNS is named in [[uftp.peer]]."
            );
            return ABSENT;
        };
        println!("{what}: {error}\n          {}", advice(error));
        code(error)
    }
}

fn code(error: &DiscoveryError) -> u8 {
    match error {
        DiscoveryError::NoVersion { .. } | DiscoveryError::NoKeys { .. } => ABSENT,
        DiscoveryError::Dns(DnsError::Bogus(_) | DnsError::InvalidName(_)) => WRONG,
        DiscoveryError::Dns(_) | DiscoveryError::Busy | DiscoveryError::BrokenOff => NO_ANSWER,
        _ => WRONG,
    }
}

fn advice(error: &DiscoveryError) -> &'static str {
    match error {
        DiscoveryError::NotProved { proof: Proof::Insecure, .. } => {
            "The zone is not signed. Its owner signs it and has its DS record put into the zone above; until then keys are\n          \
             exchanged by hand ([[uftp.peer]]). --no-dnssec shows what is published."
        }
        DiscoveryError::NotProved { .. } => {
            "What is needed to prove it could not be had: the name server may hand on no signatures. Try another (--server)."
        }
        DiscoveryError::Dns(DnsError::Bogus(_)) => {
            "The answer does not fit its signatures: they have expired, the zone's keys were changed without its DS record, or\n          \
             somebody has tampered with it. Do not use what --no-dnssec shows."
        }
        DiscoveryError::Dns(DnsError::Refused { .. }) => {
            "The name server can't or will not look for it; one that validates says SERVFAIL of what is bogus. Try another (--server)."
        }
        DiscoveryError::Dns(DnsError::Timeout(_) | DnsError::Unreachable { .. }) => {
            "Look whether this machine reaches its name server, or try another (--server)."
        }
        DiscoveryError::NoKeys { .. } | DiscoveryError::Key { .. } => {
            "A key is written as cs1. and the Base64 of 32 bytes, or of 64 with a key for encryption; `tieline uftp pubkey` shows one's own."
        }
        DiscoveryError::TooManyKeys { .. } => {
            "While a key changes there are two, the new and the old one; remove the others."
        }
        DiscoveryError::NoVersion { .. } | DiscoveryError::Version { .. } => {
            "The TXT record holds the version and nothing else: 3.1.0."
        }
        DiscoveryError::AliasLoop { .. }
        | DiscoveryError::TooManyAliases { .. }
        | DiscoveryError::NoHost { .. } => {
            "The CNAME record leads to the name of the host for which the server has its certificate."
        }
        _ => "Try again later.",
    }
}

/// Questions that tell what is asked and answered.
struct Narrated(DnsResolver);

impl Questions for Narrated {
    async fn txt(&self, name: &str) -> Result<DnsAnswer<TxtRecord>, DnsError> {
        println!("  TXT {name}");
        told(self.0.txt(name).await, |record| format!("{:?}", record.text()))
    }

    async fn cname(&self, name: &str) -> Result<DnsAnswer<String>, DnsError> {
        println!("  CNAME {name}");
        told(self.0.cname(name).await, String::clone)
    }
}

fn told<R, D: Display>(
    answer: Result<DnsAnswer<R>, DnsError>,
    shown: impl Fn(&R) -> D,
) -> Result<DnsAnswer<R>, DnsError> {
    match &answer {
        Err(error) => println!("    {error}"),
        Ok(answer) => {
            match &answer.found {
                Found::Records(records) => {
                    for record in records {
                        println!("    {}", shown(record));
                    }
                }
                Found::NoRecords => println!("    no such record"),
                Found::NoName => println!("    no such name"),
            }
            println!("    {}, for {} s", answer.proof, answer.ttl.as_secs());
        }
    }
    answer
}
