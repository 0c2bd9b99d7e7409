//! What a checkpoint costs under each policy.

use std::hint::black_box;

use balloonist::balance::{self, Bounds, PolicyKind, View, VmView};
use balloonist::params::Settings;
use balloonist::random::{Generator, Stream};
use balloonist::units::{Frames, Ticks, VmId};
use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};

/// The shape of a curve: how many faults the next frame saves.
type Shape = fn(&mut Stream, frames: u64, pages: u64) -> u64;

/// Steps of all sizes at random places, as loops make them.
fn rough(draw: &mut Stream, _: u64, _: u64) -> u64 {
    draw.below(20) * draw.below(20) * draw.below(2)
}

/// The same everywhere: accesses without locality.
fn linear(_: &mut Stream, _: u64, _: u64) -> u64 {
    10
}

/// Nearly the same everywhere.
fn nearly_linear(draw: &mut Stream, _: u64, _: u64) -> u64 {
    draw.below(20)
}

/// Less and less: a skewed popularity, measured without noise.
fn convex(_: &mut Stream, frames: u64, pages: u64) -> u64 {
    (pages - frames) * 1000 / (frames + 10)
}

fn vm(draw: &mut Stream, at: u32, vms: u64, pages: u64, shape: Shape) -> VmView {
    let falls: Vec<u64> = (0..pages).map(|frames| shape(draw, frames, pages)).collect();
    let mut left = falls.iter().sum::<u64>();
    let accesses = left;
    let mut faults = vec![left];
    for fall in falls {
        left -= fall;
        faults.push(left);
    }
    let allocation = Frames(pages / vms);
    let bounds = Bounds { min: Frames(1), max: Frames(pages) };
    let mut vm = VmView::new(VmId(at), "", bounds, allocation);
    vm.interval.accesses = accesses;
    vm.interval.demand_faults = faults[100];
    vm.total = vm.interval;
    vm.seen.curve.accesses = accesses;
    vm.seen.curve.faults = faults;
    vm.seen.active.fraction = 1 << 15;
    vm.seen.active.frames = Frames(pages / 2);
    vm.seen.window.swapped_in = draw.below(pages);
    vm.seen.shadow_hits = draw.below(100);
    vm
}

/// VMs that all want the whole host.
fn view(vms: u64, host: u64, shape: Shape) -> View {
    let mut draw = Stream::new(Generator::ChaCha8, 1, 0, "bench");
    let vm = |at| vm(&mut draw, at as u32, vms, host, shape);
    View::new(Ticks(1), Frames(host), (0..vms).map(vm).collect())
}

fn checkpoint(criterion: &mut Criterion, group: &str, name: &str, kind: &PolicyKind, view: &View) {
    let mut policy = (kind.build)(&Settings::defaults(kind.params));
    let mut draw = Stream::new(Generator::ChaCha8, 1, 0, "policy");
    criterion.benchmark_group(group).bench_function(BenchmarkId::from_parameter(name), |bench| {
        bench.iter(|| policy.plan(black_box(view), &mut draw));
    });
}

fn every_policy(criterion: &mut Criterion) {
    let view = view(8, 512, rough);
    for kind in balance::ALL {
        checkpoint(criterion, "checkpoint of 8 VMs on 512 frames", kind.name, kind, &view);
    }
}

fn exact_on_a_large_host(criterion: &mut Criterion) {
    let kind = balance::ALL.iter().find(|kind| kind.name == "mrc-dp").expect("it is in the list");
    let shapes: [(&str, Shape); 4] = [
        ("rough curves", rough),
        ("nearly linear curves", nearly_linear),
        ("linear curves", linear),
        ("convex curves", convex),
    ];
    for (name, shape) in shapes {
        let view = view(8, 4096, shape);
        checkpoint(criterion, "mrc-dp of 8 VMs on 4,096 frames", name, kind, &view);
    }
}

criterion_group!(benches, every_policy, exact_on_a_large_host);
criterion_main!(benches);
