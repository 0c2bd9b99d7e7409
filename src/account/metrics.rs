//! The numbers of an account by column name.

use super::Account;
use crate::number::Millionths;
use crate::share::Savings;
use crate::units::Frames;

/// A number of the account of a VM, or of one of its tiers: a column of the tables, and a metric
/// that a scenario can expect.
#[derive(Debug)]
#[non_exhaustive]
pub struct Metric<A = Account> {
    /// The name of the column.
    pub name: &'static str,
    /// What it measures, in one sentence without a full stop.
    pub means: &'static str,
    /// How to read it.
    pub of: Reading<A>,
}

/// How to read a metric from an account.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Reading<A = Account> {
    /// A whole number.
    Count(fn(&A) -> u64),
    /// A number with six decimals; `None` if it is undefined.
    Ratio(fn(&A) -> Option<Millionths>),
}

impl<A> Metric<A> {
    /// Whether it is a whole number.
    pub fn is_count(&self) -> bool {
        matches!(self.of, Reading::Count(_))
    }

    /// The metric's value in an account; `None` if it is undefined.
    pub fn read(&self, account: &A) -> Option<Millionths> {
        match self.of {
            Reading::Count(of) => Some(Millionths(u128::from(of(account)) * Millionths::ONE)),
            Reading::Ratio(of) => of(account),
        }
    }
}

/// Every metric.
pub const METRICS: &[Metric] = &[
    metric("accesses", "page accesses made", |of| of.counts.accesses),
    metric("hits", "accesses that found their page in a frame", |of| of.counts.hits()),
    metric("demand_faults", "accesses to a page that was not in the guest's memory", |of| {
        of.counts.demand_faults
    }),
    metric("cold_faults", "demand faults at the first access ever to their page", |of| {
        of.counts.cold_faults
    }),
    metric("capacity_faults", "demand faults that are not cold", |of| of.counts.capacity_faults()),
    metric(
        "replacement_misses",
        "demand faults into a frame that an evicted page had to leave",
        |of| of.counts.replacement_misses,
    ),
    metric("fills", "demand faults into an empty frame", |of| of.counts.fills()),
    metric("frames_first", "the first allocation", |of| of.frames.first.0),
    metric("frames_last", "the last allocation", |of| of.frames.last.0),
    metric("frames_min", "the smallest allocation", |of| of.frames.min.0),
    metric("frames_max", "the largest allocation", |of| of.frames.max.0),
    metric("granted", "frames granted by the policy", |of| of.granted.0),
    metric("reclaimed", "frames reclaimed by the policy or for an arrival", |of| of.reclaimed.0),
    metric("distinct_pages", "distinct pages accessed", |of| of.distinct_pages),
    metric(
        "ticks",
        "ticks from the start until the last access ended or the VM stopped; for all VMs, the \
         makespan: when the last VM finished",
        |of| of.ticks,
    ),
    metric("stall_ticks", "ticks charged for faults, write-backs, host paging and tiers", |of| {
        of.stall_ticks
    }),
    metric(
        "overhead_ticks",
        "ticks charged for accesses that observers intercepted and for the policy ([cost])",
        |of| of.overhead_ticks,
    ),
    metric(
        "write_backs",
        "dirty pages written back at their eviction; 0 unless [cost] sets the cost of a write-back \
         or the host pages",
        |of| of.counts.write_backs,
    ),
    metric("found", "demand faults that found their page in a tier", |of| of.counts.found.tiers),
    metric(
        "store_reads",
        "demand faults that are not cold and that no tier answered: reads from swap or the disk",
        |of| of.counts.store_reads(),
    ),
    metric(
        "host_faults",
        "accesses to a page of the guest's memory that no frame backed: the host pages",
        |of| of.counts.found.host_swap,
    ),
    metric(
        "double_pagings",
        "dirty pages that the guest evicted while no frame backed them",
        |of| of.paging.double_pagings,
    ),
    metric("host_reads", "pages read from the host's swap space", |of| of.paging.reads),
    metric("host_writes", "pages written to the host's swap space", |of| of.paging.writes),
    metric(
        "superfluous",
        "host writes of pages that equal the guest's disk, and host reads of pages that the guest \
         was overwriting",
        |of| of.paging.superfluous(),
    ),
    metric(
        "blocked_ticks",
        "stall ticks for frames that were taken while the host's free memory was low",
        |of| of.blocked_ticks,
    ),
    metric(
        "frames_moved",
        "the larger of granted and reclaimed: a frame that moves from VM to VM counts once",
        Account::frames_moved,
    ),
    metric(
        "oscillations",
        "frames that moved back within two checkpoints: granted and then reclaimed, or the reverse",
        |of| of.movement.oscillations,
    ),
    metric(
        "settle_checkpoints",
        "the longest settling time, in checkpoints: from a change (the start, an arrival, a \
         departure, a new phase of a VM) until two checkpoints in a row moved less than a \
         hundredth of the host's frames, or until the next change; for a VM, only frames that it \
         gained or lost",
        |of| of.movement.settle_checkpoints,
    ),
    metric(
        "guarantee_violations",
        "checkpoints at which the VM had arrived and was waiting for its minimum, or was refused",
        |of| of.movement.violations,
    ),
    ratio("frames_mean", "the mean allocation over the ticks in which anything was held", |of| {
        Some(of.frames_mean())
    }),
    ratio("fault_ratio", "demand_faults / accesses; 0 without accesses", |of| {
        Some(of.fault_ratio())
    }),
    ratio("replacement_ratio", "replacement_misses / accesses; 0 without accesses", |of| {
        Some(of.replacement_ratio())
    }),
    ratio(
        "slowdown",
        "(nominal + stall + overhead) / nominal, nominal being the ticks that the accesses take \
         with all pages resident and nothing observed; empty without accesses",
        Account::slowdown,
    ),
    ratio(
        "jain_index",
        "Jain's fairness index of the VMs' progress, x = 1 / slowdown: (Σx)² / (n · Σx²), from 1/n \
         to 1; for all VMs together (R. Jain, D. Chiu and W. Hawe, DEC Research Report TR-301, \
         1984)",
        |of| of.jain.map(Millionths),
    ),
    ratio(
        "fault_ratio_p50",
        "the median of fault_ratio over the intervals between checkpoints in which accesses were \
         made: half of the intervals have at most this ratio; empty without accesses",
        |of| of.rates.map(|of| of.p50),
    ),
    ratio("fault_ratio_p95", "the same for 95 of 100 intervals", |of| of.rates.map(|of| of.p95)),
    ratio("fault_ratio_p99", "the same for 99 of 100 intervals", |of| of.rates.map(|of| of.p99)),
    ratio("fault_ratio_worst", "fault_ratio in the interval where it is highest", |of| {
        of.rates.map(|of| of.worst)
    }),
    ratio(
        "time_high",
        "the part of the run in which the host's free memory was high; for all VMs together, if \
         the host reclaims by states, as the next three",
        |of| state(of, 0),
    ),
    ratio("time_soft", "the part of the run in which it was soft", |of| state(of, 1)),
    ratio("time_hard", "the part of the run in which it was hard", |of| state(of, 2)),
    ratio("time_low", "the part of the run in which it was low", |of| state(of, 3)),
    metric("scanned", "looks of the host's scanner at its pages", |of| of.sharing.scanned),
    metric("merges", "pages that the scanner put into a frame which others map", |of| {
        of.sharing.merges
    }),
    metric("copies", "writes to pages of shared frames, each of which copied its page", |of| {
        of.sharing.copies
    }),
    metric(
        "hollow",
        "pages of shared frames that were evicted or freed: the frame stayed with the others",
        |of| of.sharing.hollow,
    ),
    metric(
        "forced",
        "frames that the VM lost because a saving was gone and no frame was free",
        |of| of.sharing.forced,
    ),
    ratio(
        "charged",
        "frames that the VM pays for at the end of the run if those who map a frame pay in equal \
         parts; empty for a VM that has left",
        |of| of.charged.map(Millionths),
    ),
    ratio(
        "saving_mean",
        "frames that sharing saved, after a scan, on average over the scans; for all VMs together, \
         if the host shares, as the next three",
        |of| {
            let Savings { sum, scans, .. } = of.savings?;
            Millionths::ratio(sum, u128::from(scans))
        },
    ),
    ratio("saving_max", "the most frames that sharing saved at a time", |of| {
        of.savings.map(|of| whole(of.most))
    }),
    ratio("debt_max", "the most frames that the host owed at a time", |of| {
        of.savings.map(|of| whole(of.debt))
    }),
    ratio("full_scans", "complete passes of the scanner over all pages", |of| {
        of.savings.map(|of| whole(Frames(of.full_scans)))
    }),
    metric("warm_up_accesses", "accesses of the warm-up, which no other column includes", |of| {
        of.warm_up_accesses
    }),
];

const fn metric(name: &'static str, means: &'static str, of: fn(&Account) -> u64) -> Metric {
    Metric { name, means, of: Reading::Count(of) }
}

const fn ratio(
    name: &'static str,
    means: &'static str,
    of: fn(&Account) -> Option<Millionths>,
) -> Metric {
    Metric { name, means, of: Reading::Ratio(of) }
}

fn whole(Frames(number): Frames) -> Millionths {
    Millionths(u128::from(number) * Millionths::ONE)
}

/// The part of the run in which the host was in this state.
fn state(of: &Account, state: usize) -> Option<Millionths> {
    let ticks = of.states?;
    let all = ticks.iter().map(|&ticks| u128::from(ticks)).sum();
    Millionths::ratio(u128::from(ticks[state]), all)
}

#[cfg(test)]
mod tests {
    use super::super::Movement;
    use super::*;
    use crate::account::Held;
    use crate::units::Ticks;

    /// Every count has a distinct value, so a column that reads the wrong count or a sum that
    /// misses one is found.
    #[test]
    fn every_sum_and_every_column_has_its_own_count() {
        let vm = |factor: u64| Account {
            granted: Frames(3 * factor),
            reclaimed: Frames(5 * factor),
            distinct_pages: 7 * factor,
            nominal_ticks: 11 * factor,
            stall_ticks: 13 * factor,
            overhead_ticks: 17 * factor,
            movement: Movement {
                oscillations: 19 * factor,
                violations: 23 * factor,
                ..Movement::default()
            },
            ..Account::default()
        };
        let all = Account::all(&[vm(1), vm(100)], Held::default(), Ticks(1));
        let expected = [
            ("granted", 303),
            ("reclaimed", 505),
            ("distinct_pages", 707),
            ("stall_ticks", 1_313),
            ("overhead_ticks", 1_717),
            ("oscillations", 1_919),
            ("guarantee_violations", 2_323),
        ];
        for (name, count) in expected {
            let found = METRICS.iter().find(|metric| metric.name == name);
            let found = found.and_then(|metric| metric.read(&all)).map(|value| value.0);
            assert_eq!(found, Some(count * Millionths::ONE), "{name}");
        }
        assert_eq!((all.frames_moved(), all.delayed_ticks()), (505, 3_030));
        assert_eq!(all.nominal_ticks, 1_111);
    }
}
