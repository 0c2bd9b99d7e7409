//! series.csv: a row for each checkpoint and VM, written during the run.
//!
//! Only the writer's buffer is kept, so a run of any length can be watched. Accesses after the last
//! checkpoint are in vms.csv only.

use std::io::{self, Write};

use crate::conclude::compare;
use crate::scenario::Scenario;
use crate::watch::{Checkpoint, Watcher};

/// The header.
pub const HEADER: &str =
    "tick,vm,frames,resident,target,accesses,demand_faults,replacement_misses\n";

/// The header's last column if the scenario has a warm-up.
pub const WARM_UP: &str = "warm_up_accesses";

/// The name of the series of one run of a comparison.
pub fn file_of(run: &str) -> String {
    format!("series-{}.csv", compare::slug(run))
}

/// Writes series.csv.
///
/// `frames` and `resident` are the VM's at the end of the interval that the checkpoint closes;
/// `target` is what the policy decided; the counts are the interval's, and `warm_up_accesses`, if
/// the scenario has a warm-up, says how many of the accesses belong to it.
pub struct Series<'a, W> {
    /// The names of the VMs, by id.
    names: Vec<&'a str>,
    marks_warm_up: bool,
    out: W,
    outcome: io::Result<()>,
}

impl<'a, W: Write> Series<'a, W> {
    /// Writes the header.
    pub fn new(scenario: &'a Scenario, mut out: W) -> Self {
        let marks_warm_up = scenario.warm_up.is_some();
        let outcome = if marks_warm_up {
            writeln!(out, "{},{WARM_UP}", HEADER.trim_end())
        } else {
            out.write_all(HEADER.as_bytes())
        };
        let names = scenario.vms.iter().map(|vm| vm.name.as_str()).collect();
        Self { names, marks_warm_up, out, outcome }
    }

    /// Returns the writer.
    ///
    /// # Errors
    /// The first error of the writer; nothing was written after it.
    pub fn finish(self) -> io::Result<W> {
        self.outcome.map(|()| self.out)
    }

    fn write(&mut self, checkpoint: &Checkpoint<'_>) -> io::Result<()> {
        for (vm, target) in checkpoint.view.vms.iter().zip(&checkpoint.plan.0) {
            // VM names are letters, digits, `-`, `_` and `.`: no cell needs quotes.
            write!(
                self.out,
                "{},{},{},{},{target},{},{},{}",
                checkpoint.view.at,
                self.names[vm.id.index()],
                vm.allocation,
                vm.resident,
                vm.interval.accesses,
                vm.interval.demand_faults,
                vm.interval.replacement_misses,
            )?;
            if self.marks_warm_up {
                write!(self.out, ",{}", checkpoint.guests.warm_up_accesses(vm))?;
            }
            writeln!(self.out)?;
        }
        Ok(())
    }
}

impl<W: Write> Watcher for Series<'_, W> {
    fn checkpoint(&mut self, checkpoint: &Checkpoint<'_>) {
        if self.outcome.is_ok() {
            self.outcome = self.write(checkpoint);
        }
    }
}
