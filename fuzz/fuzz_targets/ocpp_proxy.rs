//! A proxy passes whatever texts come both ways, around calls of our own.
//!
//! Seeds: the texts in `crates/ocpp/tests/it/damage.rs`.
#![no_main]

#[path = "../../crates/ocpp/tests/it/check_proxy.rs"]
mod check_proxy;
#[allow(dead_code)]
#[path = "../../crates/ocpp/tests/it/support.rs"]
mod support;

use std::cell::RefCell;

use libfuzzer_sys::fuzz_target;
use tokio::runtime::{Builder, Runtime};

thread_local! {
    static WORLD: RefCell<(Runtime, check_proxy::Proxied)> = RefCell::new({
        let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime can be made");
        let world = runtime.block_on(check_proxy::Proxied::new());
        (runtime, world)
    });
}

fuzz_target!(|text: &str| WORLD.with_borrow_mut(|(runtime, world)| runtime.block_on(world.check(text))));
