//! `mrc-pool`: the best partition of most of the host by its curves, the rest for the moment.
//!
//! *Idea.* A partition by the past is late when a program changes. So a part of the host is in no
//! VM's target: it is a pool from which a VM that faults draws a frame until the pool is empty, and
//! every checkpoint refills it. What remains is divided as `mrc-dp` does, by curves that remember
//! longer, since the pool takes what is new. A hypervisor needs curves, targets at checkpoints and
//! a free list; nobody is asked at a fault.
//! *Follows.* The partition of `mrc-dp`; a free reserve that is refilled stands in C. A.
//! Waldspurger, "Memory resource management in VMware ESX Server", OSDI 2002. Both together and the
//! sizes are ours.
//! *Departs.* Frames that lower no VM's curve stay where they are, as far as the pool leaves them.
//! A VM that finds the pool empty replaces a page of its own.
//! *Cost.* That of `mrc-dp` at a checkpoint, and O(V) a fault that finds no empty frame.
//! *Parameters.* `pool`: its part of the host (a tenth); `observer`, `decay`, `rate`: where the
//! curves come from. docs/hit-density.md says how the defaults were chosen.

use super::{FrameByFrame, OBSERVER, observers};
use crate::balance::{LruEnd, Plan, Policy, PolicyError, PolicyKind, View, exact};
use crate::meets::Meets;
use crate::observe::{DECAY, RATE};
use crate::params::{Domain, Param, Value};
use crate::partition;
use crate::random::Stream;
use crate::units::{Decimal, Frames, Ticks};

pub(in crate::balance) const KIND: PolicyKind = PolicyKind {
    name: "mrc-pool",
    summary: "the partition of most frames with the fewest predicted faults; the rest is a pool \
              that faults draw from",
    follows: "mrc-dp, with the free reserve of C. A. Waldspurger, Memory resource management in \
              VMware ESX Server, OSDI 2002",
    live_interval: None,
    params: &[POOL, OBSERVER, SLOW_DECAY, RATE],
    meets: Meets::AtFaults,
    observers,
    fits: |_, _, _| Ok(()),
    build: |settings| Box::new(MrcPool { pool: settings.decimal(POOL.name) }),
};

const POOL: Param = Param {
    name: "pool",
    doc: "the part of the host's frames that is in no VM's target, 0 for none",
    domain: Domain::Decimal {
        min: Decimal { digits: 0, places: 0 },
        max: Decimal { digits: 9, places: 1 },
    },
    default: Value::Decimal(Decimal { digits: 1, places: 1 }),
};

const SLOW_DECAY: Param =
    Param { default: Value::Decimal(Decimal { digits: 85, places: 2 }), ..DECAY };

struct MrcPool {
    pool: Decimal,
}

impl Policy for MrcPool {
    fn plan(&mut self, view: &View, draw: &mut Stream) -> Result<Plan, PolicyError> {
        let minima: Frames = view.vms.iter().map(|vm| vm.bounds.min).sum();
        let pool = exact::times(view.host, self.pool).min(view.host - minima);
        let divided = View { host: view.host - pool, ..view.clone() };
        FrameByFrame(partition::exact).plan(&divided, draw)
    }

    fn giver(&mut self, _: Ticks, ends: &[LruEnd]) -> usize {
        ends.len() - 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::balance::curves::tests::{cliff, divided_with};
    use crate::params::Settings;
    use crate::units::VmId;

    #[test]
    fn targets_leave_the_pool_free() {
        let mut settings = Settings::defaults(KIND.params);
        assert_eq!(divided_with(&KIND, &settings, 20, &cliff()), [8, 10]);
        settings.set("pool", Value::Decimal(Decimal { digits: 0, places: 0 }));
        assert_eq!(divided_with(&KIND, &settings, 20, &cliff()), [8, 12]);
    }

    #[test]
    fn who_finds_the_pool_empty_replaces_its_own_page() {
        let end = |vm| LruEnd { vm: VmId(vm), used: Ticks(0), next_uses: Vec::new() };
        let mut policy = (KIND.build)(&Settings::defaults(KIND.params));
        assert_eq!(policy.giver(Ticks(9), &[end(0), end(2), end(1)]), 2);
    }
}
