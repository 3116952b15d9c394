use std::time::Duration;

use jiff::Timestamp;
use tieline_edge::Backoff;
use tieline_ocpp::types::{DateTime, Decimal};
use tieline_ocpp::{CallFailure, ErrorCode, Peer, Registry, SessionEvent, Version};
use tieline_store::{ChangeSet, Records as _, StoreError, Stored};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::known::note_session;
use super::{Questions, v2x, v16};
use crate::config::ProfileUnit;
use crate::context::Context;
use crate::fleet::{ChargerCapability, Purpose, Session, SetPoint, SetPointState, Standing, ToldLimits};
use crate::role::agr::Agr;
use tieline_edge::work::{Turn, UnderWay};

/// The pause after a charger did not answer.
const REST: Backoff = Backoff::new(Duration::from_secs(1), Duration::from_mins(1));

/// A charger that has answered so often with an error that may pass is not asked again.
const ERRORS: u32 = 5;

/// A charging profile, in no version's words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Profile {
    /// One profile for each EVSE: a newer one replaces it, since it has the same id.
    pub(super) id: i32,
    pub(super) purpose: Purpose,
    pub(super) stack_level: i32,
    pub(super) evse: i32,
    pub(super) transaction: String,
    pub(super) unit: ProfileUnit,
    pub(super) start: DateTime,
    /// In seconds.
    pub(super) duration: i32,
    /// Seconds from the start, and the limit from then on.
    pub(super) periods: Vec<(i32, Decimal)>,
}

/// What a charger said to a profile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Told {
    Accepted,
    Refused(String),
}

/// Tells chargers the set-points that wait for them.
#[derive(Clone, Debug)]
pub(crate) struct Steering {
    pub(crate) agr: Agr,
    pub(crate) context: Context,
    pub(crate) registry: Registry,
    pub(crate) under_way: UnderWay<String>,
    pub(crate) questions: Questions,
}

impl Steering {
    /// Rings when a charger connects: something may wait for it.
    ///
    /// It listens from the call on, not from when it is first awaited: whoever connected in between would count as away.
    pub(crate) fn watch(self, stop: CancellationToken) -> impl Future<Output = ()> + Send {
        let mut events = self.registry.events();
        async move {
            while let Some(Some(event)) = stop.run_until_cancelled(events.next()).await {
                if let Err(cause) = self.heed(event).await {
                    warn!(%cause, "it is not noted that a charger came or went");
                }
                self.context.bells.set_points.ring();
                self.context.bells.commands.ring();
            }
        }
    }

    async fn heed(&self, event: SessionEvent) -> Result<(), StoreError> {
        match event {
            // It was removed while it connected, or is none of ours.
            SessionEvent::Connected(session) if self.agr.charger(session.identity.as_str()).is_none() => {
                if !self.agr.roster.has_others()
                    && let Some(peer) = self.registry.get(session.identity.as_str())
                {
                    peer.close("this charging station was removed");
                }
            }
            SessionEvent::Connected(session) => {
                self.agr.absences.came(session.identity.as_str());
                info!(charger = %session.identity, version = %session.version, "connected");
                note_session(&self.context, &session, true).await?;
            }
            SessionEvent::Disconnected(session, reason) => {
                // It may have come back on another connection before this one was found dead.
                let is_gone = self.registry.get(session.identity.as_str()).is_none();
                if is_gone && self.agr.charger(session.identity.as_str()).is_some() {
                    self.agr.absences.went(session.identity.as_str(), self.context.now());
                }
                info!(charger = %session.identity, ?reason, "disconnected");
                if is_gone {
                    note_session(&self.context, &session, false).await?;
                }
            }
            SessionEvent::Missed(count) => {
                warn!(count, "too many chargers came and went at once to be told one by one");
                let now = self.context.now();
                for charger in self.agr.roster.all().keys() {
                    if self.registry.get(charger).is_some() {
                        self.agr.absences.came(charger);
                    } else {
                        self.agr.absences.went(charger, now);
                    }
                }
            }
            _ => {}
        }
        Ok(())
    }

    pub(crate) async fn turn(&self) -> Result<Turn, StoreError> {
        let now = self.context.now();
        let mut next: Option<Timestamp> = None;
        let busy = self.under_way.now();
        for stored in self.context.store.open_records::<SetPoint>().await? {
            let SetPointState::Pending { not_before, .. } = stored.value.state else { continue };
            let over = stored.value.span().is_none_or(|span| span.end() <= now)
                || self.has_ended(&stored.value).await?;
            if over {
                self.note(&stored, SetPointState::Missed).await?;
            } else if not_before > now {
                next = Some(next.map_or(not_before, |known| known.min(not_before)));
            } else if let Some(peer) = self.registry.get(&stored.value.session.charger)
                && !busy.contains(&stored.value.session.to_string())
            {
                let (steering, session) = (self.clone(), stored.value.session.to_string());
                self.under_way.begin(session, async move { steering.tell(peer, stored).await });
            }
        }
        Ok(Turn::Until(next))
    }

    /// Whether there is nobody left to tell.
    async fn has_ended(&self, set_point: &SetPoint) -> Result<bool, StoreError> {
        let session = self.context.store.record::<Session>(&set_point.session.to_string()).await?;
        Ok(session.is_none_or(|session| session.value.ended.is_some()))
    }

    async fn tell(&self, peer: Peer, mut stored: Stored<SetPoint>) {
        let capability = self.agr.capabilities.get(peer.identity().as_str());
        if let Some(periods) = capability.max_periods {
            stored.value.shorten(periods);
        }
        let state = self.state_after(&peer, &stored.value, &capability).await;
        self.under_way.note(|| self.note(&stored, state.clone())).await;
        self.context.bells.questions.ring();
    }

    /// Tells it by profiles of one purpose after the other, until one is not refused.
    async fn told(
        &self,
        peer: &Peer,
        set_point: &SetPoint,
        capability: &ChargerCapability,
    ) -> Result<Told, CallFailure> {
        let mut refused: Vec<Purpose> = Vec::new();
        let mut answer = Ok(Told::Refused("it can't be said in a charging profile".to_owned()));
        let has_other_csms = self.agr.roster.has_others();
        let candidates =
            if has_other_csms { capability.candidates_beside_others() } else { capability.candidates() };
        for purpose in candidates {
            let stack_level = capability.max_stack_level.unwrap_or(0).max(0);
            let Some(mut profile) = profile(set_point, purpose, stack_level) else { break };
            if has_other_csms {
                // Others count from below.
                profile.id = i32::MAX - profile.evse;
            }
            let told = send(peer, &profile).await;
            match &told {
                Ok(Told::Accepted) => {
                    self.learn_purposes(set_point, purpose, &refused, capability).await;
                    return told;
                }
                Ok(Told::Refused(_)) => refused.push(purpose),
                Err(CallFailure::Refused(error)) if !may_pass(&error.code) => refused.push(purpose),
                // Whether it was refused is not known.
                Err(_) => return told,
            }
            // The first refusal is the one that says why.
            if refused.len() == 1 {
                answer = told;
            }
        }
        answer
    }

    /// Keeps which purposes a charger takes. It is asked whether those hold until that is known.
    async fn learn_purposes(
        &self,
        set_point: &SetPoint,
        accepted: Purpose,
        refused: &[Purpose],
        capability: &ChargerCapability,
    ) {
        let session = &set_point.session;
        let standing = capability.purposes.get(&accepted);
        let is_news = standing.is_none() || !refused.is_empty();
        if matches!(standing, None | Some(Standing::Accepted)) {
            let now = self.context.now();
            let not_before = set_point.span().map_or(now, |span| span.start().max(now));
            self.questions.on_accepted(session, accepted, not_before);
        }
        // Of a transaction that has just ended a profile is refused for that.
        let is_over = !refused.is_empty() && self.has_ended(set_point).await.unwrap_or(true);
        if !is_news || is_over {
            return;
        }
        let noted = self.agr.capabilities.change(&self.context, &session.charger, |known| {
            known.purposes.entry(accepted).or_insert(Standing::Accepted);
            // What was taken before is refused for what this one says, not for its purpose.
            for purpose in refused {
                known.purposes.entry(*purpose).or_insert(Standing::Refused);
            }
        });
        if let Err(cause) = noted.await {
            warn!(charger = session.charger, %cause, "it is not noted which profiles it takes");
        }
    }

    async fn state_after(
        &self,
        peer: &Peer,
        set_point: &SetPoint,
        capability: &ChargerCapability,
    ) -> SetPointState {
        let told = self.told(peer, set_point, capability).await;
        let session = &set_point.session;
        let now = self.context.now();
        match told {
            Ok(Told::Accepted) => {
                info!(
                    charger = session.charger,
                    transaction = session.transaction,
                    periods = set_point.periods.len(),
                    "the charger accepted its limits"
                );
                SetPointState::Accepted { at: now }
            }
            Ok(Told::Refused(cause)) => {
                warn!(
                    charger = session.charger,
                    transaction = session.transaction,
                    cause,
                    "the charger refused its limits"
                );
                SetPointState::Refused { cause }
            }
            Err(failure) if is_final(&failure, set_point) => {
                warn!(charger = session.charger, transaction = session.transaction, cause = %failure, "the charger refused its limits");
                SetPointState::Refused { cause: failure.to_string() }
            }
            Err(failure) => {
                let before = attempts(set_point);
                let pause = REST.after(before + 1, self.context.environment.ids.random());
                warn!(charger = session.charger, transaction = session.transaction, cause = %failure, ?pause, "the charger did not take its limits; trying again");
                SetPointState::Pending {
                    attempts: before + 1,
                    not_before: now.checked_add(pause).unwrap_or(now),
                }
            }
        }
    }

    /// A set-point that was replaced meanwhile keeps its own state.
    async fn note(&self, stored: &Stored<SetPoint>, state: SetPointState) -> Result<(), StoreError> {
        let set_point = SetPoint { state, ..stored.value.clone() };
        let mut changes = ChangeSet::new();
        changes.replace(&set_point, stored.version)?;
        if let SetPointState::Accepted { at } = set_point.state {
            changes.put(&ToldLimits::of(&set_point, at))?;
        }
        if matches!(set_point.state, SetPointState::Refused { .. }) {
            // The others make up for it.
            self.agr.want_plan(&set_point.congestion_point, &mut changes)?;
        }
        match self.context.commit(changes).await {
            Err(StoreError::Conflict { .. }) => Ok(()),
            done => done,
        }
    }
}

/// How often it was sent in vain.
fn attempts(set_point: &SetPoint) -> u32 {
    match set_point.state {
        SetPointState::Pending { attempts, .. } => attempts,
        _ => 0,
    }
}

/// Whether a charger has refused its limits, by its error or by having erred too often. Then the others make up for it.
fn is_final(failure: &CallFailure, set_point: &SetPoint) -> bool {
    let CallFailure::Refused(error) = failure else { return false };
    !may_pass(&error.code) || attempts(set_point) + 1 >= ERRORS
}

/// Whether the same CALL may succeed later (OCPP-J 1.6 §4.2.3, 2.0.1 Part 4 §4.3): the charger failed, or did not say why.
/// The other codes say that it does not know the action, or never takes this payload.
fn may_pass(code: &ErrorCode) -> bool {
    matches!(code, ErrorCode::InternalError | ErrorCode::GenericError | ErrorCode::Other(_))
}

async fn send(peer: &Peer, profile: &Profile) -> Result<Told, CallFailure> {
    match peer.version() {
        Version::V1_6 => v16::tell(peer, profile).await,
        Version::V2_0_1 => v2x::v201::tell(peer, profile).await,
        _ => v2x::v21::tell(peer, profile).await,
    }
}

fn profile(set_point: &SetPoint, purpose: Purpose, stack_level: i32) -> Option<Profile> {
    let span = set_point.span()?;
    let seconds = |at: Timestamp| i32::try_from(at.as_second() - span.start().as_second()).ok();
    let periods = set_point
        .periods
        .iter()
        .map(|period| Some((seconds(period.span.start())?, period.limit.to_string().parse().ok()?)))
        .collect::<Option<_>>()?;
    // Most stations have one, and a TxProfile is for one: a station that has more and does not say which refuses.
    let evse = if set_point.evse == Session::UNKNOWN_EVSE { 1 } else { i32::from(set_point.evse) };
    Some(Profile {
        id: evse,
        purpose,
        stack_level,
        evse,
        transaction: set_point.session.transaction.clone(),
        unit: set_point.unit,
        start: DateTime::from_timestamp(span.start()),
        duration: seconds(span.end())?,
        periods,
    })
}
