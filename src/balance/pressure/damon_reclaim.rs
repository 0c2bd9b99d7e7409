//! `damon-reclaim`: pages that have not been used for two minutes go, oldest first, under a quota.
//!
//! *Idea.* While free memory is scarce but not short, pages that have not been used for long are
//! taken from all VMs ahead of need, so many a second at most.
//! *Follows.* Linux' `DAMON_RECLAIM`: torvalds/linux mm/damon/reclaim.c and mm/damon/core.c
//! (`damos_wmark_wait_us`, the quotas of `damos`) at 04e9876; S. Park, 2021 on.
//! *Departs.* The kernel estimates ages of regions from sampled accesses; here the ages of all
//! pages are known, in buckets of which four double the age, and a bucket counts as cold if its
//! youngest age is. Within a quota the kernel takes the regions with the highest scores by age;
//! here the oldest buckets, and within one the VMs in file order. The quota of the reclaimer's own
//! time (10 ms a second) is left out. A checkpoint that comes later than a quota's window may use
//! all windows since the last. Watermarks look at frames that hold no page. The VM gets a frame
//! back at the checkpoint for each fault that evicted a page, in file order; a VM from which pages
//! are taken gives its frames without a page as well.
//! *Cost.* O(pages) per checkpoint for the ages, and O(V) for each of some 250 buckets.
//! *Parameters.* `min_age`: the time after which an unused page is cold (120 s); `quota`: frames
//! taken at most in a window (128 MiB); `window`: its length (1 s); `high`, `mid`, `low`: free
//! memory in thousandths; it stops above `high` and below `low`, and starts below `mid` (500, 400,
//! 200); all the kernel's. `decay`: of the observer; it has no effect here.

use crate::balance::{Plan, Policy, PolicyError, PolicyKind, View, exact};
use crate::meets::Meets;
use crate::observe::{AGES_DECAY, Ages, REUSE_AGES};
use crate::params::{Domain, Param, Settings, Value};
use crate::random::Stream;
use crate::units::{Frames, Ticks};

pub(in crate::balance) const KIND: PolicyKind = PolicyKind {
    name: "damon-reclaim",
    summary: "takes pages that have not been used for long, oldest first and under a quota, while \
              free memory is between two watermarks",
    follows: "Linux' DAMON_RECLAIM, 2021",
    live_interval: Some(Ticks(5_000_000_000)),
    params: &[MIN_AGE, QUOTA, WINDOW, HIGH, MID, LOW, AGES_DECAY],
    meets: Meets::Never,
    observers: |_| &[&REUSE_AGES],
    fits: |_, _, _| Ok(()),
    build: |settings| Box::new(Reclaim::of(settings)),
};

const MIN_AGE: Param = Param {
    name: "min_age",
    doc: "the time after which a page that was not used is cold; the kernel's 120 s",
    domain: Domain::Ticks { min: 1 },
    default: Value::Integer(120_000_000_000),
};

const QUOTA: Param = Param {
    name: "quota",
    doc: "frames that are taken at most in a window; the kernel's",
    domain: Domain::Frames { min: 0 },
    default: Value::Bytes(128 << 20),
};

const WINDOW: Param = Param {
    name: "window",
    doc: "the time that a quota is for; the kernel's 1 s",
    domain: Domain::Ticks { min: 1 },
    default: Value::Integer(1_000_000_000),
};

const fn watermark(name: &'static str, doc: &'static str, default: u64) -> Param {
    let domain = Domain::Integer { min: 0, max: 1000 };
    Param { name, doc, domain, default: Value::Integer(default) }
}

const HIGH: Param =
    watermark("high", "thousandths of free memory above which it stops; the kernel's", 500);

const MID: Param =
    watermark("mid", "thousandths of free memory below which it starts; the kernel's", 400);

const LOW: Param = watermark(
    "low",
    "thousandths of free memory below which it stops and leaves the matter to others; the \
     kernel's",
    200,
);

struct Reclaim {
    min_age: Ticks,
    quota: u64,
    window: u64,
    watermarks: [u64; 3],
    is_active: bool,
    /// When the last window began; nothing before the first checkpoint.
    window_began: Option<u64>,
}

impl Policy for Reclaim {
    fn plan(&mut self, view: &View, _: &mut Stream) -> Result<Plan, PolicyError> {
        let free = view.host - view.used();
        self.is_active = self.activates(exact::part(free.0, 1000, view.host.0));
        let budget = self.budget(view.at.0);
        let taken =
            if self.is_active { self.oldest(view, budget) } else { vec![0; view.vms.len()] };
        let wanted = view.vms.iter().zip(taken).map(|(vm, taken)| {
            let kept = if taken > 0 { vm.resident - Frames(taken) } else { vm.allocation };
            kept + Frames(vm.interval.replacement_misses)
        });
        let wanted: Vec<Frames> = wanted.collect();
        Ok(Plan::in_file_order(view, &wanted))
    }
}

impl Reclaim {
    fn of(settings: &Settings) -> Self {
        Self {
            min_age: Ticks(settings.integer(MIN_AGE.name)),
            quota: settings.integer(QUOTA.name),
            window: settings.integer(WINDOW.name),
            watermarks: [HIGH, MID, LOW].map(|param| settings.integer(param.name)),
            is_active: false,
            window_began: None,
        }
    }

    /// Whether it works while so many thousandths of the memory are free.
    fn activates(&self, free: u64) -> bool {
        let [high, mid, low] = self.watermarks;
        let is_beyond = free > high || low > free;
        // Between `mid` and `high` it goes on, but does not start.
        let must_wait = high >= free && free >= mid && !self.is_active;
        !is_beyond && !must_wait
    }

    /// The frames that may be taken now.
    fn budget(&mut self, now: u64) -> u64 {
        let windows = match self.window_began {
            None => 1,
            Some(began) => (now - began) / self.window,
        };
        if windows > 0 {
            self.window_began = Some(now);
        }
        self.quota.saturating_mul(windows)
    }

    /// How many pages are taken of each VM: the oldest cold ones of all.
    fn oldest(&self, view: &View, mut budget: u64) -> Vec<u64> {
        let bucket = Ages::bucket(self.min_age);
        let first_cold = bucket + usize::from(Ages::start(bucket) < self.min_age);
        let cold: Vec<Vec<u64>> =
            view.vms.iter().map(|vm| resident_by_age(&vm.seen.ages.pages, vm.resident.0)).collect();
        let buckets = cold.iter().map(Vec::len).max().unwrap_or(0);
        let mut taken = vec![0; view.vms.len()];
        for bucket in (first_cold..buckets).rev() {
            for (taken, cold) in taken.iter_mut().zip(&cold) {
                let now = cold.get(bucket).map_or(0, |&pages| pages.min(budget));
                *taken += now;
                budget -= now;
            }
        }
        taken
    }
}

/// The resident pages of each bucket of ages: those used last.
fn resident_by_age(pages: &[u64], mut resident: u64) -> Vec<u64> {
    pages
        .iter()
        .map(|&pages| {
            let here = pages.min(resident);
            resident -= here;
            here
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::super::testing::{policy, resident, step, view, vm};
    use super::*;

    /// A VM with pages of these ages.
    fn aged(vm: crate::balance::VmView, ages: &[(u64, u64)]) -> crate::balance::VmView {
        let mut vm = vm;
        for &(age, pages) in ages {
            let bucket = Ages::bucket(Ticks(age));
            let list = &mut vm.seen.ages.pages;
            list.resize(list.len().max(bucket + 1), 0);
            list[bucket] += pages;
        }
        vm
    }

    const SET: &[(&str, Value)] = &[
        ("min_age", Value::Integer(128)),
        ("quota", Value::Integer(50)),
        ("window", Value::Integer(10)),
    ];

    #[test]
    fn the_oldest_pages_go_first_within_the_quota() {
        // 30 % of the host is free.
        let vms = vec![
            aged(vm(300, 1, 900), &[(1, 200), (128, 40), (200, 60)]),
            aged(vm(400, 1, 900), &[(1, 300), (127, 70), (1000, 30)]),
        ];
        let mut view = view(1000, vms);
        let mut damon = policy(&KIND, SET);
        // All 30 of the oldest, and 20 of the next; those of age 127 are not cold.
        assert_eq!(step(&mut *damon, &mut view), [280, 370]);
    }

    #[test]
    fn pages_that_are_in_no_frame_cannot_be_taken() {
        let vms = vec![aged(resident(600, vm(700, 1, 900)), &[(1, 590), (1000, 300)])];
        assert_eq!(step(&mut *policy(&KIND, SET), &mut view(900, vms)), [590]);
    }

    #[test]
    fn watermarks_have_a_band_in_which_it_goes_on_but_does_not_start() {
        let active = |is_active, free| {
            let mut damon = Reclaim::of(&Settings::defaults(KIND.params));
            damon.is_active = is_active;
            damon.activates(free)
        };
        // The kernel's `damos_wmark_wait_us` with its defaults.
        let table = [
            (199, [false, false]),
            (200, [true, true]),
            (399, [true, true]),
            (400, [false, true]),
            (500, [false, true]),
            (501, [false, false]),
        ];
        for (free, expected) in table {
            assert_eq!([false, true].map(|is_active| active(is_active, free)), expected, "{free}");
        }
    }

    #[test]
    fn a_quota_is_for_a_window() {
        let mut damon = policy(&KIND, SET);
        let mut view = view(1000, vec![aged(vm(700, 1, 900), &[(1, 200), (1000, 500)])]);
        assert_eq!(step(&mut *damon, &mut view), [650]);
        view.at = Ticks(9);
        assert_eq!(step(&mut *damon, &mut view), [650], "the window is not over");
        view.at = Ticks(20);
        assert_eq!(step(&mut *damon, &mut view), [550], "two windows");
    }
}
