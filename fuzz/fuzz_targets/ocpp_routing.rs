//! A CSMS answers whatever texts come from its stations, and the next message too.
//!
//! Seeds: the texts in `crates/ocpp/tests/it/damage.rs`.
#![no_main]

#[path = "../../crates/ocpp/tests/it/check_routing.rs"]
mod check_routing;
#[allow(dead_code)]
#[path = "../../crates/ocpp/tests/it/support.rs"]
mod support;

use std::cell::RefCell;

use libfuzzer_sys::fuzz_target;
use tokio::runtime::{Builder, Runtime};

thread_local! {
    static WORLD: RefCell<(Runtime, check_routing::Routed)> = RefCell::new({
        let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime can be made");
        let world = runtime.block_on(check_routing::Routed::new());
        (runtime, world)
    });
}

fuzz_target!(|text: &str| WORLD.with_borrow_mut(|(runtime, world)| runtime.block_on(world.check(text))));
