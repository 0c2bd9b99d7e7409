//! Progress, for anything that takes over a second: a bar on a terminal, now and then a line where
//! standard error is none.

use std::io::IsTerminal;
use std::sync::{Mutex, Once};
use std::time::{Duration, Instant};

use balloonist::output::number::grouped;
use indicatif::{HumanDuration, ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

use super::Context;
use super::guard::say;

/// Steps, rate, estimated time and the slowest run. Nobody sees it in the first second, or with
/// `--quiet`.
pub(super) struct Progress {
    bar: ProgressBar,
    began: Instant,
    quiet: bool,
    on_terminal: bool,
    shown: Once,
    told: Mutex<Told>,
}

/// What threads that report runs tell each other.
struct Told {
    /// When a line was last written.
    line: Instant,
    slowest: Duration,
    /// What the slowest run is called.
    name: String,
}

impl Progress {
    const PATIENCE: Duration = Duration::from_secs(1);
    const BETWEEN_LINES: Duration = Duration::from_secs(10);
    const SHAPE: &str = "{bar:30} {human_pos}/{human_len} runs, {rate}, {eta} left{msg}";

    /// Begins a bar of so many runs.
    pub(super) fn new(context: &Context, runs: u64) -> Self {
        let bar = ProgressBar::with_draw_target(Some(runs), ProgressDrawTarget::hidden());
        let style = ProgressStyle::with_template(Self::SHAPE).expect("the shape is a template");
        bar.set_style(style.with_key("rate", rate));
        let began = Instant::now();
        let told = Told { line: began, slowest: Duration::ZERO, name: String::new() };
        Self {
            bar,
            began,
            quiet: context.common.quiet,
            on_terminal: std::io::stderr().is_terminal(),
            shown: Once::new(),
            told: Mutex::new(told),
        }
    }

    /// A run is done; any thread may say so.
    pub(super) fn step(&self) {
        self.bar.inc(1);
        if self.quiet {
            return;
        }
        if !self.on_terminal {
            self.write_line();
        } else if self.began.elapsed() > Self::PATIENCE {
            self.shown.call_once(|| self.bar.set_draw_target(ProgressDrawTarget::stderr()));
        }
    }

    /// A run that took so long is done; `name` is asked for if it is the slowest so far.
    pub(super) fn step_of(&self, took: Duration, name: impl FnOnce() -> String) {
        let mut told = self.told.lock().expect(NO_PANIC);
        if took > told.slowest {
            (told.slowest, told.name) = (took, name());
            if !told.name.is_empty() && self.on_terminal {
                self.bar.set_message(told.slowest());
            }
        }
        drop(told);
        self.step();
    }

    /// A line for logs, if the last one is long ago.
    fn write_line(&self) {
        let mut told = self.told.lock().expect(NO_PANIC);
        if told.line.elapsed() < Self::BETWEEN_LINES {
            return;
        }
        told.line = Instant::now();
        let (done, all) = (self.bar.position(), self.bar.length().unwrap_or(0));
        let elapsed = self.began.elapsed();
        let rate = done as f64 / elapsed.as_secs_f64();
        let left = Duration::from_secs_f64((all.saturating_sub(done)) as f64 / rate.max(1e-9));
        let (done, all, left) = (grouped(done), grouped(all), HumanDuration(left));
        let slowest = told.slowest();
        say(&format!("{done} of {all} runs, {rate:.1}/s, {left} left{slowest}\n"));
    }
}

impl Told {
    fn slowest(&self) -> String {
        if self.name.is_empty() {
            return String::new();
        }
        format!(", slowest {} ({:.1} s)", self.name, self.slowest.as_secs_f64())
    }
}

const NO_PANIC: &str = "nobody panics while holding the progress";

/// Runs a second, without the decimals that only flicker.
fn rate(state: &ProgressState, out: &mut dyn std::fmt::Write) {
    // Nothing is lost where a bar cannot be drawn.
    let _ = write!(out, "{:.0}/s", state.per_sec());
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
