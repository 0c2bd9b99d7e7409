//! A whole trace through one algorithm at one size.

use std::sync::Arc;

use super::{Build, Counts, Delays, Guest, Stretch};
use crate::params::Settings;
use crate::random::Stream;
use crate::trace::Trace;
use crate::units::{Frames, Ticks};

/// What all accesses of `trace` come to, once, in a VM that keeps `frames` frames from the start:
/// a point of the algorithm's fault curve.
pub fn replay(
    build: Build,
    settings: &Settings,
    trace: &Arc<Trace>,
    frames: Frames,
    draw: &dyn Fn() -> Stream,
) -> Counts {
    let guest = Guest { trace, frames, draw, counts_write_backs: false };
    build(settings, &guest).run(Stretch {
        from: 0,
        first_pass: true,
        budget: Ticks(trace.accesses()),
        period: Ticks(1),
        delays: Delays::default(),
    })
}
