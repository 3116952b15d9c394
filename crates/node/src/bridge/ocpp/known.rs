//! When chargers come and go, and what they say of themselves.

use tieline_ocpp::{Identity, Peer, SessionInfo};
use tieline_store::{ChangeSet, Records as _, StoreError};

use crate::context::Context;
use crate::fleet::{KnownCharger, Made};

/// A charger has come, or gone.
pub(super) async fn note_session(
    context: &Context,
    session: &SessionInfo,
    connected: bool,
) -> Result<(), StoreError> {
    change(context, &session.identity, |known| {
        known.version = session.version.to_string();
        known.connected = connected;
        known.since = context.now();
        known.remote = session.remote_address.map(|address| address.to_string());
    })
    .await
}

/// A charger was there before it was known.
pub(super) async fn note_there(context: &Context, peer: &Peer) -> Result<(), StoreError> {
    change(context, peer.identity(), |known| {
        known.version = peer.version().to_string();
        known.connected = peer.is_connected();
        known.since = context.now();
        known.remote = peer.remote_address().map(|address| address.to_string());
    })
    .await
}

/// A charger has booted.
pub(super) async fn note_boot(context: &Context, peer: &Peer, made: &Made) -> Result<(), StoreError> {
    change(context, peer.identity(), |known| {
        known.version = peer.version().to_string();
        known.connected = peer.is_connected();
        known.made = Some(made.clone());
    })
    .await
}

/// Whoever was there when the node ended is not there any more.
pub(crate) async fn nobody_is_there(context: &Context) -> Result<(), StoreError> {
    let mut changes = ChangeSet::new();
    for stored in context.store.open_records::<KnownCharger>().await? {
        let gone = KnownCharger { connected: false, since: context.now(), ..stored.value };
        changes.replace(&gone, stored.version)?;
    }
    if changes.is_empty() { Ok(()) } else { context.commit(changes).await }
}

async fn change(
    context: &Context,
    identity: &Identity,
    mut change: impl FnMut(&mut KnownCharger),
) -> Result<(), StoreError> {
    loop {
        let known = context.store.record::<KnownCharger>(identity.as_str()).await?;
        let version = known.as_ref().map_or(0, |known| known.version);
        let mut charger = known.map_or_else(
            || KnownCharger {
                identity: identity.to_string(),
                version: String::new(),
                connected: false,
                since: context.now(),
                remote: None,
                made: None,
            },
            |known| known.value,
        );
        change(&mut charger);
        let mut changes = ChangeSet::new();
        changes.replace(&charger, version)?;
        match context.commit(changes).await {
            // Its boot and its coming are told at the same time.
            Err(StoreError::Conflict { .. }) => {}
            done => return done,
        }
    }
}
