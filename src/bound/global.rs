//! One replacement algorithm over the pages of all VMs, with all frames of the host.
//!
//! *Idea.* A hypervisor that pages for itself may take any page of any guest. How near it comes to
//! MIN depends on its algorithm alone: there are no targets, and no frame belongs to a VM.
//! *Departs.* The accesses are made at the VMs' nominal pace, as for all bounds; a VM that departs
//! frees its pages.
//! *Cost.* One replay of all accesses for each algorithm, one by one: the pages of a visit are not
//! handled together, since most algorithms may evict a page between two accesses to it.
//! *Parameters.* The algorithm's, at their defaults.

use std::sync::Arc;

use super::merged::{self, What};
use super::pace::Pace;
use crate::params::Settings;
use crate::random::{Generator, Stream};
use crate::replace::{Delays, Guest, ReplacementKind, Stretch};
use crate::scenario::Scenario;
use crate::trace::tempo::Tempo;
use crate::trace::{Trace, TraceBuilder};
use crate::units::{Page, Ticks};

/// The accesses of all VMs as one trace.
pub struct Global<'a> {
    scenario: &'a Scenario,
    trace: Arc<Trace>,
    /// Stretches of accesses that count and that do not, in turn; the first do.
    stretches: Vec<u64>,
}

impl<'a> Global<'a> {
    /// An upper bound on the bytes that the merged trace of a scenario takes.
    ///
    /// # Errors
    /// If a trace is reduced: what it would have done in few frames is not known.
    pub fn bytes(scenario: &Scenario) -> Result<u64, String> {
        if let Some(vm) = super::reduced(scenario) {
            return Err(format!("the trace of `{}` is reduced", vm.name));
        }
        // A page and bits for each access; numbers, tables and frees for each page.
        let accesses: u64 = Pace::of_all(scenario).iter().map(|pace| pace.accesses).sum();
        Ok(accesses.saturating_mul(10).saturating_add(64 * merged::pages(scenario) as u64))
    }

    /// Merges the accesses of a scenario's VMs; their kinds are kept if all have kinds.
    ///
    /// # Errors
    /// As [`bytes`](Self::bytes), or if there are more accesses together than a trace may have.
    pub fn new(scenario: &'a Scenario) -> Result<Self, String> {
        Self::bytes(scenario)?;
        let paces = Pace::of_all(scenario);
        let bases = merged::page_bases(scenario);
        let has_kinds = scenario.vms.iter().all(|vm| vm.trace.has_kinds());
        let (mut builder, mut stretches) = (TraceBuilder::default(), vec![0]);
        for event in merged::accesses(scenario, &paces) {
            let (base, end) = (u64::from(bases[event.vm]), u64::from(bases[event.vm + 1]));
            let trace = &scenario.vms[event.vm].trace;
            let What::Touch { visit, counts } = event.what else {
                builder.free_range(base..=end - 1);
                continue;
            };
            if counts == (stretches.len() % 2 == 0) {
                stretches.push(0);
            }
            *stretches.last_mut().expect("it has a first") += 1;
            let (page, at) = (Page(base + u64::from(visit.page)), visit.last % trace.accesses());
            match trace.kind(at).filter(|_| has_kinds) {
                Some(kind) => builder.push_kind(page, kind),
                None => builder.push(page),
            }
            if trace.has_frees() {
                for &page in trace.freed_after(at) {
                    builder.free(Page(base + u64::from(page)));
                }
            }
        }
        if builder.overflowed() {
            return Err("the VMs have too many accesses or pages together".to_owned());
        }
        Ok(Self { scenario, trace: Arc::new(builder.finish()), stretches })
    }

    /// The demand faults of an algorithm, without the warm-up.
    pub fn faults(&self, kind: &ReplacementKind) -> u64 {
        let Scenario { seed, repetition, host, .. } = self.scenario;
        let draw = || Stream::new(Generator::ChaCha8, *seed, *repetition, "bound/global");
        let guest = Guest {
            trace: &self.trace,
            frames: host.memory,
            draw: &draw,
            counts_write_backs: false,
            tiers: &[],
            backing: None,
            shares: None,
        };
        let mut algorithm =
            (kind.build)(&Settings::defaults_on(kind.params, host.page_size), &guest);
        let (mut from, mut faults) = (0, 0);
        for (at, &accesses) in self.stretches.iter().enumerate() {
            if accesses > 0 {
                let budget = Ticks(accesses);
                let (tempo, delays) = (Tempo::default(), Delays::default());
                let stretch =
                    Stretch { from, first_pass: true, budget, most: u64::MAX, tempo, delays };
                let counts = algorithm.run(stretch);
                from += accesses;
                faults += if at % 2 == 0 { counts.demand_faults } else { 0 };
            }
        }
        faults
    }
}
