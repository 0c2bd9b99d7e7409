//! Replays a trace through one algorithm at a fixed size.

use std::sync::Arc;

use super::{Build, Counts, Delays, FrameEvent, Guest, Replacement, Stretch};
use crate::params::Settings;
use crate::random::Stream;
use crate::trace::Trace;
use crate::trace::tempo::Tempo;
use crate::units::{Frames, Ticks};

/// The counts of the accesses of `trace` from access `from` on, in a VM that holds `frames` frames
/// throughout and starts at access 0: a point of the algorithm's fault curve.
pub fn replay(
    build: Build,
    settings: &Settings,
    trace: &Arc<Trace>,
    from: u64,
    frames: Frames,
    draw: &dyn Fn() -> Stream,
) -> Counts {
    let mut algorithm = start(build, settings, trace, frames, draw);
    if from > 0 {
        let _ = algorithm.run(Stretch { budget: Ticks(from), ..whole(trace) }); // Not counted.
    }
    let budget = Ticks(trace.accesses() - from);
    algorithm.run(Stretch { from, budget, ..whole(trace) })
}

/// The counts of one pass over `trace`, with every fault, fill and victim in order.
pub fn replay_recorded(
    build: Build,
    settings: &Settings,
    trace: &Arc<Trace>,
    frames: Frames,
    draw: &dyn Fn() -> Stream,
) -> (Counts, Vec<FrameEvent>) {
    let mut events = Vec::new();
    let mut algorithm = start(build, settings, trace, frames, draw);
    let counts = algorithm.run_into(whole(trace), Some(&mut events));
    (counts, events)
}

fn start(
    build: Build,
    settings: &Settings,
    trace: &Arc<Trace>,
    frames: Frames,
    draw: &dyn Fn() -> Stream,
) -> Box<dyn Replacement> {
    build(
        settings,
        &Guest {
            trace,
            frames,
            draw,
            counts_write_backs: false,
            tiers: &[],
            backing: None,
            shares: None,
        },
    )
}

/// The whole first pass, without delays.
fn whole(trace: &Trace) -> Stretch {
    Stretch {
        from: 0,
        first_pass: true,
        budget: Ticks(trace.accesses()),
        most: u64::MAX,
        tempo: Tempo::default(),
        delays: Delays::default(),
    }
}
