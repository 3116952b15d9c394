//! What a call costs between a session and its handler: routing, layers, reading and writing the payload; and the allocations of it.
#![expect(clippy::print_stdout, reason = "allocations are counted, not timed")]

use std::hint::black_box;
use std::sync::Arc;

use criterion::{Criterion, criterion_group, criterion_main};
use tieline_benches::ocpp::{handle_of_a_station, routes_of_the_bench};
use tieline_ocpp::{Message, Ocpp, Peer, RawValue, Tolerance, Version};
use tieline_service::{Head, Incoming, Routes};
use tokio::runtime::{Builder, Runtime};
use tower::ServiceExt as _;

const METER_VALUES: &str = r#"{"connectorId":1,"transactionId":7,"meterValue":[{"timestamp":"2026-06-01T12:00:00.000Z","sampledValue":[{"value":"1.25","context":"Sample.Periodic","measurand":"Energy.Active.Import.Register","unit":"kWh"},{"value":"11000","context":"Sample.Periodic","measurand":"Power.Active.Import","unit":"W"}]}]}"#;

/// What comes in: action and payload. The first has no route.
const CALLS: [(&str, &str); 3] = [("ClearCache", "{}"), ("Heartbeat", "{}"), ("MeterValues", METER_VALUES)];

struct Call {
    action: &'static str,
    payload: Box<RawValue>,
    peer: Peer,
}

impl Call {
    fn incoming(&self) -> Incoming<Ocpp> {
        let message = Message::new(Version::V1_6, "17", self.payload.clone(), Arc::new(Tolerance::default()));
        Incoming::new(Head::new(Version::V1_6, self.action, "17".to_owned(), self.peer.clone()), message)
    }
}

async fn route(routes: &Routes<Ocpp>, incoming: Incoming<Ocpp>) {
    let reply = routes.clone().oneshot(incoming).await.expect("it never fails");
    black_box(reply);
}

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().expect("a runtime")
}

fn routing(criterion: &mut Criterion) {
    let runtime = runtime();
    let peer = runtime.block_on(handle_of_a_station()).expect("a session");
    let routes = routes_of_the_bench();
    let mut group = criterion.benchmark_group("route");
    for (action, payload) in CALLS {
        let call = Call {
            action,
            payload: RawValue::from_string(payload.to_owned()).expect("JSON"),
            peer: peer.clone(),
        };
        let made = allocation_counter::measure(|| drop(black_box(call.incoming())));
        let answered = allocation_counter::measure(|| runtime.block_on(route(&routes, call.incoming())));
        println!(
            "{action}: {} allocations, {} bytes, beside those of the message itself",
            answered.count_total - made.count_total,
            answered.bytes_total - made.bytes_total
        );
        group.bench_function(action, |bencher| {
            bencher.iter_batched(
                || call.incoming(),
                |incoming| runtime.block_on(route(&routes, incoming)),
                criterion::BatchSize::SmallInput,
            );
        });
    }
    group.finish();
}

criterion_group!(benches, routing);
criterion_main!(benches);
