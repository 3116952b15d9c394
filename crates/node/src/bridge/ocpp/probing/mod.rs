//! What chargers can do: they are asked when they have booted as something new, and after the first profile of a purpose
//! whether it holds.

mod learning;
mod v16;
mod v2x;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use learning::Answers;
use rust_decimal::Decimal;
use tieline_edge::work::{Bell, Turn, UnderWay};
use tieline_ocpp::{CallFailure, CallOptions, Peer, Registry, Version};
use tieline_store::{ChangeSet, Records as _, StoreError};
use tracing::{info, warn};

use crate::fleet::{Made, Purpose, SessionKey, SetPoint, SetPointState, Standing};
use crate::role::agr::Agr;

/// How long a charger may take to answer a question. It has one CALL to answer at a time, so a limit that becomes due meanwhile waits so
/// long at the most.
const PATIENCE: Duration = Duration::from_secs(5);

/// When a charger that has limits to be told is looked at again.
const LATER: SignedDuration = SignedDuration::from_secs(5);

/// What chargers are to be asked.
#[derive(Clone, Debug)]
pub(crate) struct Questions {
    wanted: Arc<Mutex<BTreeMap<String, Wanted>>>,
    bell: Bell,
}

/// What one charger is to be asked.
#[derive(Clone, Debug, Default)]
struct Wanted {
    /// What it can do, having said this of itself.
    booted_as: Option<String>,
    read_back: Option<ReadBack>,
}

/// Whether the limits of a session hold, by a profile of this purpose, once the first of them does.
#[derive(Clone, Debug)]
struct ReadBack {
    session: SessionKey,
    purpose: Purpose,
    not_before: Timestamp,
}

impl Wanted {
    fn due(&self) -> Timestamp {
        let read_back = self.read_back.as_ref().map_or(Timestamp::MIN, |read_back| read_back.not_before);
        if self.booted_as.is_some() { Timestamp::MIN } else { read_back }
    }
}

impl Questions {
    pub(crate) fn of(bell: &Bell) -> Self {
        Self { wanted: Arc::default(), bell: bell.clone() }
    }

    /// A charger has booted, and its answer has been sent.
    pub(super) fn on_boot(&self, agr: &Agr, identity: &str, version: Version, made: &Made) {
        let booted_as = made.to_string();
        let known = agr.capabilities.get(identity);
        if known.booted_as == booted_as && known.version == version.to_string() {
            return;
        }
        self.locked().entry(identity.to_owned()).or_default().booted_as = Some(booted_as);
        self.bell.ring();
    }

    /// A charger has accepted a profile of a purpose of which it is not known whether it holds. `not_before` its first limit holds.
    pub(super) fn on_accepted(&self, session: &SessionKey, purpose: Purpose, not_before: Timestamp) {
        let read_back = ReadBack { session: session.clone(), purpose, not_before };
        self.locked().entry(session.charger.clone()).or_default().read_back = Some(read_back);
    }

    fn locked(&self) -> MutexGuard<'_, BTreeMap<String, Wanted>> {
        self.wanted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Asks chargers while they have no limits to be told.
#[derive(Clone, Debug)]
pub(crate) struct Probing {
    pub(crate) agr: Agr,
    pub(crate) registry: Registry,
    pub(crate) questions: Questions,
    pub(crate) under_way: UnderWay<String>,
}

impl Probing {
    pub(crate) async fn turn(&self) -> Result<Turn, StoreError> {
        let busy = self.under_way.now();
        let now = self.agr.context.now();
        let waiting: Vec<(String, Timestamp)> = self
            .questions
            .locked()
            .iter()
            .map(|(identity, wanted)| (identity.clone(), wanted.due()))
            .collect();
        let (due, later): (Vec<_>, Vec<_>) = waiting.into_iter().partition(|(_, due)| *due <= now);
        let mut next = later.into_iter().map(|(_, due)| due).min();
        if due.is_empty() {
            return Ok(Turn::Until(next));
        }
        let set_points = self.agr.context.store.open_records::<SetPoint>().await?;
        let owes = |identity: &str| set_points.iter().any(|known| is_due(&known.value, identity, now));
        for (identity, _) in due {
            if owes(&identity) {
                next = now.checked_add(LATER).ok().into_iter().chain(next).min();
            } else if !busy.contains(&identity) {
                let wanted = self.questions.locked().remove(&identity);
                let (Some(wanted), Some(peer)) = (wanted, self.registry.get(&identity)) else { continue };
                let probing = self.clone();
                self.under_way.begin(identity, async move { probing.ask(&peer, wanted).await });
            }
        }
        Ok(Turn::Until(next))
    }

    async fn ask(&self, peer: &Peer, Wanted { booted_as, read_back }: Wanted) {
        if let Some(booted_as) = booted_as {
            self.learn(peer, &booted_as).await;
        }
        if let Some(ReadBack { session, purpose, not_before }) = read_back {
            if not_before > self.agr.context.now() {
                self.questions.on_accepted(&session, purpose, not_before);
            } else if let Err(cause) = self.read_back(peer, &session, purpose).await {
                warn!(charger = %peer.identity(), %cause, "it is not noted whether its limits hold");
            }
        }
    }

    /// Asks what it can do, and notes it. Whoever does not answer is asked at its next boot.
    async fn learn(&self, peer: &Peer, booted_as: &str) {
        let answers = match peer.version() {
            Version::V1_6 => v16::ask(peer).await,
            Version::V2_0_1 => v2x::v201::ask(peer).await,
            _ => v2x::v21::ask(peer).await,
        };
        let answers = match answers {
            Ok(answers) => answers,
            Err(
                failure @ (CallFailure::Disconnected
                | CallFailure::TimedOut
                | CallFailure::QueueTimedOut
                | CallFailure::QueueFull),
            ) => {
                info!(charger = %peer.identity(), cause = %failure, "it is asked at its next boot what it can do");
                return;
            }
            Err(failure) => {
                info!(charger = %peer.identity(), cause = %failure, "it does not say what it can do");
                Answers::none(peer.version())
            }
        };
        let untold = answers.untold();
        if !untold.is_empty() {
            info!(charger = %peer.identity(), ?untold, "it was not learnt of a charger");
        }
        let now = self.agr.context.now();
        let noted = self.agr.capabilities.change(&self.agr.context, peer.identity().as_str(), |known| {
            // What other software has made of profiles says nothing of this.
            known.purposes.clear();
            known.version = peer.version().to_string();
            booted_as.clone_into(&mut known.booted_as);
            known.asked = Some(now);
            answers.write_into(known);
        });
        if let Err(cause) = noted.await {
            warn!(charger = %peer.identity(), %cause, "it is not noted what it can do");
        }
    }

    /// Looks whether the limit that holds now is kept to, and has it told by a profile of another purpose if not.
    async fn read_back(&self, peer: &Peer, session: &SessionKey, purpose: Purpose) -> Result<(), StoreError> {
        let context = &self.agr.context;
        let Some(told) = context.store.record::<SetPoint>(&session.to_string()).await? else { return Ok(()) };
        let (set_point, now) = (&told.value, context.now());
        let is_accepted = matches!(set_point.state, SetPointState::Accepted { .. });
        let Some(limit) =
            set_point.limit_at(now).filter(|limit| is_accepted && self.is_limit(set_point, *limit))
        else {
            return Ok(());
        };
        let question = (i32::from(set_point.evse.max(1)), set_point.unit);
        let composite = match peer.version() {
            Version::V1_6 => v16::composite(peer, question).await,
            Version::V2_0_1 => v2x::v201::composite(peer, question).await,
            _ => v2x::v21::composite(peer, question).await,
        };
        let standing = match composite {
            Ok(Some(composite)) if keeps_to(composite, limit) => Standing::Holds,
            Ok(Some(composite)) => {
                warn!(charger = session.charger, %purpose, %limit, %composite, "the charger accepted a limit and does not keep to it");
                Standing::WithoutEffect
            }
            // What is not answered now may be answered later.
            Err(CallFailure::TimedOut | CallFailure::QueueTimedOut | CallFailure::Disconnected) => {
                return Ok(());
            }
            Ok(None) => Standing::Unreadable,
            Err(cause) => {
                info!(charger = session.charger, %cause, "it can't be read back whether its limits hold");
                Standing::Unreadable
            }
        };
        self.agr
            .capabilities
            .change(context, &session.charger, |known| {
                known.purposes.insert(purpose, standing);
            })
            .await?;
        let candidates = self.agr.capabilities.get(&session.charger);
        let has_another =
            candidates.candidates().iter().any(|other| !candidates.purposes.contains_key(other));
        if standing == Standing::WithoutEffect && has_another {
            let state = SetPointState::Pending { attempts: 0, not_before: now };
            let mut changes = ChangeSet::new();
            changes.replace(&SetPoint { state, ..set_point.clone() }, told.version)?;
            return match context.commit(changes).await {
                // It is told something else by now.
                Err(StoreError::Conflict { .. }) => Ok(()),
                done => done,
            };
        }
        Ok(())
    }

    /// Whether it holds anything back: what the charger gives anyway says nothing of profiles.
    fn is_limit(&self, set_point: &SetPoint, limit: Decimal) -> bool {
        let most = self.agr.charger(&set_point.session.charger).map(|listed| listed.maximum(set_point.unit));
        most.is_some_and(|most| limit < most)
    }
}

/// Whether limits wait to be told to a charger now.
fn is_due(set_point: &SetPoint, identity: &str, now: Timestamp) -> bool {
    let is_its = set_point.session.charger == identity;
    is_its
        && matches!(set_point.state, SetPointState::Pending { not_before, .. } if not_before <= now)
        && set_point.span().is_some_and(|span| span.end() > now)
}

/// What is a limit's own, or less: 1 % more is rounding.
fn keeps_to(composite: Decimal, limit: Decimal) -> bool {
    composite <= limit + limit / Decimal::ONE_HUNDRED
}

/// A question of a probe.
fn briefly() -> CallOptions {
    CallOptions::default().with_timeout(PATIENCE).with_queue_timeout(PATIENCE)
}
