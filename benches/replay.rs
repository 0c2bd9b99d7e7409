//! How fast a trace is prepared and replayed. `cargo bench --bench replay`.
//!
//! "replay" and "sum" read the same array: their ratio says how near the counter is to the speed of
//! memory.

use std::path::Path;
use std::sync::Arc;

use balloonist::formats::read_trace;
use balloonist::params::{Settings, Value};
use balloonist::random::{Generator, Stream};
use balloonist::replace::{self, Build, Counts, FrameEvent};
use balloonist::scenario::Document;
use balloonist::trace::workloads::{self, WorkloadSpec};
use balloonist::trace::{Trace, curve, distances::distances};
use balloonist::units::Frames;
use balloonist::{balance, bound, simulate, watch};
use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};

/// Zipf over many pages, and a real program.
fn traces() -> [(&'static str, Arc<Trace>, Frames); 2] {
    let zipf = workloads::ALL.iter().find(|kind| kind.name == "zipf").expect("a workload");
    let mut settings = Settings::defaults(zipf.params);
    settings.set("pages", Value::Integer(1_000_000));
    let spec = WorkloadSpec { kind: zipf, settings, accesses: 5_000_000, of: Vec::new() };
    let zipf = spec.generate(&mut Stream::new(Generator::ChaCha8, 1, 0, "bench"));
    let sqlite3 = read_trace(Path::new("traces/sqlite3.balloonist"), "auto").expect("is shipped");
    [("zipf", Arc::new(zipf), Frames(100_000)), ("sqlite3", Arc::new(sqlite3), Frames(64))]
}

fn replay(build: Build, trace: &Arc<Trace>, frames: Frames) -> Counts {
    let draw = || Stream::new(Generator::ChaCha8, 1, 0, "bench");
    replace::replay(build, &Settings::defaults(&[]), trace, 0, frames, &draw)
}

/// The same with every fault and victim recorded.
fn recorded(build: Build, trace: &Arc<Trace>, frames: Frames) -> Vec<FrameEvent> {
    let draw = || Stream::new(Generator::ChaCha8, 1, 0, "bench");
    replace::replay_recorded(build, &Settings::defaults(&[]), trace, frames, &draw).1
}

fn phases(criterion: &mut Criterion) {
    let lru = &replace::ALL[0];
    for (name, trace, frames) in traces() {
        let mut group = criterion.benchmark_group(name);
        group.sample_size(10).throughput(Throughput::Elements(trace.accesses()));
        group.bench_function("distances", |bencher| bencher.iter(|| distances(&trace)));
        let ready = trace.distances();
        let sum = || ready.iter().map(|&distance| u64::from(distance)).sum::<u64>();
        group.bench_function("sum", |bencher| bencher.iter(sum));
        let counter = || replay(lru.build, &trace, frames);
        group.bench_function("replay", |bencher| bencher.iter(counter));
        let victims = || recorded(lru.build, &trace, frames);
        group.bench_function("victims", |bencher| bencher.iter(victims));
        let curve = || curve::lru_faults(&trace, trace.accesses());
        group.bench_function("curve", |bencher| bencher.iter(curve));
    }
}

fn scenarios(criterion: &mut Criterion) {
    let mut document = Document::open(Path::new("scenarios/consolidation.toml"));
    document.set("host.memory=256");
    let Ok(checked) = document.check() else { panic!("the scenario is shipped") };
    let scenario = checked.scenario;
    let mut group = criterion.benchmark_group("consolidation");
    group.sample_size(10);
    for policy in balance::ALL.iter().take(3) {
        let run = || simulate::simulate(&scenario, policy, &mut watch::NullWatcher);
        group.bench_function(policy.name, |bencher| bencher.iter(run));
    }
    group.bench_function("bounds", |bencher| bencher.iter(|| bound::all(&scenario)));
}

/// What a stretch comes to, by a scan and by the index, for the lengths around which they change
/// places.
fn stretches(criterion: &mut Criterion) {
    for (name, trace, frames) in traces() {
        let scanned = Trace::clone(&trace);
        let runs = scanned.distances().len();
        let indexed = scanned.clone();
        indexed.index();
        let mut group = criterion.benchmark_group(format!("stretches of {name}"));
        group.bench_function("build", |bencher| {
            bencher.iter_batched(
                || scanned.clone(),
                |trace| trace.index(),
                BatchSize::PerIteration,
            );
        });
        for length in [100, 1_000, 4_096, 10_000, 100_000, 1_000_000] {
            for (way, trace) in [("scan", &scanned), ("index", &indexed)] {
                // Stretches all over the trace, so that no cache knows them.
                let mut from = 0;
                let mut next = || {
                    from = (from + 1_000_003) % (runs - length);
                    trace.distances_of(true, from..from + length)
                };
                let id = BenchmarkId::new(format!("count by {way}"), length);
                group.bench_function(id, |bencher| {
                    bencher.iter(|| next().deeper(frames.0 as u32));
                });
                let mut histogram = vec![0; trace.distinct_pages() + 2];
                let id = BenchmarkId::new(format!("curve by {way}"), length);
                group.bench_function(id, |bencher| {
                    bencher.iter(|| next().add_to(&mut histogram, 1));
                });
            }
        }
    }
}

criterion_group!(benches, phases, scenarios, stretches);
criterion_main!(benches);
