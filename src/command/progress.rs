//! Progress of work that takes over a second: a bar on a terminal, otherwise a line every 30
//! seconds.

use std::io::IsTerminal;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use balloonist::number::grouped;
use indicatif::{HumanDuration, ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

use super::Context;
use super::context::Shown;
use super::guard::say;

/// Shows what is done, rate, remaining time and the slowest run. Hidden in the first second, with
/// `--quiet` and with `--progress never`.
pub(super) struct Progress {
    bar: ProgressBar,
    on_terminal: bool,
    slowest: Arc<Mutex<Slowest>>,
    /// The thread that updates the display until the channel is closed.
    display: Option<(Sender<()>, JoinHandle<()>)>,
}

/// The slowest run so far.
#[derive(Default)]
struct Slowest {
    took: Duration,
    name: String,
}

impl Progress {
    const PATIENCE: Duration = Duration::from_secs(1);
    const BETWEEN_LINES: Duration = Duration::from_secs(30);

    /// Starts the progress of `runs` runs.
    pub(super) fn new(context: &Context, runs: u64) -> Self {
        Self::of(context, runs, "runs")
    }

    /// Starts the progress of so much work, counted in a unit.
    pub(super) fn of(context: &Context, all: u64, unit: &'static str) -> Self {
        let bar = ProgressBar::with_draw_target(Some(all), ProgressDrawTarget::hidden());
        let shape =
            format!("{{bar:30}} {{human_pos}}/{{human_len}} {unit}, {{rate}}, {{eta}} left{{msg}}");
        let style = ProgressStyle::with_template(&shape).expect("the shape is a template");
        bar.set_style(style.with_key("rate", rate));
        let shown = context.common.progress;
        let on_terminal = shown == Shown::Auto && std::io::stderr().is_terminal();
        let slowest = Arc::default();
        let mut progress = Self { bar, on_terminal, slowest, display: None };
        if !context.common.quiet && shown != Shown::Never {
            let (stop, stopped) = mpsc::channel();
            let (bar, slowest) = (progress.bar.clone(), Arc::clone(&progress.slowest));
            let show = move || {
                if on_terminal {
                    show_bar(&bar, &stopped);
                } else {
                    write_lines(&bar, unit, &slowest, &stopped);
                }
            };
            // If the thread cannot be started, no progress is shown.
            progress.display =
                thread::Builder::new().spawn(show).ok().map(|display| (stop, display));
        }
        progress
    }

    /// Records that so much of the work is done.
    pub(super) fn reach(&self, done: u64) {
        self.bar.set_position(done);
    }

    /// Records that a run is done. Any thread may call it.
    pub(super) fn step(&self) {
        self.bar.inc(1);
    }

    /// Records that a run is done and took `took`. Calls `name` if it is the slowest so far.
    pub(super) fn step_of(&self, took: Duration, name: impl FnOnce() -> String) {
        let mut slowest = self.slowest.lock().expect(NO_PANIC);
        if took > slowest.took {
            (slowest.took, slowest.name) = (took, name());
            if !slowest.name.is_empty() && self.on_terminal {
                self.bar.set_message(slowest.shown());
            }
        }
        drop(slowest);
        self.step();
    }
}

/// Draws the bar after the first second.
fn show_bar(bar: &ProgressBar, stopped: &Receiver<()>) {
    if is_at_work(stopped, Progress::PATIENCE) {
        bar.set_draw_target(ProgressDrawTarget::stderr());
        bar.tick();
    }
}

/// Writes lines, for logs.
fn write_lines(bar: &ProgressBar, unit: &str, slowest: &Mutex<Slowest>, stopped: &Receiver<()>) {
    let began = Instant::now();
    while is_at_work(stopped, Progress::BETWEEN_LINES) {
        let (done, all) = (bar.position(), bar.length().unwrap_or(0));
        let slowest = slowest.lock().expect(NO_PANIC).shown();
        say(&line([done, all], unit, began.elapsed(), &slowest));
    }
}

/// Waits for `wait`, or until the work is done. Returns whether it continues.
fn is_at_work(stopped: &Receiver<()>, wait: Duration) -> bool {
    stopped.recv_timeout(wait) == Err(RecvTimeoutError::Timeout)
}

fn line([done, all]: [u64; 2], unit: &str, elapsed: Duration, slowest: &str) -> String {
    let (shown, of) = (grouped(done), grouped(all));
    if done == 0 {
        return format!("{shown} of {of} {unit} after {}\n", HumanDuration(elapsed));
    }
    let rate = done as f64 / elapsed.as_secs_f64();
    let left = HumanDuration(Duration::from_secs_f64(all.saturating_sub(done) as f64 / rate));
    format!("{shown} of {of} {unit}, {rate:.1}/s, {left} left{slowest}\n")
}

impl Slowest {
    fn shown(&self) -> String {
        if self.name.is_empty() {
            return String::new();
        }
        format!(", slowest {} ({:.1} s)", self.name, self.took.as_secs_f64())
    }
}

const NO_PANIC: &str = "no thread panics while holding the progress";

/// Units per second, without decimals.
fn rate(state: &ProgressState, out: &mut dyn std::fmt::Write) {
    // Failing to draw a bar is harmless.
    let _ = write!(out, "{:.0}/s", state.per_sec());
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some((stop, display)) = self.display.take() {
            drop(stop);
            let _ = display.join();
        }
        self.bar.finish_and_clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_how_far_it_is_even_before_the_first_run_is_done() {
        let after = |done, seconds| {
            line([done, 1_200], "runs", Duration::from_secs(seconds), ", slowest a")
        };
        assert_eq!(after(0, 10), "0 of 1,200 runs after 10 seconds\n");
        assert_eq!(after(400, 10), "400 of 1,200 runs, 40.0/s, 20 seconds left, slowest a\n");
        assert_eq!(after(1_200, 10), "1,200 of 1,200 runs, 120.0/s, 0 seconds left, slowest a\n");
    }
}
