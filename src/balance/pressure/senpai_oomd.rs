//! `senpai-oomd`: a hundredth of what a VM uses is taken every few rounds while nothing stalls.
//!
//! *Idea.* As long as stalls are rare over both ten seconds and a minute, a small part of the
//! memory is reclaimed, and no limit stays behind: a workload that needs it again takes it at once.
//! *Follows.* The plugin `senpai` of oomd with `immediate_backoff`: facebookincubator/oomd
//! src/oomd/plugins/Senpai.cpp (`tick_immediate_backoff`, `validatePressure`, `getLimitMinBytes`)
//! at 88c28fd; J. Weiner, D. Schatzberg and others, 2019 on.
//! *Departs.* What a VM uses (`memory.current`) is its resident pages, all of which can be
//! reclaimed; `memory.min` is its minimum. A real workload takes memory back within the round; here
//! a VM gets a frame at the checkpoint for each fault that evicted a page, from the free frames and
//! in file order, and a reclaim takes its frames without a page as well. Stall time is that of
//! capacity faults, which take ticks only where a scenario says so, and it is spread evenly over
//! the interval; memory and I/O stall alike. The checks of swap space (`swap_validation`,
//! `modulate_swappiness`) are off, as by default. Frames larger than 4 KiB are taken whole.
//! *Cost.* O(V log V) per checkpoint for V VMs.
//! *Parameters.* `pressure`: stalled time in percent from which on nothing is taken (0.1);
//! `max_probe`: the part taken of what a VM uses above its floor (0.01); `interval`: rounds that
//! pass between two reclaims (6); `floor`: what is always left (100 MiB); all oomd's. `period`:
//! the time after which averages of stalled time are updated (2 s, Linux').

use std::collections::BTreeMap;

use super::psi::Psi;
use crate::balance::{Plan, Policy, PolicyError, PolicyKind, View, VmView, exact};
use crate::meets::Meets;
use crate::observe::WINDOW;
use crate::params::{Domain, Param, Settings, Value};
use crate::random::Stream;
use crate::units::{Decimal, Frames, Ticks, VmId};

pub(in crate::balance) const KIND: PolicyKind = PolicyKind {
    name: "senpai-oomd",
    summary: "takes a hundredth of what a VM uses every few rounds while averages of stalled time \
              are low, and gives frames back on demand",
    follows: "oomd's plugin senpai with immediate back-off, 2019",
    live_interval: Some(Ticks(5_000_000_000)),
    params: &[PRESSURE, MAX_PROBE, INTERVAL, FLOOR, PERIOD],
    meets: Meets::Never,
    observers: |_| &[&WINDOW],
    fits: |_, _, _| Ok(()),
    build: |settings| Box::new(Senpai { rule: Rule::of(settings), tracked: BTreeMap::new() }),
};

const PRESSURE: Param = Param {
    name: "pressure",
    doc: "stalled time in percent, over 10 s or 60 s, from which on nothing is taken; oomd's",
    domain: Domain::Decimal { min: exact::hundredths(1), max: exact::hundredths(10_000) },
    default: Value::Decimal(exact::hundredths(10)),
};

const MAX_PROBE: Param = Param {
    name: "max_probe",
    doc: "the part that is taken of what a VM uses above its floor; oomd's",
    domain: Domain::Decimal { min: exact::hundredths(0), max: exact::hundredths(100) },
    default: Value::Decimal(exact::hundredths(1)),
};

const INTERVAL: Param = Param {
    name: "interval",
    doc: "checkpoints that pass between two reclaims; oomd's",
    domain: Domain::Integer { min: 0, max: 1_000_000 },
    default: Value::Integer(6),
};

const FLOOR: Param = Param {
    name: "floor",
    doc: "frames that are always left to a VM; oomd's",
    domain: Domain::Frames { min: 0 },
    default: Value::Bytes(100 << 20),
};

const PERIOD: Param = Param {
    name: "period",
    doc: "the time after which the averages of stalled time are updated; Linux' 2 s",
    domain: Domain::Ticks { min: 1 },
    default: Value::Integer(2_000_000_000),
};

struct Senpai {
    rule: Rule,
    tracked: BTreeMap<VmId, Tracked>,
}

struct Rule {
    /// Bytes of a frame.
    page: u64,
    pressure: Decimal,
    max_probe: Decimal,
    interval: u64,
    floor: Frames,
    period: Ticks,
}

/// What is remembered of a VM.
struct Tracked {
    pressure: Psi,
    /// Checkpoints until the next reclaim; nothing at the checkpoint that first sees the VM.
    wait: Option<u64>,
}

impl Policy for Senpai {
    fn plan(&mut self, view: &View, _: &mut Stream) -> Result<Plan, PolicyError> {
        let rule = &self.rule;
        let wanted = view.vms.iter().map(|vm| {
            let start = || Tracked { pressure: Psi::default(), wait: None };
            let tracked = self.tracked.entry(vm.id).or_insert_with(start);
            let window = &vm.seen.window;
            tracked.pressure.pass(window.ticks, window.stalled, rule.period);
            let asked = Frames(vm.interval.replacement_misses);
            match rule.step(tracked, vm) {
                Some(taken) => vm.resident - taken + asked,
                None => vm.allocation + asked,
            }
        });
        let wanted: Vec<Frames> = wanted.collect();
        Ok(Plan::in_file_order(view, &wanted))
    }
}

impl Rule {
    fn of(settings: &Settings) -> Self {
        Self {
            page: settings.page_size(),
            pressure: settings.decimal(PRESSURE.name),
            max_probe: settings.decimal(MAX_PROBE.name),
            interval: settings.integer(INTERVAL.name),
            floor: Frames(settings.integer(FLOOR.name)),
            period: Ticks(settings.integer(PERIOD.name)),
        }
    }

    /// The frames to reclaim from a VM; `None` if there are none.
    fn step(&self, tracked: &mut Tracked, vm: &VmView) -> Option<Frames> {
        match &mut tracked.wait {
            // A VM that is new is looked at only after a whole interval.
            new @ None => *new = Some(self.interval),
            Some(wait @ 1..) => *wait -= 1,
            Some(wait @ 0) if tracked.pressure.is_below(self.pressure) => {
                let floor = self.floor.max(vm.bounds.min);
                if vm.resident > floor {
                    *wait = self.interval;
                    return Some(self.reclaimed(vm.resident - floor));
                }
            }
            // Pressure is too high: it looks again at the next checkpoint.
            Some(_) => {}
        }
        None
    }

    /// The share of the memory above the floor, in whole pages of 4 KiB, as in the kernel.
    fn reclaimed(&self, above: Frames) -> Frames {
        let Decimal { digits, .. } = self.max_probe;
        let bytes = u128::from(above.0) * u128::from(self.page) * u128::from(digits)
            / u128::from(self.max_probe.denominator());
        Frames(((bytes & !0xFFF) / u128::from(self.page)) as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::testing::{policy, resident, step, view, vm};
    use super::*;

    const GIB: u64 = 1 << 18;
    const SECOND: u64 = 1_000_000_000;

    fn quiet(view: &mut View) {
        for vm in &mut view.vms {
            vm.seen.window.ticks = Ticks(5 * SECOND);
            vm.seen.window.stalled = Ticks(0);
            vm.interval.replacement_misses = 0;
        }
    }

    /// Computed by oomd's own functions.
    #[test]
    fn every_seventh_round_takes_a_hundredth_of_what_is_above_the_floor() {
        let mut senpai = policy(&KIND, &[]);
        let mut view = view(8 * GIB, vec![vm(4 * GIB, 1, 8 * GIB)]);
        quiet(&mut view);
        for _ in 0..7 {
            assert_eq!(step(&mut *senpai, &mut view), [4 * GIB]);
        }
        assert_eq!(step(&mut *senpai, &mut view), [1_038_347]);
        for _ in 0..6 {
            assert_eq!(step(&mut *senpai, &mut view), [1_038_347]);
        }
        assert_eq!(step(&mut *senpai, &mut view), [1_028_220]);
    }

    #[test]
    fn pressure_of_the_last_minute_puts_it_off() {
        let mut senpai = policy(&KIND, &[("interval", Value::Integer(0))]);
        let mut view = view(8 * GIB, vec![vm(4 * GIB, 1, 8 * GIB)]);
        quiet(&mut view);
        step(&mut *senpai, &mut view);
        view.vms[0].seen.window.stalled = Ticks(SECOND);
        assert_eq!(step(&mut *senpai, &mut view), [4 * GIB]);
        quiet(&mut view);
        let mut rounds = 0;
        while step(&mut *senpai, &mut view) == [4 * GIB] {
            rounds += 1;
        }
        // 20 percent for two periods decay to less than 0.1 in the average over a minute.
        assert!((30..60).contains(&rounds), "{rounds}");
    }

    #[test]
    fn the_floor_stays_and_what_is_missed_comes_back() {
        let settings = [("interval", Value::Integer(0)), ("floor", Value::Integer(1000))];
        let mut senpai = policy(&KIND, &settings);
        let vms = vec![resident(900, vm(1500, 1, 9000)), vm(2000, 1, 9000), vm(2000, 1500, 9000)];
        let mut view = view(9000, vms);
        quiet(&mut view);
        step(&mut *senpai, &mut view);
        view.vms[1].interval.replacement_misses = 7;
        assert_eq!(step(&mut *senpai, &mut view), [1500, 1997, 1995]);
    }
}
