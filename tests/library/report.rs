//! The report, to the last digit: every count, every sequence of replacement misses and every
//! allocation of tests/report/, which two independent models and the report's own program agree on.

use std::fs;

use crate::common;
use crate::common::simulate;
use balloonist::account::Outcome;
use balloonist::scenario::Scenario;
use balloonist::watch::{Access, Checkpoint, Watcher};

/// Records what the expected files contain.
struct Recorder {
    /// For each VM, a 1 for each access that evicted a page.
    misses: Vec<String>,
    /// The frames of each VM at the start, then after each checkpoint.
    frames: Vec<String>,
}

impl Watcher for Recorder {
    fn wants_accesses(&self) -> bool {
        true
    }

    fn access(&mut self, access: &Access<'_>) {
        access.replacement.audit();
        let vm = access.vm.index();
        self.misses.resize(self.misses.len().max(vm + 1), String::new());
        self.misses[vm].push_str(&access.counts.replacement_misses.to_string());
    }

    fn checkpoint(&mut self, checkpoint: &Checkpoint<'_>) {
        let frames: Vec<String> = checkpoint.plan.0.iter().map(ToString::to_string).collect();
        self.frames.push(frames.join(" "));
    }
}

fn report_scenario(test: &str, every: u64) -> Scenario {
    let text = fs::read_to_string(format!("tests/report/{test}.dat")).unwrap();
    let mut numbers = text.split_whitespace().map(|word| word.parse::<u64>().unwrap());
    let vms = numbers.next().unwrap() as usize;
    let initial: &[u64] = [&[8, 8][..], &[6, 6, 4], &[4, 4, 4, 4]][vms - 2];
    let specs = (0..vms).map(|vm| {
        let length = numbers.next().unwrap() as usize;
        let pages: Vec<u64> = numbers.by_ref().take(length).collect();
        common::vm(vm, &pages, initial[vm], 16)
    });
    common::scenario(specs.collect(), 16, every)
}

fn replay(test: &str, policy: &str, every: u64) -> (Outcome, Recorder) {
    let scenario = report_scenario(test, every);
    let split: Vec<String> = scenario.vms.iter().map(|vm| vm.initial.to_string()).collect();
    let mut recorder = Recorder { misses: Vec::new(), frames: vec![split.join(" ")] };
    let outcome = simulate(&scenario, common::policy(policy), &mut recorder);
    (outcome, recorder)
}

#[test]
fn every_row_of_the_expected_counts_is_met() {
    let mut rows = 0;
    for row in csv::Reader::from_path("tests/report/expected.csv").unwrap().deserialize() {
        type Row = (String, String, u64, String, u64, u64, u64, u64, String);
        let row: Row = row.unwrap();
        let (test, policy, every, vm, accesses, demand, cold, replacement, sequence) = row;
        let (outcome, recorder) = replay(&test, &policy, every);
        let at: usize = vm.strip_prefix("VM").unwrap().parse().unwrap();
        let counts = outcome.vms[at].counts;
        let place = format!("{test} {policy} every {every} {vm}");
        assert_eq!(counts.accesses, accesses, "{place}");
        assert_eq!(counts.demand_faults, demand, "{place}");
        assert_eq!(counts.cold_faults, cold, "{place}");
        assert_eq!(counts.replacement_misses, replacement, "{place}");
        assert_eq!(recorder.misses[at], sequence, "{place}");
        rows += 1;
    }
    assert_eq!(rows, 108);
}

#[test]
fn every_row_of_the_expected_allocations_is_met() {
    let mut rows = 0;
    for row in csv::Reader::from_path("tests/report/allocations.csv").unwrap().deserialize() {
        let (test, policy, every, round, frames): (String, String, u64, u64, String) = row.unwrap();
        let (_, recorder) = replay(&test, &policy, every);
        // Between two checkpoints nothing moves; before the first the initial split holds.
        let after = &recorder.frames[(round / every) as usize];
        assert_eq!(*after, frames, "{test} {policy} every {every} round {round}");
        rows += 1;
    }
    assert_eq!(rows, 444);
}
