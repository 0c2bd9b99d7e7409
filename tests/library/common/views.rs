//! Random views, for the laws of plans.

use balloonist::balance::{Bounds, View, VmView};
use balloonist::observe::{Active, Ages, Curve, Seen, Window};
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
    Curve { accesses, cold, faults, hidden: Frames(draw.below(20)) }
}

fn random_counts(draw: &mut Stream) -> Counts {
    let accesses = draw.below(1_000_000);
    let demand_faults = draw.below(accesses + 1);
    Counts {
        accesses,
        demand_faults,
        cold_faults: draw.below(demand_faults + 1),
        replacement_misses: draw.below(demand_faults + 1),
        ..Counts::default()
    }
}

fn random_vm(draw: &mut Stream, at: u32, bounds: Bounds, allocation: Frames) -> VmView {
    let resident = Frames(draw.below(allocation.0 + 1));
    let (interval, mut total) = (random_counts(draw), random_counts(draw));
    total.add(interval);
    let committed = resident.0 + draw.below(30);
    let ticks = 1 + interval.accesses;
    let longest_stall = [1, 30, ticks + 1][draw.below(3) as usize];
    let fraction = draw.below((1 << 16) + 1) as u32;
    VmView {
        id: VmId(at),
        name: format!("vm{at}").into(),
        bounds,
        shares: 1 + draw.below(1_000_000),
        allocation,
        target: allocation,
        resident,
        interval,
        total,
        seen: Seen {
            curve: random_curve(draw),
            active: Active { fraction, frames: Frames((bounds.max.0 * u64::from(fraction)) >> 16) },
            window: Window {
                distinct: Frames(draw.below(committed + 1)),
                committed: Frames(committed),
                swapped_in: if draw.below(2) == 0 { 0 } else { draw.below(20) },
                in_swap: Frames(committed - resident.0),
                ticks: Ticks(ticks),
                stalled: Ticks(draw.below(longest_stall).min(ticks)),
            },
            shadow_hits: if draw.below(2) == 0 { 0 } else { draw.below(100) },
            // What goes by them is decided at faults.
            ages: Ages::default(),
        },
    }
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
    View { at: Ticks(1000), host: Frames(host), vms }
}
