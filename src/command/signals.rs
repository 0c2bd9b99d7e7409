//! Signals that end a command: its temporary files are removed first. One that the parent has set
//! to be ignored, as `nohup` does, stays ignored.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::thread;

use signal_hook::consts::{
    SIGALRM, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGXCPU, SIGXFSZ,
};
use signal_hook::iterator::Signals;

/// The signals that end a process and can be waited for; batch systems send some of them before
/// they kill.
const ENDING: [i32; 8] = [SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGALRM, SIGUSR1, SIGUSR2, SIGXCPU];

/// Calls `end` when a signal wants the process to end. Where no handler can be set, a signal ends
/// the process as it always does.
pub(super) fn on_ending(end: impl FnOnce() + Send + 'static) {
    let ignored = ignored();
    let wanted = ENDING.into_iter().filter(|signal| ignored >> (signal - 1) & 1 == 0);
    if let Ok(mut signals) = Signals::new(wanted) {
        let wait = move || {
            if signals.forever().next().is_some() {
                end();
            }
        };
        let _ = thread::Builder::new().name("signals".to_owned()).spawn(wait);
    }
    // A file that may not grow further is then an error of the write.
    if ignored >> (SIGXFSZ - 1) & 1 == 0 {
        let _ = signal_hook::flag::register(SIGXFSZ, Arc::new(AtomicBool::new(false)));
    }
}

/// The signals that are ignored, bit 0 for signal 1. Where the system does not tell, SIGHUP is
/// taken for one of them: it still ends a process that was not started by `nohup`.
fn ignored() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.unwrap_or(1 << (SIGHUP - 1))
}
