use std::fmt;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use hickory_resolver::TokioResolver;
use hickory_resolver::config::{
    ConnectionConfig, NameServerConfig, ResolveHosts, ResolverConfig, ResolverOpts,
};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::net::{DnsError as HickoryError, NetError, NoRecords};
use hickory_resolver::proto::dnssec::{Proof as HickoryProof, TrustAnchors};
use hickory_resolver::proto::op::ResponseCode;
use hickory_resolver::proto::rr::{Name, RData, Record, RecordType};
use hickory_resolver::system_conf::read_system_conf;

use super::{DnsAnswer, DnsConfig, DnsError, Found, Proof, Questions, TxtRecord};
use crate::EdgeError;

/// Asks name servers over UDP and, for long answers, TCP. A clone shares sockets and what was validated.
///
/// It keeps no answers: every question is asked anew. With every answer go the questions for keys and delegations that its
/// validation needs, which name servers keep.
#[derive(Clone)]
pub struct DnsResolver {
    resolver: TokioResolver,
    timeout: Duration,
}

impl DnsResolver {
    /// Reads the trust anchor's file and, if no name servers are given, the machine's configuration. Nothing is asked yet.
    pub fn new(config: &DnsConfig) -> Result<Self, EdgeError> {
        let servers = if config.servers.is_empty() {
            read_system_conf().map_err(|error| EdgeError::Dns(error.to_string()))?.0.into_parts().2
        } else {
            config.servers.iter().copied().map(name_server).collect()
        };
        let servers = ResolverConfig::from_name_servers(servers);
        let mut builder = TokioResolver::builder_with_config(servers, TokioRuntimeProvider::default());
        set_options(builder.options_mut(), config);
        if config.dnssec {
            let anchors =
                config.trust_anchor.as_deref().map_or_else(|| Ok(TrustAnchors::default()), read_anchors)?;
            builder = builder.with_trust_anchor(Arc::new(anchors));
        }
        let resolver = builder.build().map_err(|error| EdgeError::Dns(error.to_string()))?;
        Ok(Self { resolver, timeout: config.timeout })
    }

    async fn ask(&self, name: &str, kind: RecordType) -> Result<Raw, DnsError> {
        let mut asked = Name::from_ascii(name).map_err(|_| DnsError::InvalidName(name.to_owned()))?;
        asked.set_fqdn(true);
        let answer = tokio::time::timeout(self.timeout, self.resolver.lookup(asked, kind)).await;
        match answer {
            Err(_) => Err(DnsError::Timeout(name.to_owned())),
            Ok(Ok(lookup)) => Ok(Raw {
                absence: None,
                ttl: lookup.answers().iter().map(|record| record.ttl).min().unwrap_or_default(),
                proof: weakest(lookup.answers()),
                records: lookup.answers().to_vec(),
            }),
            Ok(Err(NetError::Dns(HickoryError::NoRecordsFound(none)))) => absent(name, &none),
            Ok(Err(error)) => refused(name, error),
        }
    }
}

fn name_server(address: SocketAddr) -> NameServerConfig {
    let connections = [ConnectionConfig::udp(), ConnectionConfig::tcp()].map(|mut connection| {
        connection.port = address.port();
        connection
    });
    NameServerConfig::new(address.ip(), true, connections.into())
}

fn set_options(options: &mut ResolverOpts, config: &DnsConfig) {
    options.validate = config.dnssec;
    options.timeout = config.attempt_timeout;
    options.attempts = config.retries;
    options.use_hosts_file = ResolveHosts::Never;
    options.cache_size = 0;
}

fn read_anchors(path: &Path) -> Result<TrustAnchors, EdgeError> {
    let text =
        std::fs::read_to_string(path).map_err(|source| EdgeError::File { path: path.to_owned(), source })?;
    text.parse().map_err(|error: hickory_resolver::proto::serialize::txt::ParseError| {
        EdgeError::DnsTrustAnchor { path: path.to_owned(), cause: error.to_string() }
    })
}

/// An answer before its records are told apart.
struct Raw {
    absence: Option<ResponseCode>,
    ttl: u32,
    proof: Proof,
    records: Vec<Record>,
}

impl Raw {
    fn answer<R>(self, mut of: impl FnMut(&Record) -> Option<R>) -> DnsAnswer<R> {
        let records: Vec<R> = self.records.iter().filter_map(&mut of).collect();
        let found = match self.absence {
            Some(ResponseCode::NXDomain) => Found::NoName,
            None if !records.is_empty() => Found::Records(records),
            _ => Found::NoRecords,
        };
        DnsAnswer { found, ttl: Duration::from_secs(self.ttl.into()), proof: self.proof }
    }
}

/// An absence, with what its zone says of it.
fn absent(name: &str, none: &NoRecords) -> Result<Raw, DnsError> {
    let code = none.response_code;
    if !matches!(code, ResponseCode::NoError | ResponseCode::NXDomain) {
        return Err(DnsError::Refused { name: name.to_owned(), code: code.to_string() });
    }
    let authorities = none.authorities.as_deref().unwrap_or_default();
    // Without an SOA record, nobody says for how long.
    let ttl = none.soa.as_deref().map_or(0, |soa| soa.ttl.min(soa.data.minimum));
    Ok(Raw { absence: Some(code), ttl, proof: weakest(authorities), records: Vec::new() })
}

fn refused(name: &str, error: NetError) -> Result<Raw, DnsError> {
    let name = name.to_owned();
    let cause = error.to_string();
    Err(match error {
        NetError::Dns(HickoryError::DnssecBogus) => DnsError::Bogus(name),
        NetError::Dns(HickoryError::Nsec { response, proof, .. }) => {
            // An absence that is not proved: of a zone that is not signed, or with more rounds of NSEC3 than one goes along with.
            let Some(proof) = proof_of(proof) else { return Err(DnsError::Bogus(name)) };
            let ttl = response.negative_ttl().unwrap_or_default();
            return Ok(Raw { absence: Some(response.response_code), ttl, proof, records: Vec::new() });
        }
        NetError::Dns(HickoryError::ResponseCode(code)) => DnsError::Refused { name, code: code.to_string() },
        NetError::Timeout => DnsError::Timeout(name),
        NetError::Io(_) | NetError::NoConnections | NetError::Busy => DnsError::Unreachable { name, cause },
        _ => DnsError::Unusable { name, cause },
    })
}

/// The weakest state of all records that can have one. Of signatures only the one that was used has.
fn weakest(records: &[Record]) -> Proof {
    let signed = records.iter().filter(|record| record.record_type() != RecordType::RRSIG);
    signed
        .map(|record| proof_of(record.proof).unwrap_or(Proof::Indeterminate))
        .min()
        .unwrap_or(Proof::Indeterminate)
}

fn proof_of(proof: HickoryProof) -> Option<Proof> {
    match proof {
        HickoryProof::Secure => Some(Proof::Secure),
        HickoryProof::Insecure => Some(Proof::Insecure),
        HickoryProof::Indeterminate => Some(Proof::Indeterminate),
        HickoryProof::Bogus => None,
    }
}

impl Questions for DnsResolver {
    async fn txt(&self, name: &str) -> Result<DnsAnswer<TxtRecord>, DnsError> {
        let raw = self.ask(name, RecordType::TXT).await?;
        Ok(raw.answer(|record| match &record.data {
            RData::TXT(txt) => Some(TxtRecord(txt.txt_data.iter().map(|part| part.to_vec()).collect())),
            _ => None,
        }))
    }

    async fn cname(&self, name: &str) -> Result<DnsAnswer<String>, DnsError> {
        let raw = self.ask(name, RecordType::CNAME).await?;
        let answer = raw.answer(|record| match &record.data {
            RData::CNAME(alias) => {
                let alias = alias.0.to_lowercase().to_ascii();
                Some(alias.strip_suffix('.').unwrap_or(&alias).to_owned())
            }
            _ => None,
        });
        match &answer.found {
            Found::Records(aliases) if aliases.len() > 1 => Err(DnsError::Unusable {
                name: name.to_owned(),
                cause: "it is an alias for several names".to_owned(),
            }),
            _ => Ok(answer),
        }
    }
}

impl fmt::Debug for DnsResolver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DnsResolver").field("timeout", &self.timeout).finish_non_exhaustive()
    }
}
