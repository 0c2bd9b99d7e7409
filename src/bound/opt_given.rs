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
//! *Cost.* MIN on every trace.
//! *Parameters.* None.

use crate::account::{Account, Outcome};
use crate::host::Change;
use crate::params::Settings;
use crate::random::{Generator, Stream};
use crate::replace::{self, Counts, Delays, Guest, Stretch};
use crate::scenario::{Scenario, VmSpec};
use crate::trace::tempo::Tempo;
use crate::units::{Frames, Ticks};
use crate::watch::{Arrival, Checkpoint, Guests, Moved, Watcher};

/// Records the allocations of each VM in a run, each with the number of accesses made before it;
/// [`opt_given`] then replays the VMs under them.
pub struct History(Vec<Vec<(u64, Frames)>>);

impl History {
    /// The history of a run of `scenario`, which has not begun.
    pub fn new(scenario: &Scenario) -> Self {
        Self(vec![Vec::new(); scenario.vms.len()])
    }

    fn note(&mut self, changes: &[Change], guests: Guests<'_>) {
        for change in changes {
            self.0[change.vm.index()].push((guests.accesses(change.vm), change.after));
        }
    }
}

/// The demand faults of MIN in all VMs together, under the allocations of a run of `scenario` with
/// this history and outcome.
pub fn opt_given(scenario: &Scenario, history: &History, outcome: &Outcome) -> u64 {
    let vms = scenario.vms.iter().zip(&history.0).zip(&outcome.vms);
    vms.map(|((vm, held), account)| faults(vm, held, account)).sum()
}

impl Watcher for History {
    fn arrive(&mut self, arrival: &Arrival<'_>) {
        self.note(arrival.shrunk, arrival.guests);
        self.0[arrival.vm.index()].push((0, arrival.allocation));
    }

    fn moved(&mut self, moved: &Moved<'_>) {
        self.note(moved.changes, moved.guests);
    }

    fn checkpoint(&mut self, checkpoint: &Checkpoint<'_>) {
        self.note(checkpoint.changes, checkpoint.guests);
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
    let guest = Guest {
        trace: &vm.trace,
        frames: first,
        draw: &draw,
        counts_write_backs: false,
        tiers: &[],
        backing: None,
        shares: None,
    };
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
