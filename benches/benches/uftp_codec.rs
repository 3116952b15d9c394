//! Opening and sealing a FlexRequest of 96 ISPs, with the bare signature operations as their floors.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use tieline_benches::sample;
use tieline_benches::uftp_codec::{close, open};
use tieline_uftp::{Limits, SignedMessage, Tolerance};

fn opening(criterion: &mut Criterion) {
    let (key, keys) = (sample::signing_key(), [sample::verifying_key()]);
    let signature = key.sign(sample::PAYLOAD);
    let mut group = criterion.benchmark_group("open");
    group.throughput(Throughput::Bytes(sample::ENVELOPE.len() as u64));
    group.bench_function("whole", |bencher| bencher.iter(|| open(black_box(sample::ENVELOPE), &keys)));
    group.bench_function("envelope alone", |bencher| {
        bencher
            .iter(|| SignedMessage::parse(black_box(sample::ENVELOPE), &Limits::default()).expect("valid"));
    });
    group.bench_function("Ed25519 alone", |bencher| {
        bencher.iter(|| keys[0].verifies(black_box(sample::PAYLOAD), black_box(&signature)));
    });
    group.bench_function("payload alone", |bencher| {
        bencher.iter(|| tieline_uftp::parse(black_box(sample::PAYLOAD), &Tolerance::STRICT).expect("valid"));
    });
    group.finish();
}

fn sealing(criterion: &mut Criterion) {
    let (key, message) = (sample::signing_key(), sample::message());
    let written = message.to_xml();
    let sender: tieline_types::Domain = sample::SENDER.parse().expect("a domain");
    let signed = SignedMessage::seal(sender, tieline_uftp::Role::Dso, &written, &key);
    let mut group = criterion.benchmark_group("seal");
    group.throughput(Throughput::Bytes(written.len() as u64));
    group.bench_function("whole", |bencher| bencher.iter(|| close(black_box(&message), &key)));
    group.bench_function("payload alone", |bencher| bencher.iter(|| black_box(&message).to_xml()));
    group.bench_function("Ed25519 alone", |bencher| bencher.iter(|| key.sign(black_box(&written))));
    group.bench_function("envelope alone", |bencher| bencher.iter(|| black_box(&signed).to_xml()));
    group.finish();
}

criterion_group!(benches, opening, sealing);
criterion_main!(benches);
