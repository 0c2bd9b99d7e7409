//! How fast one trace goes through each phase: `speed TRACE FRAMES [REPLACEMENT…]`. A line a phase:
//! its name, seconds (the least of a few repetitions), million accesses a second, seconds that its
//! thread had a processor (Linux; on a busy machine the more reliable), demand faults where it
//! makes some. Without algorithms, all phases of LRU; with them, the reading of the trace and a
//! replay by each.
//!
//! `benches/peers/run` sets these beside another simulator on the same trace; for a trace without
//! repeated pages "sum" reads exactly the array that "replay" reads.
#![expect(clippy::disallowed_methods, reason = "a benchmark looks at the clock")]

use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use balloonist::formats::read_trace;
use balloonist::params::Settings;
use balloonist::random::{Generator, Stream};
use balloonist::replace::{self, Build, Counts, ReplacementKind};
use balloonist::trace::{Trace, distances::distances};
use balloonist::units::Frames;

const REPETITIONS: u32 = 5;

fn main() {
    let mut arguments = std::env::args().skip(1);
    let (Some(path), Some(frames)) = (arguments.next(), arguments.next()) else {
        eprintln!("usage: speed TRACE FRAMES [REPLACEMENT…]");
        std::process::exit(2);
    };
    let kind = |name: String| {
        let found = replace::ALL.iter().find(|kind| kind.name == name);
        found.unwrap_or_else(|| panic!("no replacement is called {name}"))
    };
    let kinds: Vec<&ReplacementKind> = arguments.map(kind).collect();
    let frames = Frames(frames.parse().expect("a number of frames"));
    let load = || read_trace(Path::new(&path), "auto").expect("a trace that can be read");
    let (read, trace) = fastest(1, load);
    let trace = Arc::new(trace);
    report("read", read, &trace, None);
    if kinds.is_empty() {
        lru(&trace, frames);
    }
    for kind in kinds {
        let settings = Settings::defaults(kind.params);
        if kind.is_lru() {
            trace.distances();
        }
        let (took, counts) = fastest(2, || replay(kind.build, &settings, &trace, frames));
        report(kind.name, took, &trace, Some(counts));
    }
}

/// The phases of LRU.
fn lru(trace: &Arc<Trace>, frames: Frames) {
    let (took, _) = fastest(2, || distances(trace));
    report("distances", took, trace, None);
    trace.distances();
    let (lru, settings) = (&replace::ALL[0], Settings::defaults(&[]));
    let (took, replayed) = fastest(REPETITIONS, || replay(lru.build, &settings, trace, frames));
    report("replay", took, trace, Some(replayed));
    let sum =
        || black_box(trace.distances()).iter().map(|&distance| u64::from(distance)).sum::<u64>();
    let (took, _) = fastest(REPETITIONS, sum);
    report("sum", took, trace, None);
    let draw = || Stream::new(Generator::ChaCha8, 1, 0, "speed");
    let recorded = || replace::replay_recorded(lru.build, &settings, trace, frames, &draw).0;
    let (took, recorded) = fastest(2, recorded);
    report("victims", took, trace, Some(recorded));
    assert_eq!(replayed, recorded, "victims change no count");
}

fn report(phase: &str, took: Took, trace: &Trace, counts: Option<Counts>) {
    let seconds = took.wall.as_secs_f64();
    let rate = trace.accesses() as f64 / seconds / 1e6;
    let faults = counts.map(|counts| format!(" {:>12} demand faults", counts.demand_faults));
    println!(
        "{phase:<14} {seconds:>9.4} s {rate:>10.1} M accesses/s {:>9.4} s of a processor{}",
        took.processor.as_secs_f64(),
        faults.unwrap_or_default()
    );
}

/// The whole trace by one VM.
fn replay(build: Build, settings: &Settings, trace: &Arc<Trace>, frames: Frames) -> Counts {
    let draw = || Stream::new(Generator::ChaCha8, 1, 0, "speed");
    replace::replay(build, settings, trace, 0, frames, &draw)
}

#[derive(Clone, Copy)]
struct Took {
    wall: Duration,
    /// What the thread had of a processor; others that it started do not count.
    processor: Duration,
}

/// The least times of some repetitions, and the last result.
fn fastest<T>(repetitions: u32, work: impl Fn() -> T) -> (Took, T) {
    let mut least = Took { wall: Duration::MAX, processor: Duration::MAX };
    let mut result = None;
    for _ in 0..repetitions {
        let (began, had) = (Instant::now(), processor());
        result = Some(black_box(work()));
        least.wall = least.wall.min(began.elapsed());
        least.processor = least.processor.min(processor().saturating_sub(had));
    }
    (least, result.expect("at least one repetition"))
}

/// How long this thread has had a processor; 0 where the system does not say so.
fn processor() -> Duration {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanoseconds = text.split(' ').next().and_then(|first| first.parse().ok());
    Duration::from_nanos(nanoseconds.unwrap_or(0))
}
