//! A common reference operator in open mode, in memory: any AGR and DSO that it knows may register and ask.
//!
//! A line on standard input prints how much is registered.

mod options;

use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Result;
use clap::Parser as _;
use options::{Options, calendar};
use tieline_uftp::Role;
use tieline_uftp::cro::{CommonReference, ReferencePolicy, cro_service};

#[tokio::main]
async fn main() -> Result<()> {
    let options = Options::parse();
    let clock = options.clock();
    let policy = ReferencePolicy::new(calendar()?.time_zone().clone());
    let reference = Arc::new(Mutex::new(CommonReference::new(policy)));
    let known = options.peers(Role::Agr).len() + options.peers(Role::Dso).len();
    options
        .run(cro_service(Arc::clone(&reference)), clock, async |_| {
            let reference = reference.lock().unwrap_or_else(PoisonError::into_inner);
            let (points, connections) = (reference.points().count(), reference.connections().count());
            tracing::info!(known, points, connections, changes = reference.changes(), "registered");
            Ok(())
        })
        .await
}
