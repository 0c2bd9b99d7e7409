//! The tables of `plan`: what each policy needs, how the metric falls with memory, and every mix.

use crate::number::Millionths;
use crate::plan::order::{median_interval, quantile, rank_of_bound};
use crate::plan::{Need, Question};
use crate::scenario::Scenario;
use crate::table::{Cell, Table};
use crate::units::{Decimal, Ticks, VmId};

/// The needs of all policies: for each mix, one of each policy of the question.
#[derive(Debug)]
pub struct Answers<'a> {
    /// What was asked.
    pub question: &'a Question,
    /// The confidence of bounds and intervals.
    pub confidence: Decimal,
    /// Whether mixes differ.
    pub is_drawn: bool,
    /// The first mix, for names.
    pub scenario: &'a Scenario,
    /// The pages that the VMs of each mix touch.
    pub pages: &'a [u64],
    /// The needs.
    pub needs: &'a [Vec<Need>],
}

impl Answers<'_> {
    /// The needs of a policy, mix by mix.
    fn of(&self, policy: usize) -> impl Iterator<Item = &Need> {
        self.needs.iter().map(move |needs| &needs[policy])
    }

    /// The needs in frames, ascending; a limit that no memory keeps is last, as `u64::MAX`.
    fn sorted(&self, policy: usize) -> Vec<u64> {
        let mut sorted: Vec<u64> =
            self.of(policy).map(|need| need.frames.unwrap_or(u64::MAX)).collect();
        sorted.sort_unstable();
        sorted
    }

    /// The frames with which another mix keeps the limit, at the confidence; `None` if there are
    /// too few mixes, or if no memory is enough. Where nothing is drawn, a mix is its own answer.
    pub fn bound(&self, policy: usize) -> Option<u64> {
        let sorted = self.sorted(policy);
        let rank =
            if self.is_drawn { rank_of_bound(sorted.len() as u64, self.confidence)? } else { 1 };
        Some(sorted[rank as usize - 1]).filter(|&frames| frames < u64::MAX)
    }

    /// The median of the pages that the VMs of a mix touch.
    pub fn pages(&self) -> u64 {
        let mut pages = self.pages.to_vec();
        pages.sort_unstable();
        pages[(pages.len() - 1) / 2]
    }

    /// The VM that breaks the limit first in the most mixes, in how many, and the end of its worst
    /// interval in the first of these; ties go to the first VM.
    pub fn first_to_break(&self, policy: usize) -> Option<(&str, u64, u64)> {
        let mut times = vec![(0, 0); self.scenario.vms.len()];
        for (vm, at) in self.of(policy).filter_map(|need| need.first) {
            let (count, first) = &mut times[vm.index()];
            if *count == 0 {
                *first = at.0;
            }
            *count += 1;
        }
        let most = times.iter().map(|&(count, _)| count).max().filter(|&count| count > 0)?;
        let at = times.iter().position(|&(count, _)| count == most)?;
        Some((&self.scenario.vms[at].name, most, times[at].1))
    }

    /// A row for each policy.
    pub fn table(&self) -> Table {
        let mut table = Table::new(&[
            "policy",
            "mixes",
            "frames",
            "overcommit",
            "median_frames",
            "median_low",
            "median_high",
            "never",
            "split",
            "breaks_first",
            "in_mixes",
            "at_tick",
        ]);
        for (at, policy) in self.question.policies.iter().enumerate() {
            let sorted = self.sorted(at);
            let finite = |frames: u64| match frames {
                u64::MAX => Cell::Empty,
                frames => Cell::Integer(frames),
            };
            let interval = median_interval(&sorted, self.confidence);
            let end = |end: Option<u64>| end.map_or(Cell::Empty, finite);
            let bound = self.bound(at);
            let overcommit = bound
                .and_then(|frames| Millionths::ratio(u128::from(self.pages()), u128::from(frames)));
            let first = self.first_to_break(at);
            table.push(vec![
                Cell::from(policy.name),
                Cell::Integer(sorted.len() as u64),
                end(bound),
                overcommit.map_or(Cell::Empty, Cell::Ratio),
                finite(sorted[(sorted.len() - 1) / 2]),
                end(interval.map(|(low, _)| low)),
                end(interval.map(|(_, high)| high)),
                Cell::Integer(sorted.iter().filter(|&&frames| frames == u64::MAX).count() as u64),
                Cell::Integer(self.of(at).filter(|need| need.is_split).count() as u64),
                first.map_or(Cell::Empty, |(vm, _, _)| Cell::from(vm)),
                first.map_or(Cell::Empty, |(_, times, _)| Cell::Integer(times)),
                first.map_or(Cell::Empty, |(_, _, at)| Cell::Integer(at)),
            ]);
        }
        table
    }

    /// A row for each policy and size: in how many mixes the limit is kept, and the metric of the
    /// worst VM of a mix.
    pub fn curve(&self) -> Table {
        let mut table = Table::new(&[
            "policy",
            "frames",
            "mixes",
            "refused",
            "kept",
            "worst_p50",
            "worst_p95",
            "worst_max",
        ]);
        for (policy, kind) in self.question.policies.iter().enumerate() {
            for (at, &frames) in self.question.sizes.iter().enumerate() {
                let trials: Vec<_> = self.of(policy).filter_map(|need| need.curve[at]).collect();
                let mut values: Vec<Millionths> =
                    trials.iter().filter_map(|trial| trial.value).collect();
                values.sort_unstable();
                let share = |percent| quantile(&values, percent).map_or(Cell::Empty, Cell::Ratio);
                table.push(vec![
                    Cell::from(kind.name),
                    Cell::Integer(frames),
                    Cell::Integer(self.needs.len() as u64),
                    Cell::Integer((self.needs.len() - trials.len()) as u64),
                    Cell::Integer(trials.iter().filter(|trial| trial.is_kept).count() as u64),
                    share(50),
                    share(95),
                    share(100),
                ]);
            }
        }
        table
    }

    /// A row for each mix and policy.
    pub fn mixes(&self) -> Table {
        let mut table = Table::new(&[
            "repetition",
            "policy",
            "pages",
            "frames",
            "split",
            "breaks_first",
            "at_tick",
        ]);
        let name = |(vm, _): (VmId, Ticks)| Cell::from(self.scenario.vms[vm.index()].name.as_str());
        for (mix, needs) in self.needs.iter().enumerate() {
            for (kind, need) in self.question.policies.iter().zip(needs) {
                table.push(vec![
                    Cell::Integer(mix as u64),
                    Cell::from(kind.name),
                    Cell::Integer(self.pages[mix]),
                    need.frames.map_or(Cell::Empty, Cell::Integer),
                    Cell::Integer(u64::from(need.is_split)),
                    need.first.map_or(Cell::Empty, name),
                    need.first.map_or(Cell::Empty, |(_, at)| Cell::Integer(at.0)),
                ]);
            }
        }
        table
    }
}
