//! Random views, for the laws of plans.

use balloonist::balance::{Bounds, View, VmView};
use balloonist::observe::Curve;
use balloonist::random::{Generator, Stream};
use balloonist::replace::Counts;
use balloonist::units::{Frames, Ticks, VmId};

/// A non-increasing curve with flat stretches and steps of all sizes, each curve different.
fn random_curve(draw: &mut Stream) -> Curve {
    let length = draw.below(30);
    let warm: Vec<u64> = (0..length)
        .map(|_| if draw.below(2) == 0 { 0 } else { 1 + draw.below(1_000_000) })
        .collect();
    let cold = draw.below(1_000_000);
    let mut left = cold + warm.iter().sum::<u64>();
    let accesses = left + draw.below(1_000_000);
    let mut faults = vec![accesses];
    for fall in warm {
        left -= fall;
        faults.push(left);
    }
    let mut curve = Curve::default();
    (curve.accesses, curve.cold, curve.faults) = (accesses, cold, faults);
    curve.hidden = Frames(draw.below(20));
    curve
}

fn random_counts(draw: &mut Stream) -> Counts {
    let accesses = draw.below(1_000_000);
    let demand_faults = draw.below(accesses + 1);
    let mut counts = Counts::default();
    (counts.accesses, counts.demand_faults) = (accesses, demand_faults);
    counts.cold_faults = draw.below(demand_faults + 1);
    counts.replacement_misses = draw.below(demand_faults + 1);
    counts
}

fn random_vm(draw: &mut Stream, at: u32, bounds: Bounds, allocation: Frames) -> VmView {
    let resident = Frames(draw.below(allocation.0 + 1));
    let (interval, mut total) = (random_counts(draw), random_counts(draw));
    total.add(interval);
    let committed = resident.0 + draw.below(30);
    let ticks = 1 + interval.accesses;
    let longest_stall = [1, 30, ticks + 1][draw.below(3) as usize];
    let fraction = draw.below((1 << 16) + 1) as u32;
    let mut vm = VmView::new(VmId(at), &format!("vm{at}"), bounds, allocation);
    vm.shares = 1 + draw.below(1_000_000);
    (vm.resident, vm.interval, vm.total) = (resident, interval, total);
    vm.seen.curve = random_curve(draw);
    vm.seen.active.fraction = fraction;
    vm.seen.active.frames = Frames((bounds.max.0 * u64::from(fraction)) >> 16);
    let window = &mut vm.seen.window;
    window.distinct = Frames(draw.below(committed + 1));
    window.committed = Frames(committed);
    window.swapped_in = if draw.below(2) == 0 { 0 } else { draw.below(20) };
    window.in_swap = Frames(committed - resident.0);
    window.ticks = Ticks(ticks);
    window.stalled = Ticks(draw.below(longest_stall).min(ticks));
    vm.seen.shadow_hits = if draw.below(2) == 0 { 0 } else { draw.below(100) };
    vm
}

/// Up to four VMs on up to 61 frames, with arbitrary measurements of observers.
pub fn random_view(number: u64) -> View {
    let mut draw = Stream::new(Generator::ChaCha8, number, 0, "test/view");
    let vms = 1 + draw.below(4);
    let host = 3 * vms + draw.below(50);
    let bounds: Vec<Bounds> = (0..vms)
        .map(|_| {
            let min = 1 + draw.below(3);
            Bounds { min: Frames(min), max: Frames(min + draw.below(host - min + 1)) }
        })
        .collect();
    let mut free = host - bounds.iter().map(|bounds| bounds.min.0).sum::<u64>();
    let vm = |(at, bounds): (usize, Bounds)| {
        let last = at as u64 + 1 == vms && draw.below(3) > 0;
        let more = if last { free } else { draw.below(free + 1) };
        let allocation = bounds.clamp(Frames(bounds.min.0 + more));
        free -= (allocation - bounds.min).0;
        random_vm(&mut draw, at as u32, bounds, allocation)
    };
    let vms = bounds.into_iter().enumerate().map(vm).collect();
    View::new(Ticks(1000), Frames(host), vms)
}
