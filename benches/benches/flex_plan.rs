//! Planning a day's order over large fleets, and what comes before it: baseline, offer, and whether it can be delivered.
//!
//! Criterion prints sessions per second beside the time: where that stays the same, the work is linear. The time is the
//! thread's own on a CPU: it hardly depends on what else the machine does.

use std::hint::black_box;
use std::time::Duration;

use criterion::measurement::{Measurement, ValueFormatter, WallTime};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use tieline_benches::fleet::{MIXTURES, demands, fleet, isps, order};
use tieline_flex::{RequestedChange, baseline, deliverable, offer, split};
use tieline_types::Power;

const SIZES: [u32; 5] = [1_000, 3_000, 10_000, 30_000, 100_000];

/// The size at which the mixtures are compared.
const USUAL: u32 = 10_000;

/// How many of the mixtures are what fleets are like. The others are hard to split to the watt.
const LIKELY: usize = 7;

/// How long this thread has been running on a CPU.
struct CpuTime;

impl Measurement for CpuTime {
    type Intermediate = Duration;
    type Value = Duration;

    fn start(&self) -> Duration {
        let statistics = std::fs::read_to_string("/proc/thread-self/schedstat").expect("Linux tells it");
        let nanoseconds = statistics.split(' ').next().and_then(|text| text.parse().ok());
        Duration::from_nanos(nanoseconds.expect("the first field is a number"))
    }

    fn end(&self, start: Duration) -> Duration {
        self.start().saturating_sub(start)
    }

    fn add(&self, one: &Duration, other: &Duration) -> Duration {
        *one + *other
    }

    fn zero(&self) -> Duration {
        Duration::ZERO
    }

    fn to_f64(&self, value: &Duration) -> f64 {
        WallTime.to_f64(value)
    }

    fn formatter(&self) -> &dyn ValueFormatter {
        WallTime.formatter()
    }
}

fn planning(criterion: &mut Criterion<CpuTime>) {
    for mixture in &MIXTURES {
        let mut group = criterion.benchmark_group(format!("plan {}", mixture.name));
        group
            .sample_size(10)
            .warm_up_time(Duration::from_millis(100))
            .measurement_time(Duration::from_secs(1));
        for sessions in SIZES {
            let fleet = fleet(*mixture, sessions);
            let targets = order(&fleet);
            group.throughput(Throughput::Elements(u64::from(sessions)));
            group.bench_function(BenchmarkId::from_parameter(sessions), |bencher| {
                bencher.iter(|| split(black_box(&fleet), &targets));
            });
        }
        group.finish();
    }
}

fn before_an_order(criterion: &mut Criterion<CpuTime>) {
    let mut group = criterion.benchmark_group("before an order");
    group
        .sample_size(10)
        .warm_up_time(Duration::from_millis(100))
        .throughput(Throughput::Elements(u64::from(USUAL)));
    let isps = isps();
    let requests: Vec<RequestedChange> = isps
        .iter()
        .map(|span| RequestedChange {
            span: *span,
            min: Power::from_watts(-1_000_000),
            max: Power::from_watts(0),
            requested: true,
            promised: Power::from_watts(0),
            baseline: None,
        })
        .collect();
    for mixture in &MIXTURES[..LIKELY] {
        let fleet = fleet(*mixture, USUAL);
        let against_forecast: Vec<RequestedChange> = requests
            .iter()
            .zip(baseline(&fleet, &isps))
            .map(|(requested, baseline)| RequestedChange { baseline: Some(baseline), ..*requested })
            .collect();
        group.bench_function(BenchmarkId::new("baseline", mixture.name), |bencher| {
            bencher.iter(|| baseline(black_box(&fleet), &isps));
        });
        group.bench_function(BenchmarkId::new("offer", mixture.name), |bencher| {
            bencher.iter(|| offer(black_box(&fleet), &requests));
        });
        group.bench_function(BenchmarkId::new("offer against a forecast", mixture.name), |bencher| {
            bencher.iter(|| offer(black_box(&fleet), &against_forecast));
        });
        let demands = demands(&order(&fleet));
        group.bench_function(BenchmarkId::new("deliverable", mixture.name), |bencher| {
            bencher.iter(|| deliverable(black_box(&fleet), &demands));
        });
    }
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default().with_measurement(CpuTime);
    targets = planning, before_an_order
}
criterion_main!(benches);
