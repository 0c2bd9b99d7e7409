//! Progress on a terminal, for anything that takes over a second.

use std::sync::Once;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

use super::Context;

/// A bar with steps, rate and estimated time, which nobody sees in the first second, off a terminal
/// or with `--quiet`.
pub(super) struct Progress {
    bar: ProgressBar,
    began: Instant,
    quiet: bool,
    shown: Once,
}

impl Progress {
    const PATIENCE: Duration = Duration::from_secs(1);
    const SHAPE: &str = "{bar:30} {human_pos}/{human_len} runs, {rate}, {eta} left";

    /// Begins a bar of so many runs.
    pub(super) fn new(context: &Context, runs: u64) -> Self {
        let bar = ProgressBar::with_draw_target(Some(runs), ProgressDrawTarget::hidden());
        let style = ProgressStyle::with_template(Self::SHAPE).expect("the shape is a template");
        bar.set_style(style.with_key("rate", rate));
        let quiet = context.common.quiet;
        Self { bar, began: Instant::now(), quiet, shown: Once::new() }
    }

    /// A run is done; any thread may say so.
    pub(super) fn step(&self) {
        if !self.quiet && self.began.elapsed() > Self::PATIENCE {
            self.shown.call_once(|| self.bar.set_draw_target(ProgressDrawTarget::stderr()));
        }
        self.bar.inc(1);
    }
}

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
