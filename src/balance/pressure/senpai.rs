//! `senpai`: a limit that tightens while a VM does not stall and backs off when it does.
//!
//! *Idea.* The least memory that does not slow a program down cannot be computed but felt for: the
//! limit goes down by up to a hundredth every few rounds, and the more the program stalls the more
//! it gets back at once.
//! *Follows.* J. Weiner, senpai: facebookincubator/senpai senpai.py at c51e8e2, 2019, the original
//! form; oomd's plugin of the same name is another rule and not in the list.
//! *Departs.* The limit is the allocation and its range the VM's bounds (100 MiB to 100 GiB in the
//! original). Stall time is that of capacity faults, which takes ticks only where `cost.fault` says
//! so: without it no VM ever stalls and all shrink to their minima. The original computes in
//! floating-point numbers; here in 2⁻²⁴ frames. As there, the limit is rounded down to a page, so a
//! small VM loses at least a page. Growth beyond the free frames is given in file order. By design
//! it does not converge: a VM that never stalls shrinks to its minimum.
//! *Cost.* O(V log V) per checkpoint for V VMs.
//! *Parameters.* `target`: stall time that is aimed at between two changes (10 ms at 1 ns a tick,
//! the original's 10 000 µs); `interval`: checkpoints between two changes, of a second each in the
//! original (6; the first change comes one later); `max_probe`, `max_backoff`: the most by which
//! the limit is tightened and loosened, in parts of it (0.01 and 1); `coeff_probe`,
//! `coeff_backoff`: how far from the target stall time must be for that (10 and 20); all the
//! original's.

use std::collections::BTreeMap;

use crate::balance::{Plan, Policy, PolicyError, PolicyKind, View, VmView, exact};
use crate::meets::Meets;
use crate::observe::WINDOW;
use crate::params::{Domain, Param, Settings, Value};
use crate::random::Stream;
use crate::units::{Decimal, Frames, Ticks, VmId};

pub(in crate::balance) const KIND: PolicyKind = PolicyKind {
    name: "senpai",
    summary: "tightens each VM's limit while it hardly stalls and loosens it as it does",
    follows: "J. Weiner, senpai, 2019, in its original form",
    live_interval: Some(Ticks(1_000_000_000)),
    params: &[TARGET, INTERVAL, MAX_PROBE, MAX_BACKOFF, COEFF_PROBE, COEFF_BACKOFF],
    meets: Meets::Never,
    observers: |_| &[&WINDOW],
    fits: |_, _, _| Ok(()),
    build: |settings| Box::new(Senpai { rule: Rule::of(settings), limits: BTreeMap::new() }),
};

const TARGET: Param = Param {
    name: "target",
    doc: "stall time aimed at between two changes; the original's 10 ms",
    domain: Domain::Ticks { min: 1 },
    default: Value::Integer(10_000_000),
};

const INTERVAL: Param = Param {
    name: "interval",
    doc: "checkpoints between two changes; the original's",
    domain: Domain::Integer { min: 1, max: 1_000_000 },
    default: Value::Integer(6),
};

const ANY_PART: Domain = Domain::Decimal { min: exact::hundredths(0), max: exact::hundredths(100) };

const MAX_PROBE: Param = Param {
    name: "max_probe",
    doc: "the most by which the limit is tightened, in parts of it; the original's",
    domain: ANY_PART,
    default: Value::Decimal(exact::hundredths(1)),
};

const MAX_BACKOFF: Param = Param {
    name: "max_backoff",
    doc: "the most by which the limit is loosened, in parts of it; the original's",
    domain: ANY_PART,
    default: Value::Decimal(exact::hundredths(100)),
};

const COEFFICIENT: Domain = Domain::Integer { min: 1, max: 1_000_000 };

const COEFF_PROBE: Param = Param {
    name: "coeff_probe",
    doc: "the limit is tightened most when stall time is so many times less than the target; the \
          original's",
    domain: COEFFICIENT,
    default: Value::Integer(10),
};

const COEFF_BACKOFF: Param = Param {
    name: "coeff_backoff",
    doc: "the limit is loosened most when stall time is so many times the target; the original's",
    domain: COEFFICIENT,
    default: Value::Integer(20),
};

struct Senpai {
    rule: Rule,
    limits: BTreeMap<VmId, Limit>,
}

struct Rule {
    target: u64,
    interval: u64,
    max_probe: Decimal,
    max_backoff: Decimal,
    coeff_probe: u64,
    coeff_backoff: u64,
}

/// What is remembered of a VM.
struct Limit {
    /// Stall time since the last change.
    stalled: u64,
    /// Checkpoints until the limit is tightened next.
    wait: u64,
}

impl Policy for Senpai {
    fn plan(&mut self, view: &View, _: &mut Stream) -> Result<Plan, PolicyError> {
        let wanted: Vec<Frames> = view
            .vms
            .iter()
            .map(|vm| {
                let start = || Limit { stalled: 0, wait: self.rule.interval };
                self.rule.step(self.limits.entry(vm.id).or_insert_with(start), vm)
            })
            .collect();
        Ok(Plan::in_file_order(view, &wanted))
    }
}

impl Rule {
    fn of(settings: &Settings) -> Self {
        Self {
            target: settings.integer(TARGET.name),
            interval: settings.integer(INTERVAL.name),
            max_probe: settings.decimal(MAX_PROBE.name),
            max_backoff: settings.decimal(MAX_BACKOFF.name),
            coeff_probe: settings.integer(COEFF_PROBE.name),
            coeff_backoff: settings.integer(COEFF_BACKOFF.name),
        }
    }

    /// A VM's next limit.
    fn step(&self, limit: &mut Limit, vm: &VmView) -> Frames {
        limit.stalled += vm.seen.window.stalled.0;
        let now = exact::fine(vm.allocation);
        let next = if limit.stalled > self.target {
            // Stalls are above the target: back off at once, by the square of how far above.
            let most = self.target.saturating_mul(self.coeff_backoff).min(1 << 60);
            now + squared(times(now, self.max_backoff), limit.stalled.min(most), most)
        } else if limit.wait > 0 {
            limit.wait -= 1;
            return vm.allocation;
        } else {
            // A whole interval went well: tighten, by the square of how well.
            let least = limit.stalled.max(1).saturating_mul(self.coeff_probe).min(1 << 60);
            now - squared(times(now, self.max_probe), self.target.min(least), least)
        };
        *limit = Limit { stalled: 0, wait: self.interval - 1 };
        exact::whole(next)
    }
}

fn times(fine: i128, factor: Decimal) -> i128 {
    exact::scale(fine, factor.digits, factor.denominator())
}

/// `fine` · (`numerator` / `denominator`)².
fn squared(fine: i128, numerator: u64, denominator: u64) -> i128 {
    exact::scale(exact::scale(fine, numerator, denominator), numerator, denominator)
}

#[cfg(test)]
mod tests {
    use super::super::super::testing::{policy, step, view, vm};
    use super::*;

    const MILLION: u64 = 1_000_000;

    /// The limit of a VM of a million frames after seven checkpoints, of which the last saw it
    /// stall.
    fn after_seven(stalled: u64) -> u64 {
        let mut senpai = policy(&KIND, &[("target", Value::Integer(10_000))]);
        let mut view = view(3 * MILLION, vec![vm(MILLION, 1, 3 * MILLION)]);
        for _ in 0..6 {
            assert_eq!(step(&mut *senpai, &mut view), [MILLION]);
        }
        view.vms[0].seen.window.stalled = Ticks(stalled);
        step(&mut *senpai, &mut view)[0]
    }

    #[test]
    fn the_limit_follows_the_published_table() {
        let table = [
            (0, 990_000),
            (500, 990_000),
            (1_000, 990_000),
            (5_000, 999_600),
            (20_000, 1_010_000),
            (100_000, 1_250_000),
            (200_000, 2_000_000),
        ];
        for (stalled, limit) in table {
            assert_eq!(after_seven(stalled), limit, "{stalled}");
        }
    }

    #[test]
    fn stalls_add_up_and_are_answered_at_once_then_it_waits() {
        let mut senpai = policy(&KIND, &[("target", Value::Integer(10_000))]);
        let mut view = view(3 * MILLION, vec![vm(MILLION, 1, 3 * MILLION)]);
        view.vms[0].seen.window.stalled = Ticks(10_000);
        assert_eq!(step(&mut *senpai, &mut view), [MILLION], "the target itself is no reason");
        assert_eq!(step(&mut *senpai, &mut view), [1_010_000], "20 000 together are");
        view.vms[0].seen.window.stalled = Ticks(0);
        for _ in 0..5 {
            assert_eq!(step(&mut *senpai, &mut view), [1_010_000]);
        }
        assert_eq!(step(&mut *senpai, &mut view), [999_900]);
    }

    #[test]
    fn growth_that_does_not_fit_is_given_in_file_order() {
        let mut senpai = policy(&KIND, &[("target", Value::Integer(10))]);
        let mut view = view(100, vec![vm(40, 1, 100), vm(40, 1, 100)]);
        for vm in &mut view.vms {
            vm.seen.window.stalled = Ticks(1_000_000);
        }
        assert_eq!(step(&mut *senpai, &mut view), [60, 40]);
    }
}
