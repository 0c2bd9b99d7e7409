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

/// What the names of the columns of tiers begin with, which follow the header's.
const PAGES: &str = "pages_";

/// The column of host faults, which follows those if the host pages.
const HOST_FAULTS: &str = "host_faults";

/// The header's last column if the scenario has a warm-up.
const WARM_UP: &str = "warm_up_accesses";

/// Whether a line is the header of a series of some scenario.
pub fn is_header(line: &str) -> bool {
    let further = line.strip_prefix(HEADER.trim_end()).map(|rest| rest.split(',').skip(1));
    let is_known = |name: &str| name == WARM_UP || name == HOST_FAULTS || name.starts_with(PAGES);
    further.is_some_and(|mut further| further.all(is_known))
}

/// The name of the series of one run of a comparison.
pub fn file_of(run: &str) -> String {
    format!("series-{}.csv", compare::slug(run))
}

/// Writes series.csv.
///
/// `frames` and `resident` are the VM's at the end of the interval that the checkpoint closes;
/// `target` is what the policy decided; the counts are the interval's. `pages_NAME`, for each tier
/// of the scenario, is how many of the VM's pages are in it; `host_faults`, if the host pages, is
/// the interval's; and `warm_up_accesses`, if the scenario has a warm-up, is how many of the
/// accesses belong to that.
pub struct Series<'a, W> {
    /// The names of the VMs, by id.
    names: Vec<&'a str>,
    marks_warm_up: bool,
    pages: bool,
    out: W,
    outcome: io::Result<()>,
}

impl<'a, W: Write> Series<'a, W> {
    /// Writes the header.
    pub fn new(scenario: &'a Scenario, mut out: W) -> Self {
        let (marks_warm_up, pages) = (scenario.warm_up.is_some(), scenario.paging.is_some());
        let of_tiers = scenario.tiers.iter().map(|tier| format!("{PAGES}{}", tier.name));
        let header: Vec<String> = std::iter::once(HEADER.trim_end().to_owned())
            .chain(of_tiers)
            .chain(pages.then(|| HOST_FAULTS.to_owned()))
            .chain(marks_warm_up.then(|| WARM_UP.to_owned()))
            .collect();
        let outcome = writeln!(out, "{}", header.join(","));
        let names = scenario.vms.iter().map(|vm| vm.name.as_str()).collect();
        Self { names, marks_warm_up, pages, out, outcome }
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
            for tier in checkpoint.guests.replacement(vm.id).tiers() {
                write!(self.out, ",{}", tier.pages)?;
            }
            if self.pages {
                write!(self.out, ",{}", vm.interval.found.host_swap)?;
            }
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
