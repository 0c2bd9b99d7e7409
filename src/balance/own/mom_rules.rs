//! `mom-rules`: the operator's own rule files for MOM, run as they are.
//!
//! *Idea.* oVirt's Memory Overcommitment Manager reads its rules from files in a small language.
//! The same files decide here, so that an edited rule is tried before a host has it.
//! *Follows.* oVirt/mom mom/Policy, mom/Entity.py, mom/PolicyEngine.py and mom/Collectors at
//! 3de1c8e; `mom/` is the language.
//! *Departs.* The language: rules that fail end the run, where the daemon logs that and skips the
//! round; a character that begins no word is an error, where the original ignores all that follows
//! it; a file is read by itself, so no expression spans two; whole numbers have 127 bits; calls are
//! nested 160 deep at most, where Python's stack allows some more or less; texts and lists have
//! 65,536 bytes and items at most; of numbers, texts and the objects behind the host and the guests
//! there are no attributes beyond statistics and methods; names of controls are texts. The
//! statistics: host and guests are as
//! `balance/meminfo.rs` has them, in KiB; a guest's major faults are those that bring a page back
//! from swap, its minor faults the first accesses; samepage merging is off, CPU and I/O have no
//! limits; what no guest here has, such as its swap's size, is nil. The only control that is
//! carried out is a guest's `balloon_target`, within the VM's bounds and rounded down to a frame;
//! growth beyond the free frames is given in file order.
//! *Cost.* What the rules cost, at most a million steps and 10,000 a guest.
//! *Parameters.* `files`: the rules, in the order in which the daemon would read them; `samples`:
//! samples that averages are taken of (10); `sample_every`: time between two samples (5 s); MOM's.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use crate::balance::hypervisors::mom_balloon::{SAMPLE_EVERY, SAMPLES, note};
use crate::balance::{Plan, Policy, PolicyError, PolicyKind, Reason, View, VmView};
use crate::meets::Meets;
use crate::mom::{self, Change, Entity, Program, Statistic, World};
use crate::params::{Domain, Param, Settings, Value};
use crate::random::Stream;
use crate::units::{Frames, Ticks, VmId};

pub(in crate::balance) const KIND: PolicyKind = PolicyKind {
    name: "mom-rules",
    summary: "runs the operator's own rule files for oVirt's Memory Overcommitment Manager",
    follows: "oVirt's Memory Overcommitment Manager and its policy language",
    live_interval: Some(Ticks(10_000_000_000)),
    params: &[FILES, SAMPLES, SAMPLE_EVERY],
    meets: Meets::Never,
    observers: |_| &[],
    fits: |settings, _, _| {
        if settings.files(FILES.name).is_empty() {
            return Err(
                "mom-rules has no rules; name their files in `policy.mom-rules.files`".to_owned()
            );
        }
        Ok(())
    },
    build: |settings| Box::new(MomRules::of(settings)),
};

const FILES: Param = Param {
    name: "files",
    doc: "the files of rules, in the order in which they are read",
    domain: Domain::Files { parse: mom::parse, may_be_missing: false },
    default: Value::Files(Vec::new()),
};

/// The control that sets a guest's size, in KiB.
const TARGET: &str = "balloon_target";

struct MomRules {
    program: Program,
    page_size: u64,
    samples: usize,
    every: Ticks,
    host: VecDeque<Frames>,
    guests: BTreeMap<VmId, VecDeque<Sample>>,
    /// What the latest rounds set, and the guests of that round.
    changes: Vec<Change>,
    ids: Vec<VmId>,
}

/// What is sampled of a guest.
#[derive(Clone, Copy)]
struct Sample {
    allocation: Frames,
    resident: Frames,
    /// Pages that came into a frame for the first time, and that came back.
    first: u64,
    again: u64,
}

impl Sample {
    fn of(vm: &VmView) -> Self {
        Self {
            allocation: vm.allocation,
            resident: vm.resident,
            first: vm.total.cold_faults,
            again: vm.total.capacity_faults(),
        }
    }

    /// Pages in swap: used before and not resident now.
    fn in_swap(&self) -> u64 {
        self.first.saturating_sub(self.resident.0)
    }
}

impl MomRules {
    fn of(settings: &Settings) -> Self {
        Self {
            program: Program::of(settings.files(FILES.name)),
            page_size: settings.page_size(),
            samples: settings.integer(SAMPLES.name) as usize,
            every: Ticks(settings.integer(SAMPLE_EVERY.name)),
            host: VecDeque::new(),
            guests: BTreeMap::new(),
            changes: Vec::new(),
            ids: Vec::new(),
        }
    }

    fn note(&mut self, view: &View) {
        let count = self.samples;
        note(&mut self.host, view.used(), count);
        for vm in &view.vms {
            note(self.guests.entry(vm.id).or_default(), Sample::of(vm), count);
        }
    }

    /// Frames in KiB, rounded down.
    fn kib(&self, frames: u64) -> i128 {
        i128::from(frames) * i128::from(self.page_size) / 1024
    }

    /// What is under control of the rules now.
    fn world(&self, view: &View) -> World {
        World::new(self.host_of(view), view.vms.iter().map(|vm| self.guest_of(vm)))
    }

    fn host_of(&self, view: &View) -> Entity {
        let total = self.kib(view.host.0);
        let of = |value: fn(i128, i128) -> i128| {
            sampled(&self.host, |used| value(total, self.kib(used.0)))
        };
        let guests = view.vms.iter().map(|vm| self.kib(vm.bounds.max.0)).sum();
        let mut fields = vec![
            ("mem_available", Statistic::constant(total)),
            ("mem_unused", of(|total, used| total - used)),
            ("mem_free", of(|total, used| total - used)),
            ("anon_pages", of(|_, used| used)),
            ("ksm_shareable", Statistic::constant(guests)),
        ];
        fields.extend(constants(HOST_CONSTANTS));
        Entity::new(Vec::new(), fields)
    }

    fn guest_of(&self, vm: &VmView) -> Entity {
        let of = |value: fn(&Sample) -> u64| {
            sampled(&self.guests[&vm.id], |sample| self.kib(value(sample)))
        };
        let counted = |value: fn(&Sample) -> u64| {
            sampled(&self.guests[&vm.id], |sample| value(sample).into())
        };
        let mut fields = vec![
            ("balloon_cur", of(|sample| sample.allocation.0)),
            ("balloon_max", Statistic::constant(self.kib(vm.bounds.max.0))),
            ("balloon_min", Statistic::constant(self.kib(vm.bounds.min.0))),
            ("mem_available", of(|sample| sample.allocation.0)),
            ("mem_unused", of(|sample| (sample.allocation - sample.resident).0)),
            ("mem_free", of(|sample| (sample.allocation - sample.resident).0)),
            ("rss", of(|sample| sample.resident.0)),
            ("swap_in", of(|sample| sample.again)),
            ("swap_out", of(|sample| sample.again + sample.in_swap())),
            ("swap_usage", of(Sample::in_swap)),
            ("major_fault", counted(|sample| sample.again)),
            ("minor_fault", counted(|sample| sample.first)),
            ("swap_total", Statistic::MISSING),
            ("io_tune", Statistic::MISSING),
        ];
        fields.extend(constants(GUEST_CONSTANTS));
        let name = |key| (key, Arc::clone(&vm.name));
        Entity::new(vec![name("name"), name("uuid")], fields)
    }
}

/// The simulated host has no swap and no page merging; rules for these have no effect.
const HOST_CONSTANTS: &[(&str, i128)] = &[
    ("swap_in", 0),
    ("swap_out", 0),
    ("swap_total", 0),
    ("swap_usage", 0),
    ("ksm_run", 0),
    ("ksm_pages_shared", 0),
    ("ksm_pages_sharing", 0),
    ("ksm_pages_unshared", 0),
    ("ksm_pages_volatile", 0),
    ("ksm_full_scans", 0),
    ("ksm_pages_to_scan", 100),
    ("ksm_sleep_millisecs", 20),
    ("ksm_merge_across_nodes", 1),
    ("ksmd_cpu_usage", 0),
    ("cpu_count", 1),
];

/// A guest has one virtual CPU without a limit.
const GUEST_CONSTANTS: &[(&str, i128)] = &[
    ("host_minor_faults", 0),
    ("host_major_faults", 0),
    ("vcpu_quota", -1),
    ("vcpu_period", 100_000),
    ("vcpu_user_limit", 100),
    ("vcpu_count", 1),
];

impl Policy for MomRules {
    fn plan(&mut self, view: &View, _: &mut Stream) -> Result<Plan, PolicyError> {
        self.note(view);
        let mut world = self.world(view);
        self.changes = self.program.run(&mut world).map_err(PolicyError::failed)?;
        self.ids = view.vms.iter().map(|vm| vm.id).collect();
        let mut wanted = Vec::new();
        for (at, vm) in view.vms.iter().enumerate() {
            let target = self.program.number(&world, at + 1, TARGET);
            wanted.push(match target.map_err(PolicyError::failed)? {
                Some(kib) => {
                    let bytes = kib.clamp(0, i128::from(u64::MAX)) * 1024;
                    let frames = bytes / i128::from(self.page_size);
                    Frames(u64::try_from(frames).unwrap_or(u64::MAX))
                }
                // Its balloon stays on its way.
                None => vm.target,
            });
        }
        Ok(Plan::in_file_order(view, &wanted))
    }

    fn samples_every(&self) -> Option<Ticks> {
        Some(self.every)
    }

    fn sample(&mut self, view: &View) {
        self.note(view);
    }

    fn reasons(&self) -> Vec<Reason> {
        let of_guests = self.changes.iter().filter(|change| &*change.control == TARGET);
        let reason = |change: &Change| {
            let vm = *self.ids.get(change.of.checked_sub(1)?)?;
            Some(Reason { vm, text: self.program.told(change) })
        };
        of_guests.filter_map(reason).collect()
    }
}

/// What does not change, as statistics.
fn constants(all: &[(&'static str, i128)]) -> impl Iterator<Item = (&'static str, Statistic)> {
    all.iter().map(|&(name, value)| (name, Statistic::constant(value)))
}

fn sampled<T>(samples: &VecDeque<T>, value: impl Fn(&T) -> i128) -> Statistic {
    let sum = samples.iter().map(&value).sum();
    Statistic { latest: samples.back().map(value), sum: (sum, samples.len() as u32) }
}

#[cfg(test)]
mod tests {
    use super::super::super::testing::{policy, resident, step, view, vm};
    use super::*;
    use crate::params::TextFile;

    fn rules(text: &str) -> Box<dyn Policy> {
        let file = TextFile::read(&FILES, 0, "my.rules".to_owned(), Some(text.into())).unwrap();
        policy(&KIND, &[(FILES.name, Value::Files(vec![file]))])
    }

    #[test]
    fn targets_are_in_kibibytes_and_keep_the_bounds() {
        let mut rules = rules(
            "(with Guests guest (guest.Control \"balloon_target\" (- guest.balloon_cur 401)))",
        );
        // 401 KiB are 100 frames and a quarter; what is left is rounded down.
        let mut view = view(2000, vec![vm(1000, 1, 1000), vm(500, 450, 1000)]);
        assert_eq!(step(&mut *rules, &mut view), [899, 450]);
    }

    #[test]
    fn a_guest_whose_target_is_not_set_stays_as_it_is() {
        let mut rules = rules("(defvar x 1) # nothing else");
        let mut view = view(2000, vec![vm(1000, 1, 1000), vm(500, 450, 1000)]);
        assert_eq!(step(&mut *rules, &mut view), [1000, 500]);
        assert!(rules.reasons().is_empty());
    }

    #[test]
    fn guests_are_known_by_name_and_averages_are_of_samples() {
        let mut rules = rules(
            "(with Guests guest (if (== (guest.Prop \"name\") \"vm1\")\n\
             (guest.Control \"balloon_target\" (guest.StatAvg \"mem_unused\")) 0))",
        );
        let mut view = view(2000, vec![vm(900, 1, 1000), resident(300, vm(500, 1, 1000))]);
        rules.sample(&view);
        view.vms[1].resident = Frames(100);
        // Unused 200 and 400.
        assert_eq!(step(&mut *rules, &mut view), [900, 300]);
        let reasons = rules.reasons();
        assert_eq!(reasons.len(), 1);
        assert_eq!(reasons[0].vm, VmId(1));
        let told = "my.rules:2: balloon_target = 1200.0; my.rules:1 \
                    (== (guest.Prop \"name\") \"vm1\") holds (\"vm1\" == \"vm1\")";
        assert_eq!(reasons[0].text, told);
    }

    #[test]
    fn swap_and_faults_add_up() {
        let mut rules = rules(
            "(with Guests g (g.Control \"balloon_target\" \
             (+ g.swap_usage (- g.swap_out g.swap_in))))",
        );
        let mut view = view(2000, vec![resident(30, vm(900, 1, 1000))]);
        view.vms[0].total.demand_faults = 130;
        view.vms[0].total.cold_faults = 80;
        // 50 pages are in swap, and 50 came back.
        assert_eq!(step(&mut *rules, &mut view), [100]);
    }

    #[test]
    fn what_is_no_number_is_shown_with_its_place() {
        let mut rules = rules("(with Guests guest\n  (guest.Control \"balloon_target\" \"much\"))");
        let mut draws = Stream::new(crate::random::Generator::ChaCha8, 1, 0, "policy");
        let error = rules.plan(&view(10, vec![vm(5, 1, 10)]), &mut draws).unwrap_err();
        assert_eq!(
            error.to_string(),
            "`balloon_target` is \"much\", expected a number\n \
             --> my.rules:2:3\n  |   (guest.Control \"balloon_target\" \"much\"))\n  \
             |   ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^"
        );
    }
}
