//! MIN under a policy's allocation history: the fewest faults possible with the same frames at the
//! same moments.
//!
//! *Idea.* A run of the policy records each VM's allocation and the access from which it holds.
//! Every VM is then replayed under this history, shrinks included, by Belady's rule: evict the page
//! whose next use is furthest away.
//! *Follows.* E. Peserico, "Paging with dynamic memory capacity", STACS 2019: the rule stays
//! optimal when the capacity changes, so no replacement algorithm faults less under the same
//! history.
//! *Departs.* The history is indexed by accesses, so the run's delays do not matter.
//! *Cost.* One more run of the policy, and MIN on every trace.
//! *Parameters.* None.

use crate::account::Account;
use crate::host::Change;
use crate::params::Settings;
use crate::random::{Generator, Stream};
use crate::replace::{self, Counts, Delays, Guest, Stretch};
use crate::scenario::{Scenario, VmSpec};
use crate::simulate::{PolicyRun, RunError, Simulation};
use crate::trace::tempo::Tempo;
use crate::units::{Frames, Ticks};
use crate::vm::Vm;
use crate::watch::{Arrival, Checkpoint, Moved, Watcher};

/// The demand faults of MIN in all VMs together, under the allocations of this run of `scenario`.
///
/// # Errors
/// If the policy fails, or the host refuses its plan.
pub fn opt_given(scenario: &Scenario, policy: PolicyRun) -> Result<u64, RunError> {
    let mut history = History(vec![Vec::new(); scenario.vms.len()]);
    let outcome = Simulation::new(scenario, policy, &mut history).run()?;
    let vms = scenario.vms.iter().zip(&history.0).zip(&outcome.vms);
    Ok(vms.map(|((vm, held), account)| faults(vm, held, account)).sum())
}

/// For each VM its allocations, each with the number of accesses made before it.
struct History(Vec<Vec<(u64, Frames)>>);

impl History {
    fn note(&mut self, changes: &[Change], vms: &[Vm<'_>]) {
        for change in changes {
            let at = change.vm.index();
            self.0[at].push((vms[at].accesses(), change.after));
        }
    }
}

impl Watcher for History {
    fn arrive(&mut self, arrival: &Arrival<'_>) {
        self.note(arrival.shrunk, arrival.vms);
        self.0[arrival.vm.index()].push((0, arrival.allocation));
    }

    fn moved(&mut self, moved: &Moved<'_>) {
        self.note(moved.changes, moved.vms);
    }

    fn checkpoint(&mut self, checkpoint: &Checkpoint<'_>) {
        self.note(checkpoint.changes, checkpoint.vms);
    }
}

/// MIN's demand faults in the counted accesses of a VM with these allocations, each with the number
/// of accesses made before it.
fn faults(vm: &VmSpec, held: &[(u64, Frames)], account: &Account) -> u64 {
    let warm_up = account.warm_up_accesses;
    let accesses = warm_up + account.counts.accesses;
    let mut before = 0;
    let Some(&(_, first)) = held.first() else { return 0 };
    let draw = || Stream::new(Generator::ChaCha8, 0, 0, "min draws nothing");
    let guest = Guest { trace: &vm.trace, frames: first, draw: &draw, counts_write_backs: false };
    let mut min = (replace::MIN.build)(&Settings::defaults(&[]), &guest);
    let mut counts = Counts::default();
    let length = vm.trace.accesses();
    for &(until, frames) in held[1..].iter().chain([&(accesses, first)]) {
        while counts.accesses < until {
            if counts.accesses == warm_up {
                before = counts.demand_faults;
            }
            let pass = counts.accesses / length;
            let end = until.min((pass + 1) * length);
            let end = if counts.accesses < warm_up { end.min(warm_up) } else { end };
            let budget = end - counts.accesses;
            counts.add(min.run(Stretch {
                from: counts.accesses - pass * length,
                first_pass: pass == 0,
                budget: Ticks(budget),
                most: u64::MAX,
                tempo: Tempo::default(),
                delays: Delays::default(),
            }));
        }
        let _ = min.resize(frames); // Write-backs are not counted.
    }
    if accesses == warm_up { 0 } else { counts.demand_faults - before }
}
