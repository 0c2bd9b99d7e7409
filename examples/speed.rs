//! How fast one trace goes through each phase: `speed TRACE FRAMES`. A line a phase: its name,
//! seconds (the least of a few repetitions), million accesses a second.
//!
//! `benches/peers/run` sets these beside another simulator on the same trace; for a trace without
//! repeated pages "sum" reads exactly the array that "replay" reads.
#![expect(clippy::disallowed_methods, reason = "a benchmark looks at the clock")]

use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use balloonist::knobs::Settings;
use balloonist::random::{Generator, Stream};
use balloonist::replace::{self, Build, Counts, Delays, Guest, Stretch};
use balloonist::trace::{Trace, distances::distances, read_trace};
use balloonist::units::{Frames, Ticks};

const REPETITIONS: u32 = 5;

fn main() {
    let mut arguments = std::env::args().skip(1);
    let (Some(path), Some(frames)) = (arguments.next(), arguments.next()) else {
        eprintln!("usage: speed TRACE FRAMES");
        std::process::exit(2);
    };
    let frames = Frames(frames.parse().expect("a number of frames"));
    let load = || read_trace(Path::new(&path), "auto").expect("a trace that can be read");
    let (read, trace) = fastest(1, load);
    let trace = Arc::new(trace);
    let accesses = trace.accesses();
    let report = |phase: &str, took: Duration| {
        let seconds = took.as_secs_f64();
        println!(
            "{phase:<10} {seconds:>9.4} s {:>10.1} M accesses/s",
            accesses as f64 / seconds / 1e6
        );
    };
    report("read", read);
    let (took, _) = fastest(2, || distances(&trace));
    report("distances", took);
    trace.distances();
    let lru = &replace::ALL[0];
    let (took, replayed) = fastest(REPETITIONS, || replay(lru.build, &trace, frames));
    report("replay", took);
    let sum =
        || black_box(trace.distances()).iter().map(|&distance| u64::from(distance)).sum::<u64>();
    let (took, _) = fastest(REPETITIONS, sum);
    report("sum", took);
    let (took, listed) = fastest(2, || replay(lru.build_shown, &trace, frames));
    report("list", took);
    assert_eq!(replayed, listed, "the counter and the list agree");
    println!("demand faults {}", replayed.demand_faults);
}

/// The whole trace by one LRU VM.
fn replay(build: Build, trace: &Arc<Trace>, frames: Frames) -> Counts {
    let draw = || Stream::new(Generator::ChaCha8, 1, 0, "speed");
    let guest = Guest { trace, frames, draw: &draw, counts_write_backs: false };
    let mut replacement = build(&Settings::defaults(&[]), &guest);
    replacement.run(Stretch {
        from: 0,
        first_pass: true,
        budget: Ticks(u64::MAX >> 1),
        period: Ticks(1),
        delays: Delays::default(),
    })
}

/// The least time of some repetitions, and the last result.
fn fastest<T>(repetitions: u32, work: impl Fn() -> T) -> (Duration, T) {
    let mut least = Duration::MAX;
    let mut result = None;
    for _ in 0..repetitions {
        let began = Instant::now();
        result = Some(black_box(work()));
        least = least.min(began.elapsed());
    }
    (least, result.expect("at least one repetition"))
}
