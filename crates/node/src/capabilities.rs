//! What the chargers can do, in memory and in the store.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use tieline_store::{ChangeSet, Records as _, StoreError};

use crate::context::Context;
use crate::fleet::ChargerCapability;

/// What each charger can do, as far as is known.
#[derive(Clone, Debug)]
pub(crate) struct Capabilities(Arc<RwLock<BTreeMap<String, ChargerCapability>>>);

impl Capabilities {
    pub(crate) async fn open(context: &Context) -> Result<Self, StoreError> {
        let known = context.store.records_of::<ChargerCapability>(ChargerCapability::SUBJECT, None).await?;
        let by_identity = known.into_iter().map(|known| (known.value.identity.clone(), known.value));
        Ok(Self(Arc::new(RwLock::new(by_identity.collect()))))
    }

    /// What is known of a charger, which may be nothing.
    pub(crate) fn get(&self, identity: &str) -> ChargerCapability {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner).get(identity).cloned();
        known.unwrap_or_else(|| ChargerCapability::unknown(identity))
    }

    /// Changes what is known of a charger.
    pub(crate) async fn change(
        &self,
        context: &Context,
        identity: &str,
        change: impl Fn(&mut ChargerCapability),
    ) -> Result<(), StoreError> {
        loop {
            let known = context.store.record::<ChargerCapability>(identity).await?;
            let (mut capability, version) = known.map_or_else(
                || (ChargerCapability::unknown(identity), 0),
                |known| (known.value, known.version),
            );
            change(&mut capability);
            let mut changes = ChangeSet::new();
            changes.replace(&capability, version)?;
            match context.commit(changes).await {
                // What it said and what it was seen to do are noted at the same time.
                Err(StoreError::Conflict { .. }) => {}
                Err(failure) => return Err(failure),
                Ok(()) => {
                    let mut all = self.0.write().unwrap_or_else(PoisonError::into_inner);
                    all.insert(identity.to_owned(), capability);
                    return Ok(());
                }
            }
        }
    }
}
