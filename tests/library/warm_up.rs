//! The warm-up compared with a run watched access by access, from which its accesses are
//! subtracted.

use std::collections::BTreeSet;

use crate::common;
use crate::common::scenarios::random_scenario;
use balloonist::host::Change;
use balloonist::random::{Generator, Stream};
use balloonist::replace::{self, Counts};
use balloonist::scenario::{Scenario, WarmUp};
use balloonist::simulate::simulate;
use balloonist::trace::curve::{lru_faults, lru_faults_between};
use balloonist::units::{Decimal, Frames, Ticks};
use balloonist::watch::{Access, Arrival, Checkpoint, Moved, NullWatcher, Watcher};

/// The watched accesses of one VM after its warm-up.
#[derive(Clone, Default)]
struct Naive {
    started: u64,
    made: u64,
    warm: u64,
    counts: Counts,
    pages: BTreeSet<u32>,
    granted: u64,
    reclaimed: u64,
    allocation: u64,
    /// The frames that it held, from when on.
    held: Vec<(u64, u64)>,
}

struct Subtracted<'a> {
    scenario: &'a Scenario,
    vms: Vec<Naive>,
}

impl Subtracted<'_> {
    fn is_warm(&self, vm: usize, at: u64) -> bool {
        let naive = &self.vms[vm];
        let Some(warm_up) = self.scenario.warm_up else { return false };
        match warm_up {
            WarmUp::Share(share) => {
                let length = self.scenario.vms[vm].trace.accesses();
                naive.made < length * share.digits / 10_u64.pow(share.places)
            }
            WarmUp::Accesses(accesses) => naive.made < accesses,
            WarmUp::For(ticks) => at < naive.started + ticks.0,
            WarmUp::Until(tick) => at < tick.0,
        }
    }

    fn change(&mut self, at: Ticks, changes: &[Change]) {
        for change in changes {
            let naive = &mut self.vms[change.vm.index()];
            naive.allocation = change.after.0;
            if naive.made > naive.warm {
                naive.granted += change.after.0.saturating_sub(change.before.0);
                naive.reclaimed += change.before.0.saturating_sub(change.after.0);
                naive.held.push((at.0, change.after.0));
            }
        }
    }
}

impl Watcher for Subtracted<'_> {
    fn wants_accesses(&self) -> bool {
        true
    }

    fn arrive(&mut self, arrival: &Arrival<'_>) {
        self.change(arrival.at, arrival.shrunk);
        let naive = &mut self.vms[arrival.vm.index()];
        (naive.started, naive.allocation) = (arrival.at.0, arrival.allocation.0);
    }

    fn moved(&mut self, moved: &Moved<'_>) {
        self.change(moved.at, moved.changes);
    }

    fn checkpoint(&mut self, checkpoint: &Checkpoint<'_>) {
        self.change(checkpoint.view.at, checkpoint.changes);
    }

    fn access(&mut self, access: &Access<'_>) {
        let vm = access.vm.index();
        let warm = self.is_warm(vm, access.at.0);
        let naive = &mut self.vms[vm];
        if warm {
            assert_eq!(naive.warm, naive.made, "a warm-up is not taken up again");
            naive.warm += 1;
        } else {
            if naive.made == naive.warm {
                naive.held.push((access.at.0, naive.allocation));
            }
            naive.counts.add(access.counts);
            let trace = &self.scenario.vms[vm].trace;
            naive.pages.insert(trace.page(naive.made % trace.accesses()));
        }
        naive.made += 1;
    }
}

fn random_warm_up(draw: &mut Stream) -> WarmUp {
    let some = draw.below(40);
    match draw.below(4) {
        0 => WarmUp::Share(Decimal { digits: 5 * draw.below(20), places: 2 }),
        1 => WarmUp::Accesses(some),
        2 => WarmUp::For(Ticks(some)),
        _ => WarmUp::Until(Ticks(2 * some)),
    }
}

/// Covers every policy and every replacement algorithm, with delays, balloons, queues, repeats and
/// departures.
#[test]
fn what_the_warm_up_did_is_subtracted_and_nothing_else_changes() {
    let (mut policies, mut algorithms, mut counted) = (BTreeSet::new(), BTreeSet::new(), 0);
    for number in 0..4_000 {
        let (mut scenario, policy) = random_scenario(number);
        if !common::fits(&scenario, policy) {
            continue;
        }
        // A shrink writes pages back outside accesses.
        scenario.cost.counts_write_backs = false;
        let whole = simulate(&scenario, policy, &mut NullWatcher).unwrap();
        let mut draw = Stream::new(Generator::ChaCha8, number, 0, "test/warm-up");
        scenario.warm_up = Some(random_warm_up(&mut draw));
        let vms = vec![Naive::default(); scenario.vms.len()];
        let mut naive = Subtracted { scenario: &scenario, vms };
        let in_true_order = simulate(&scenario, policy, &mut naive).unwrap();
        let ahead = simulate(&scenario, policy, &mut NullWatcher).unwrap();
        assert_eq!(ahead, in_true_order, "scenario {number}: run ahead against true order");
        assert_eq!(
            (ahead.fingerprint, ahead.end, ahead.checkpoints),
            (whole.fingerprint, whole.end, whole.checkpoints),
            "scenario {number}: a warm-up changes no trajectory"
        );
        for (at, (account, naive)) in ahead.vms.iter().zip(&naive.vms).enumerate() {
            let shown = format!("scenario {number}, VM {at}, {}", policy.name);
            assert_eq!(account.counts, naive.counts, "{shown}");
            assert_eq!(account.warm_up_accesses, naive.warm, "{shown}");
            assert_eq!(account.distinct_pages, naive.pages.len() as u64, "{shown}");
            let moved = (account.granted, account.reclaimed);
            assert_eq!(moved, (Frames(naive.granted), Frames(naive.reclaimed)), "{shown}");
            assert_eq!(account.frames.last.0, naive.allocation, "{shown}");
            if let Some(&(first, _)) = naive.held.first() {
                let until = first + account.frames.ticks.0;
                let ends = naive.held[1..].iter().map(|&(at, _)| at).chain([until]);
                let held = naive.held.iter().zip(ends);
                let sum: u64 = held.map(|(&(from, frames), to)| (to - from) * frames).sum();
                assert_eq!(account.frames.frame_ticks, u128::from(sum), "{shown}");
            }
            algorithms.insert(scenario.vms[at].replacement.name);
            counted += u64::from(naive.warm > 0 && naive.counts.demand_faults > 0);
        }
        policies.insert(policy.name);
    }
    assert_eq!(policies.len(), common::policies::without_programs().count());
    assert_eq!(algorithms.len(), replace::ALL.len());
    assert!(counted > 1_000, "{counted} VMs have a warm-up and then fault");
}

#[test]
fn a_curve_after_a_warm_up_is_the_difference_of_two() {
    for number in 0..300 {
        let (scenario, _) = random_scenario(number);
        let mut draw = Stream::new(Generator::ChaCha8, number, 0, "test/warm-up/curve");
        let trace = &scenario.vms[0].trace;
        let to = draw.below(4 * trace.accesses() + 1);
        let from = draw.below(to + 1);
        let (whole, warm) = (lru_faults(trace, to), lru_faults(trace, from));
        let difference: Vec<u64> = whole.iter().zip(&warm).map(|(to, from)| to - from).collect();
        assert_eq!(lru_faults_between(trace, from, to), difference, "scenario {number}");
        let pages: BTreeSet<u32> = (from..to).map(|at| trace.page(at % trace.accesses())).collect();
        assert_eq!(trace.distinct_between(from, to), pages.len(), "scenario {number}");
    }
}
