//! A common reference in memory that follows what is kept of it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{Change, CommonReference, ReferencePolicy, Register, RegisterError, Rows};

/// A common reference in memory, as it is kept in a [`Register`].
///
/// A register has one keeper, and updates are decided on and written one after the other.
///
/// A change is decided on, written by its owner, and known here as soon as the register says that it is kept. One that was not
/// kept after all is forgotten, and what is not known here is read from the register. So what is answered is always what is
/// kept, whatever has failed.
///
/// ```
/// use jiff::tz::TimeZone;
/// use tieline_uftp::cro::{Keeper, MemoryRegister, ReferencePolicy, RegisterError};
/// use tieline_uftp::message::AgrPortfolioUpdate;
/// use tieline_uftp::{Decision, Participant, Undecided};
///
/// async fn decide(
///     keeper: &Keeper<MemoryRegister>,
///     update: &AgrPortfolioUpdate,
///     sender: &Participant,
///     now: jiff::Timestamp,
/// ) -> Result<Decision, RegisterError> {
///     let reference = keeper.current().await?;
///     Ok(match reference.agr_portfolio_update(update, sender, now) {
///         Err(rejected) => rejected.into(),
///         Ok(change) => match keeper.register().keep(&change) {
///             Ok(()) => {
///                 keeper.expect(change);
///                 Decision::Accepted(Default::default())
///             }
///             Err(other) => Undecided { cause: other.to_string(), retry: true }.into(),
///         },
///     })
/// }
/// ```
#[derive(Debug)]
pub struct Keeper<R> {
    register: R,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    reference: Arc<CommonReference>,
    /// Nothing was read yet.
    is_new: bool,
    /// The change that was decided on last, until it is known whether it was kept.
    expected: Option<Change>,
}

impl<R: Register> Keeper<R> {
    /// Reads from `register` when it is first asked.
    pub fn new(policy: ReferencePolicy, register: R) -> Self {
        let reference = Arc::new(CommonReference::new(policy));
        Self { register, state: Mutex::new(State { reference, is_new: true, expected: None }) }
    }

    /// Where it is kept.
    pub fn register(&self) -> &R {
        &self.register
    }

    /// The common reference as it is kept now.
    pub async fn current(&self) -> Result<Arc<CommonReference>, RegisterError> {
        let kept = self.register.changes().await?;
        if let Some(reference) = self.state().caught_up(kept) {
            return Ok(reference);
        }
        let Rows { changes, points, connections } = self.register.rows().await?;
        let mut state = self.state();
        let policy = state.reference.policy().clone();
        state.reference = Arc::new(CommonReference::restore(policy, changes, points, connections));
        state.is_new = false;
        state.expected = None;
        Ok(Arc::clone(&state.reference))
    }

    /// This change is being written: once the register has it, it is applied without being read.
    pub fn expect(&self, change: Change) {
        self.state().expected = Some(change).filter(|change| !change.is_empty());
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// The common reference after so many changes, if it is known here.
    fn caught_up(&mut self, kept: u64) -> Option<Arc<CommonReference>> {
        if self.is_new {
            return None;
        }
        if let Some(change) = self.expected.take_if(|change| change.number() == kept) {
            Arc::make_mut(&mut self.reference).apply(change).ok()?;
        }
        (self.reference.changes() == kept).then(|| Arc::clone(&self.reference))
    }
}
