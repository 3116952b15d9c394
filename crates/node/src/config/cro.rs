use std::collections::BTreeSet;

use serde::Deserialize;
use tieline_types::Domain;
use tieline_uftp::cro::{Access, ReferenceLimits, ReferencePolicy};
use tieline_uftp::{Participant, Role};

use super::{ConfigError, UftpConfig};

/// How a common reference operator keeps its common reference.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct CroConfig {
    /// From whom it takes what, what it tells, and how much it keeps.
    pub policy: ReferencePolicy,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CroFile {
    mode: Mode,
    #[serde(default)]
    member: Vec<MemberFile>,
    #[serde(default)]
    disclose_aggregators: bool,
    #[serde(default)]
    limits: LimitsFile,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Mode {
    Open,
    Closed,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct MemberFile {
    domain: Domain,
    role: Role,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct LimitsFile {
    connections_per_update: usize,
    connections: usize,
    congestion_points: usize,
    periods: usize,
}

impl Default for LimitsFile {
    fn default() -> Self {
        let ReferenceLimits { connections_per_update, connections, congestion_points, periods } =
            ReferenceLimits::default();
        Self { connections_per_update, connections, congestion_points, periods }
    }
}

impl CroFile {
    /// Checks everything; `uftp` is the market's side of the same file.
    pub(super) fn resolve(self, uftp: &UftpConfig) -> Result<CroConfig, ConfigError> {
        let mut policy = ReferencePolicy::new(uftp.calendar.time_zone().clone());
        policy.access = self.access(uftp)?;
        policy.disclose_aggregators = self.disclose_aggregators;
        policy.limits = self.limits.check()?;
        Ok(CroConfig { policy })
    }

    fn access(&self, uftp: &UftpConfig) -> Result<Access, ConfigError> {
        if self.mode == Mode::Open {
            return match self.member.first() {
                None => Ok(Access::Open),
                Some(_) => {
                    Err(ConfigError::invalid("cro.member", "is of no use in open mode: everybody is served"))
                }
            };
        }
        if self.member.is_empty() {
            return Err(ConfigError::invalid("cro.member", "in closed mode somebody must be a member"));
        }
        let mut members = BTreeSet::new();
        for MemberFile { domain, role } in &self.member {
            let invalid =
                |cause: String| Err(ConfigError::invalid(format!("cro.member {role} {domain}"), cause));
            if *role == Role::Cro {
                return invalid("only an AGR or a DSO registers anything".to_owned());
            }
            if !uftp.can_know(*role, domain) {
                return invalid(format!("is no uftp.peer with role {role}"));
            }
            if !members.insert(Participant { role: *role, domain: domain.clone() }) {
                return invalid("is there twice".to_owned());
            }
        }
        Ok(Access::Closed(members))
    }
}

impl LimitsFile {
    fn check(self) -> Result<ReferenceLimits, ConfigError> {
        let Self { connections_per_update, connections, congestion_points, periods } = self;
        let counts = [
            ("connections_per_update", connections_per_update),
            ("connections", connections),
            ("congestion_points", congestion_points),
            ("periods", periods),
        ];
        match counts.into_iter().find(|(_, count)| *count == 0) {
            Some((key, _)) => Err(ConfigError::invalid(format!("cro.limits.{key}"), "is 1 or more")),
            None => Ok(ReferenceLimits { connections_per_update, connections, congestion_points, periods }),
        }
    }
}
