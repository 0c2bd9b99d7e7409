//! Workloads: page accesses drawn from a seed instead of read from a file.
//!
//! [`ALL`] is the only list of them. A generator draws only from the [`Stream`] that it is given
//! and uses only integers, so its trace is the same on every machine.

mod cycle;
mod lru_stack;
mod phases;
mod scan;
mod uniform;
mod working_set;
mod zipf;

use crate::params::{Domain, Param, Settings, Value};
use crate::random::Stream;
use crate::trace::{AccessKind, Trace, TraceBuilder};
use crate::units::Decimal;

/// A kind of workload, as scenarios name it.
#[derive(Debug)]
pub struct WorkloadKind {
    /// The name in scenario files.
    pub name: &'static str,
    /// What it does, in one sentence without a full stop.
    pub summary: &'static str,
    /// Authors, title, venue and year of the model.
    pub follows: &'static str,
    /// Its parameters.
    pub params: &'static [Param],
    /// Whether it is a sequence of other workloads: they are in [`WorkloadSpec::of`], and
    /// its accesses are theirs.
    pub nests: bool,
    /// Checks parameters that are valid one by one against each other; one sentence without a full
    /// stop.
    pub(crate) check: fn(&Settings) -> Result<(), String>,
    /// Generates the accesses.
    generate: fn(&WorkloadSpec, &mut Sink<'_>),
}

/// Every workload, in the order in which they are listed.
pub const ALL: &[WorkloadKind] = &[
    uniform::KIND,
    zipf::KIND,
    scan::KIND,
    cycle::KIND,
    lru_stack::KIND,
    working_set::KIND,
    phases::KIND,
];

/// A workload with its parameters: a table such as `{ kind = "zipf", pages = 4000, alpha = 0.9,
/// accesses = 1_000_000 }`, or `{ kind = "phases", of = [ … ] }`.
#[derive(Clone, Debug)]
pub struct WorkloadSpec {
    /// The workload.
    pub kind: &'static WorkloadKind,
    /// Its parameters.
    pub settings: Settings,
    /// How many accesses it makes; 0 if it nests.
    pub accesses: u64,
    /// The phases, if it is a sequence of other workloads.
    pub of: Vec<Self>,
}

impl WorkloadSpec {
    /// How deep sequences may be nested. The nesting limit of a scenario's tables allows no more.
    pub(crate) const DEPTH_MAX: usize = 4;

    /// The most accesses of a workload: a trace may have no more runs.
    pub const ACCESSES_MAX: u64 = TraceBuilder::RUNS_MAX as u64;

    /// The accesses of the whole trace; `None` if they do not fit into 64 bits.
    pub(crate) fn accesses_total(&self) -> Option<u64> {
        if !self.kind.nests {
            return Some(self.accesses);
        }
        let round =
            self.of.iter().try_fold(0_u64, |sum, phase| sum.checked_add(phase.accesses_total()?));
        round?.checked_mul(self.settings.integer(phases::ROUNDS.name))
    }

    /// An upper estimate of the bytes written while the trace is generated and its distances are
    /// computed; `None` on overflow. Each round of a sequence counts again, so the number bounds
    /// the time too.
    ///
    /// At worst an access needs a run, a distance and a repeat distance; a page needs its number,
    /// an entry of the interner and an entry in a generator's table.
    pub(crate) fn bytes_at_most(&self) -> Option<u64> {
        const OF_ACCESS: u64 = 16;
        const OF_PAGE: u64 = 64;
        if self.kind.nests {
            let mut phases = self.of.iter();
            let round = phases.try_fold(0_u64, |sum, of| sum.checked_add(of.bytes_at_most()?));
            return round?.checked_mul(self.settings.integer(phases::ROUNDS.name));
        }
        let has_pages = self.kind.params.iter().any(|param| param.name == PAGES.name);
        let pages = if has_pages { self.settings.integer(PAGES.name) } else { self.accesses };
        self.accesses.checked_mul(OF_ACCESS)?.checked_add(pages.checked_mul(OF_PAGE)?)
    }

    /// The access at which each phase begins, except the first phase.
    pub(crate) fn phase_starts(&self) -> Vec<u64> {
        let mut starts = Vec::new();
        self.note_phases(&mut 0, &mut starts);
        starts.dedup();
        starts.retain(|&start| start > 0);
        starts
    }

    fn note_phases(&self, at: &mut u64, starts: &mut Vec<u64>) {
        starts.push(*at);
        if !self.kind.nests {
            *at += self.accesses;
            return;
        }
        for _ in 0..self.settings.integer(phases::ROUNDS.name) {
            self.of.iter().for_each(|phase| phase.note_phases(at, starts));
        }
    }

    /// Checks what the domains of single parameters cannot express: the number of accesses, and
    /// parameters that depend on each other.
    ///
    /// # Errors
    /// One sentence without a full stop.
    pub fn check(&self) -> Result<(), String> {
        self.check_at(0)?;
        let most = Self::ACCESSES_MAX;
        match self.accesses_total() {
            Some(1..) if self.accesses_total() <= Some(most) => Ok(()),
            Some(0) => Err("the workload has no access, expected at least one".to_owned()),
            _ => Err(format!("the workload has more than {most} accesses, the limit")),
        }
    }

    fn check_at(&self, depth: usize) -> Result<(), String> {
        let name = self.kind.name;
        if depth > Self::DEPTH_MAX {
            return Err(format!("workloads are nested deeper than {} levels", Self::DEPTH_MAX));
        }
        if self.kind.nests == self.of.is_empty() {
            let expected = if self.kind.nests { "at least one" } else { "none" };
            return Err(format!("{name} has {} phases, expected {expected}", self.of.len()));
        }
        (self.kind.check)(&self.settings).map_err(|why| format!("{name}: {why}"))?;
        self.of.iter().try_for_each(|phase| phase.check_at(depth + 1))
    }

    /// The trace, drawn from `stream`.
    ///
    /// # Panics
    /// If [`check`](Self::check) finds something wrong.
    ///
    /// ```
    /// use balloonist::params::Settings;
    /// use balloonist::random::{Generator, Stream};
    /// use balloonist::trace::workloads::{ALL, WorkloadSpec};
    /// let kind = ALL.iter().find(|kind| kind.name == "zipf").unwrap();
    /// let settings = Settings::defaults(kind.params);
    /// let spec = WorkloadSpec { kind, settings, accesses: 1000, of: Vec::new() };
    /// let mut stream = Stream::new(Generator::ChaCha8, 1, 0, "vm/web/workload");
    /// assert_eq!(spec.generate(&mut stream).accesses(), 1000);
    /// ```
    pub fn generate(&self, stream: &mut Stream) -> Trace {
        if let Err(why) = self.check() {
            panic!("a workload is checked before it is generated: {why}");
        }
        let mut builder = TraceBuilder::default();
        self.generate_into(stream, &mut builder);
        builder.finish()
    }

    fn generate_into(&self, stream: &mut Stream, builder: &mut TraceBuilder) {
        if self.kind.nests {
            for _ in 0..self.settings.integer(phases::ROUNDS.name) {
                self.of.iter().for_each(|phase| phase.generate_into(stream, builder));
            }
            return;
        }
        let mut sink = Sink {
            stream,
            builder,
            writes: self.settings.decimal(WRITES.name),
            first_page: self.settings.integer(FIRST_PAGE.name),
            pages: Vec::with_capacity(BATCH),
            kinds: Vec::with_capacity(BATCH),
        };
        (self.kind.generate)(self, &mut sink);
        sink.flush();
    }
}

/// Workloads are equal if they generate the same accesses from the same stream.
impl PartialEq for WorkloadSpec {
    fn eq(&self, other: &Self) -> bool {
        self.kind.name == other.kind.name
            && self.settings == other.settings
            && self.accesses == other.accesses
            && self.of == other.of
    }
}

impl Eq for WorkloadSpec {}

/// Accesses passed to the trace builder at a time, so that its lookups overlap.
const BATCH: usize = 256;

/// Where a generator puts its accesses, and the stream that it draws from.
struct Sink<'a> {
    stream: &'a mut Stream,
    builder: &'a mut TraceBuilder,
    writes: Decimal,
    first_page: u64,
    pages: Vec<u64>,
    kinds: Vec<AccessKind>,
}

impl Sink<'_> {
    /// An access to this page of the workload, counted from 0.
    #[inline]
    fn access(&mut self, page: u64) {
        self.draw_kind();
        self.put(page);
    }

    /// Draws whether the next access writes. Nothing is drawn if that is certain.
    #[inline]
    fn draw_kind(&mut self) {
        let Decimal { digits, .. } = self.writes;
        let denominator = self.writes.denominator();
        let write =
            digits > 0 && (digits == denominator || self.stream.below(denominator) < digits);
        self.kinds.push(if write { AccessKind::Store } else { AccessKind::Load });
    }

    /// Sets the page of the first access that has none yet.
    #[inline]
    fn put(&mut self, page: u64) {
        self.pages.push(self.first_page + page);
        if self.pages.len() == BATCH {
            self.flush();
        }
    }

    fn flush(&mut self) {
        self.builder.extend_u64(&self.pages);
        self.builder.extend_kinds(&self.kinds);
        self.pages.clear();
        self.kinds.clear();
    }
}

/// The parameter of every workload that does not nest: the share of accesses that write.
const WRITES: Param = Param {
    name: "writes",
    doc: "share of the accesses that write; the rest read",
    domain: Domain::Decimal { min: whole(0), max: whole(1) },
    default: Value::Decimal(whole(0)),
};

/// The parameter of every workload that does not nest: where its pages begin.
const FIRST_PAGE: Param = Param {
    name: "first_page",
    doc: "number of the first page, so that phases can use pages of their own",
    domain: Domain::Integer { min: 0, max: 1 << 52 },
    default: Value::Integer(0),
};

/// The parameter of the workloads that use a fixed set of pages.
const PAGES: Param = Param {
    name: "pages",
    doc: "number of pages; our default is small",
    domain: Domain::Integer { min: 1, max: 1 << 26 },
    default: Value::Integer(1024),
};

const fn whole(number: u64) -> Decimal {
    Decimal { digits: number, places: 0 }
}

#[cfg(test)]
mod tests;
