//! How fast traces are read, interned, opened and generated. `cargo bench --bench trace`.

use std::fmt::Write;
use std::hint::black_box;

use balloonist::formats::compact::write_compact;
use balloonist::formats::{ReadOptions, load_from};
use balloonist::params::{Settings, Value};
use balloonist::random::{Generator, Stream};
use balloonist::trace::workloads::{self, WorkloadSpec};
use balloonist::trace::{Trace, TraceBuilder};
use criterion::{BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main};

const ACCESSES: u64 = 2_000_000;

fn spec(name: &str, pages: u64) -> WorkloadSpec {
    let kind = workloads::ALL.iter().find(|kind| kind.name == name).expect("a workload");
    let mut settings = Settings::defaults(kind.params);
    if kind.params.iter().any(|param| param.name == "pages") {
        settings.set("pages", Value::Integer(pages));
    }
    WorkloadSpec { kind, settings, accesses: ACCESSES, of: Vec::new() }
}

fn generate(name: &str, pages: u64) -> Trace {
    spec(name, pages).generate(&mut Stream::new(Generator::ChaCha8, 1, 0, "bench"))
}

fn numbers(trace: &Trace) -> Vec<u32> {
    let runs = trace.runs(0, trace.accesses());
    let number = |page: u32| trace.numbers()[page as usize].0 as u32;
    runs.flat_map(|run| std::iter::repeat_n(number(run.page), run.accesses as usize)).collect()
}

type Group<'a> = BenchmarkGroup<'a, criterion::measurement::WallTime>;

fn bench_load(group: &mut Group<'_>, id: &str, bytes: &[u8], file: &str) {
    let load = || load_from(black_box(bytes), file, None, &ReadOptions::default());
    group.bench_function(id, |bencher| bencher.iter(load));
}

fn read(criterion: &mut Criterion) {
    let trace = generate("zipf", 4096);
    let numbers = numbers(&trace);
    let words: Vec<u8> = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
    let mut compact = Vec::new();
    write_compact(&trace, &mut compact).expect("a Vec can be written to");
    let (mut text, mut lackey) = (String::new(), String::new());
    for (at, number) in numbers.iter().enumerate() {
        let letter = ["I ", " L", " S"][at % 3];
        let written = writeln!(text, "{number}")
            .and_then(|()| writeln!(lackey, "{letter} {number:05x}{:03x},4", at % 4000));
        written.expect("a String can be written to");
    }
    let mut group = criterion.benchmark_group("read");
    group.sample_size(20).throughput(Throughput::Elements(ACCESSES));
    bench_load(&mut group, "u32", &words, "x.u32");
    bench_load(&mut group, "compact", &compact, "x.trace");
    group.throughput(Throughput::Bytes(text.len() as u64));
    bench_load(&mut group, "text", text.as_bytes(), "x.txt");
    group.throughput(Throughput::Bytes(lackey.len() as u64));
    bench_load(&mut group, "lackey", lackey.as_bytes(), "x.lackey");
}

fn store(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("store");
    group.sample_size(20).throughput(Throughput::Elements(ACCESSES));
    for (id, name, pages) in [
        ("intern/zipf-1M-pages", "zipf", 1_000_000),
        ("intern/zipf-1k-pages", "zipf", 1024),
        ("intern/one-page", "loop", 1),
    ] {
        let numbers = numbers(&generate(name, pages));
        group.bench_function(id, |bencher| {
            bencher.iter(|| {
                let mut builder = TraceBuilder::default();
                builder.extend_u32(black_box(&numbers));
                builder.finish()
            });
        });
    }
    let trace = generate("zipf", 4096);
    group.bench_function("content-hash", |bencher| {
        bencher.iter(|| black_box(&trace).content_hash());
    });
}

fn generators(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("workload");
    group.sample_size(10).throughput(Throughput::Elements(ACCESSES));
    for kind in workloads::ALL.iter().filter(|kind| !kind.nests) {
        group.bench_function(kind.name, |bencher| bencher.iter(|| generate(kind.name, 1024)));
    }
}

criterion_group!(benches, read, store, generators);
criterion_main!(benches);
