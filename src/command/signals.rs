//! Removes temporary files when a signal ends the command. Signals that the parent process ignores,
//! as `nohup` does, stay ignored.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::thread;

use signal_hook::consts::{
    SIGALRM, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGXCPU, SIGXFSZ,
};
use signal_hook::iterator::Signals;

/// The signals that end a process and can be caught; batch systems send some of them before
/// SIGKILL.
const ENDING: [i32; 8] = [SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGALRM, SIGUSR1, SIGUSR2, SIGXCPU];

/// Calls `end` for each signal that would end the process. If no handler can be installed, signals
/// end the process as usual.
pub(super) fn on_ending(mut end: impl FnMut() + Send + 'static) {
    let ignored = ignored();
    let wanted = ENDING.into_iter().filter(|signal| ignored >> (signal - 1) & 1 == 0);
    if let Ok(mut signals) = Signals::new(wanted) {
        let wait = move || signals.forever().for_each(|_| end());
        let _ = thread::Builder::new().name("signals".to_owned()).spawn(wait);
    }
    // With SIGXFSZ ignored, exceeding the file size limit is an error of the write.
    if ignored >> (SIGXFSZ - 1) & 1 == 0 {
        let _ = signal_hook::flag::register(SIGXFSZ, Arc::new(AtomicBool::new(false)));
    }
}

/// The set of ignored signals, bit 0 for signal 1. If it is unknown, SIGHUP is assumed to be
/// ignored and its handling is left unchanged.
fn ignored() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.unwrap_or(1 << (SIGHUP - 1))
}
