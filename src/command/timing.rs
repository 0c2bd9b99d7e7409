//! `--timing`: how long each phase took, on standard error.

use std::sync::Mutex;
use std::time::Duration;

/// The phases so far, in order, with the accesses that each processed.
#[derive(Debug, Default)]
pub(crate) struct Timing {
    phases: Mutex<Vec<(&'static str, Duration, u64)>>,
}

impl Timing {
    /// Records a phase.
    pub(super) fn note(&self, phase: &'static str, took: Duration, accesses: u64) {
        self.phases.lock().expect(NO_PANIC).push((phase, took, accesses));
    }

    /// A line for each phase.
    pub(super) fn lines(&self) -> String {
        let line = |&(phase, took, accesses): &(&str, Duration, u64)| {
            let seconds = took.as_secs_f64();
            let rate = accesses as f64 / seconds.max(1e-9) / 1e6;
            format!("{phase:<10} {seconds:>9.4} s  {rate:>10.1} M accesses/s\n")
        };
        self.phases.lock().expect(NO_PANIC).iter().map(line).collect()
    }
}

const NO_PANIC: &str = "no thread panics while holding the phases";
