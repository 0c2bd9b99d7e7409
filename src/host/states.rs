//! The state of a host's free memory over time, and what it makes the host do
//! (`reclaim/esx_states.rs`).

use super::{Acts, Change, Host};
use crate::reclaim::{Grow, State, States};
use crate::units::{Frames, Ticks, VmId};

/// How a VM's frames are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Taking {
    /// Its guest gives them.
    Balloon,
    /// The host pages.
    Paging,
}

/// The state of free memory now, and how long each was in force.
#[derive(Debug)]
pub(super) struct Free {
    spec: States,
    state: State,
    since: Ticks,
    ticks: [u64; 4],
}

impl Free {
    pub(super) fn new(spec: States) -> Self {
        Self { spec, state: State::High, since: Ticks(0), ticks: [0; 4] }
    }

    /// Notes that the state stayed the same until this tick.
    fn stay(&mut self, until: Ticks) {
        self.ticks[self.state as usize] += (until - self.since).0;
        self.since = until;
    }
}

impl Host {
    /// Looks at free memory.
    pub(super) fn see_state(&mut self, at: Ticks) {
        let spare = self.spare();
        if let Some(free) = &mut self.states {
            let next = free.state.next(spare, free.spec.marks);
            if next != free.state {
                free.stay(at);
                free.state = next;
            }
        }
    }

    /// The state in force, if the host reclaims by states.
    pub(crate) fn state(&self) -> Option<State> {
        self.states.as_ref().map(|free| free.state)
    }

    /// The ticks in each state up to this tick, since counting began.
    pub(crate) fn state_ticks(&mut self, until: Ticks) -> Option<[u64; 4]> {
        let free = self.states.as_mut()?;
        free.stay(until);
        Some(free.ticks)
    }

    /// Begins counting at this tick, since which the state has not changed.
    pub(crate) fn count_states(&mut self, since: Ticks) {
        if let Some(free) = &mut self.states {
            (free.since, free.ticks) = (since, [0; 4]);
        }
    }

    /// Whether nothing is reclaimed now.
    pub(super) fn is_high(&self) -> bool {
        self.state() == Some(State::High)
    }

    /// Whether VMs draw frames at faults, instead of being given them.
    pub(super) fn grows_at_faults(&self) -> bool {
        self.states.as_ref().is_some_and(|free| free.spec.grow == Grow::AtFaults)
    }

    /// How frames were taken from this VM at this tick.
    pub(crate) fn taking(&self, vm: VmId) -> Taking {
        let is_stuck = self.tenants[vm.index()].stuck_now.is_some();
        match self.state() {
            Some(State::High | State::Soft) if !is_stuck => Taking::Balloon,
            Some(_) => Taking::Paging,
            None => Taking::Balloon,
        }
    }

    /// Pages what VMs hold above their targets: all of it, or where drivers are stuck.
    pub(super) fn page(&mut self, acts: &mut Acts) {
        let all = self.state() > Some(State::Soft);
        if self.is_high() || self.state().is_none() || self.sums.over == 0 {
            return;
        }
        for vm in 0..self.tenants.len() {
            let tenant = &self.tenants[vm];
            let target = tenant.target;
            let Some(held) = tenant.held.filter(|&held| held > target) else { continue };
            if all || tenant.stuck_now.is_some() {
                self.set_holding(vm, Some(target), target);
                self.ledger.put_back(held - target);
                acts.changes.push(Change { vm: VmId(vm as u32), before: held, after: target });
            }
        }
    }

    /// When free memory is looked at next, if that can change anything: a VM is not at its target.
    pub(super) fn next_look(&self) -> Option<Ticks> {
        let free = self.states.as_ref()?;
        let period = free.spec.period.0;
        let is_due = self.sums.over + self.sums.short > 0;
        is_due.then(|| Ticks((self.now.0 / period + 1) * period))
    }

    /// Whether the VM could draw a frame now or later before the next control event.
    pub(crate) fn may_draw(&self, vm: VmId) -> bool {
        let tenant = &self.tenants[vm.index()];
        let is_short = tenant.held.is_some_and(|held| held < tenant.target);
        self.grows_at_faults() && is_short && self.spare() > Frames(0)
    }

    /// The VM draws a free frame, if its driver is not stuck. Returns whether it did.
    pub(crate) fn draw(&mut self, vm: VmId, at: Ticks, acts: &mut Acts) -> bool {
        let tenant = &self.tenants[vm.index()];
        let target = tenant.target;
        let Some(before) = tenant.held.filter(|_| tenant.stuck_until(at).is_none()) else {
            return false;
        };
        acts.changes.clear();
        acts.started.clear();
        acts.refused.clear();
        let after = before + Frames(1);
        self.set_holding(vm.index(), Some(after), target);
        self.ledger.take(Frames(1));
        acts.changes.push(Change { vm, before, after });
        true
    }
}
