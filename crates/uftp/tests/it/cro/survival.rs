//! A keeper and what it keeps.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use tieline_uftp::cro::{Change, Keeper, MemoryRegister, Register, RegisterError, Rows};

use super::*;

/// A register that counts how often everything is read.
#[derive(Default)]
struct Counted {
    register: MemoryRegister,
    read: AtomicU32,
}

impl Register for Counted {
    async fn changes(&self) -> Result<u64, RegisterError> {
        self.register.changes().await
    }

    async fn rows(&self) -> Result<Rows, RegisterError> {
        self.read.fetch_add(1, Ordering::Relaxed);
        self.register.rows().await
    }
}

fn decide(reference: &CommonReference, number: u32) -> Change {
    let update = agr_update("a.nl", &[(number, (1, None))]);
    reference.agr_portfolio_update(&update, &participant(Role::Agr, "a.nl"), noon(1)).unwrap()
}

fn rows(reference: &CommonReference) -> usize {
    reference.connections().count()
}

#[tokio::test]
async fn what_is_kept_is_known_and_nothing_else() {
    let keeper = Keeper::new(policy(), Counted::default());
    let before = keeper.current().await.unwrap();
    let change = decide(&before, 1);
    keeper.expect(change.clone());
    assert_eq!(rows(&keeper.current().await.unwrap()), 0, "it is not kept yet");
    keeper.register().register.keep(&change).unwrap();
    assert_eq!(rows(&keeper.current().await.unwrap()), 1);
    assert_eq!(rows(&before), 0, "who has asked before sees what was then");

    // One that was not kept is forgotten, and another follows on the same state.
    keeper.expect(decide(&keeper.current().await.unwrap(), 2));
    let other = decide(&keeper.current().await.unwrap(), 3);
    keeper.expect(other.clone());
    keeper.register().register.keep(&other).unwrap();
    let after = keeper.current().await.unwrap();
    assert!(after.connection(&address(3).parse().unwrap()).is_some());
    assert!(after.connection(&address(2).parse().unwrap()).is_none());
    assert_eq!(keeper.register().read.load(Ordering::Relaxed), 1, "all is read once, at the start");
}

#[tokio::test]
async fn a_change_that_was_not_heard_of_is_read() {
    let keeper = Keeper::new(policy(), Counted::default());
    let change = decide(&keeper.current().await.unwrap(), 1);
    keeper.register().register.keep(&change).unwrap();
    assert_eq!(rows(&keeper.current().await.unwrap()), 1);
    assert_eq!(keeper.register().read.load(Ordering::Relaxed), 2);
}

#[tokio::test]
async fn an_update_that_changes_nothing_is_no_change() {
    let keeper = Keeper::new(policy(), Counted::default());
    let change = decide(&keeper.current().await.unwrap(), 1);
    keeper.register().register.keep(&change).unwrap();
    let again = decide(&keeper.current().await.unwrap(), 1);
    assert!(again.is_empty());
    keeper.register().register.keep(&again).unwrap();
    keeper.expect(again);
    assert_eq!(keeper.current().await.unwrap().changes(), 1);
}

#[tokio::test]
async fn a_register_that_fails_is_asked_again() {
    struct Failing(AtomicU32);
    impl Register for Failing {
        async fn changes(&self) -> Result<u64, RegisterError> {
            match self.0.fetch_add(1, Ordering::Relaxed) {
                0 => Err(RegisterError("the disk is away".into())),
                _ => Ok(0),
            }
        }
        async fn rows(&self) -> Result<Rows, RegisterError> {
            Ok(Rows::default())
        }
    }
    let keeper = Keeper::new(policy(), Failing(AtomicU32::new(0)));
    let failure = keeper.current().await.unwrap_err();
    assert_eq!(failure.to_string(), "the common reference cannot be read: the disk is away");
    let _: Arc<CommonReference> = keeper.current().await.unwrap();
}
