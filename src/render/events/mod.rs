//! The event log: what happened in a run, event by event, for other programs and for the eye.
//!
//! The events are arrivals, departures, waiting and refusals, moves of frames, checkpoints with
//! what the policy saw and decided, and, where they are asked for, all accesses in their true
//! order. [`jsonl`] and [`text`] write lines for each as it happens and keep nothing; [`perfetto`]
//! keeps a bounded timeline and writes it at the end.

pub mod jsonl;
pub mod perfetto;
pub mod text;

use std::io::{self, Write};

use crate::account::{Outcome, Refusal};
use crate::balance::PolicyKind;
use crate::host::Change;
use crate::render::walk::gone;
use crate::replace::List;
use crate::scenario::Scenario;
use crate::units::{Frames, Page, Ticks, VmId};
use crate::watch;
use crate::watch::{Arrival, Checkpoint, Moved, Watcher};

/// How events are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// A JSON object on each line.
    Jsonl,
    /// A sentence on each line.
    Text,
    /// A timeline in the Chrome trace event format, for the Perfetto UI.
    Perfetto,
}

impl Format {
    /// All formats with their names.
    pub const ALL: &'static [(&'static str, Self)] =
        &[("jsonl", Self::Jsonl), ("text", Self::Text), ("perfetto", Self::Perfetto)];

    /// The format that a file's extension stands for.
    pub fn of_extension(extension: &str) -> Option<Self> {
        match extension {
            "jsonl" | "ndjson" => Some(Self::Jsonl),
            "txt" | "log" => Some(Self::Text),
            "json" => Some(Self::Perfetto),
            _ => None,
        }
    }
}

/// What happened, at one tick.
pub enum Event<'a> {
    /// A VM that arrived waits for its minimum.
    Wait(VmId),
    /// A VM was refused, or gave up waiting; so many frames were left.
    Refuse(VmId, Frames),
    /// A VM started with an allocation, and others may have shrunk for it.
    Arrive(VmId, Frames, &'a [Change]),
    /// Allocations changed outside checkpoints; so many frames are in flight now.
    Move(&'a [Change], Frames),
    /// A VM left its frames behind.
    Depart(VmId, Frames),
    /// A VM made an access.
    Access(Touch),
    /// The policy looked and decided.
    Checkpoint(&'a Checkpoint<'a>),
}

/// One access and what came of it.
pub struct Touch {
    /// The VM.
    pub vm: VmId,
    /// The access's position in the VM's trace.
    pub position: u64,
    /// The page.
    pub page: Page,
    /// What came of it.
    pub outcome: Touched,
    /// Whether it was the first access ever to the page.
    pub cold: bool,
}

/// What came of an access.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Touched {
    /// The page was resident.
    Hit,
    /// It came into an empty frame.
    Fill,
    /// It came into the frame of this page.
    Evicts(Page),
}

impl Touch {
    /// Reads it from one access that was shown, and from the VM's lists before and after it.
    pub(super) fn of(
        scenario: &Scenario,
        access: &watch::Access<'_>,
        before: &[List],
        after: &[List],
    ) -> Self {
        let trace = &scenario.vms[access.vm.index()].trace;
        let numbers = trace.numbers();
        let outcome = if access.counts.replacement_misses > 0 {
            let evicted = gone(before, after).pop().expect("a replacement miss evicts a page");
            Touched::Evicts(numbers[evicted as usize])
        } else if access.counts.demand_faults > 0 {
            Touched::Fill
        } else {
            Touched::Hit
        };
        Self {
            vm: access.vm,
            position: access.position,
            page: numbers[trace.page(access.position) as usize],
            outcome,
            cold: access.counts.cold_faults > 0,
        }
    }
}

/// Writes the events of a run.
pub struct Log<'a, W> {
    scenario: &'a Scenario,
    accesses: bool,
    /// Each VM's lists, where accesses are written: who went is what is gone from them.
    lists: Vec<Vec<List>>,
    style: Style,
    out: W,
    /// The first error in writing; nothing is written after it.
    written: io::Result<()>,
}

enum Style {
    Lines { event: fn(&Scenario, Ticks, &Event<'_>) -> String, end: fn(&Outcome) -> String },
    Timeline(perfetto::Timeline),
}

impl<'a, W: Write> Log<'a, W> {
    /// Begins the log of a run of `scenario` under `policy`; `accesses` are of the lines alone.
    pub fn new(
        scenario: &'a Scenario,
        policy: &PolicyKind,
        format: Format,
        accesses: bool,
        out: W,
    ) -> Self {
        let (style, first) = match format {
            Format::Jsonl => (
                Style::Lines { event: jsonl::line, end: jsonl::last },
                jsonl::first(scenario, policy),
            ),
            Format::Text => (
                Style::Lines { event: text::lines, end: text::last },
                text::first(scenario, policy),
            ),
            Format::Perfetto => {
                (Style::Timeline(perfetto::Timeline::new(scenario, policy)), String::new())
            }
        };
        let accesses = accesses && format != Format::Perfetto;
        let lists = vec![Vec::new(); scenario.vms.len()];
        let mut log = Self { scenario, accesses, lists, style, out, written: Ok(()) };
        log.write(&first);
        log
    }

    /// Ends the log and gives the writer back.
    ///
    /// # Errors
    /// The first error of the writer; nothing was written after it.
    pub fn finish(mut self, outcome: &Outcome) -> io::Result<W> {
        let last = match &mut self.style {
            Style::Lines { end, .. } => end(outcome),
            Style::Timeline(timeline) => timeline.finish(outcome),
        };
        self.write(&last);
        self.written?;
        self.out.flush()?;
        Ok(self.out)
    }

    fn write(&mut self, text: &str) {
        if self.written.is_ok() {
            self.written = self.out.write_all(text.as_bytes());
        }
    }

    fn note(&mut self, at: Ticks, event: &Event<'_>) {
        let text = match &mut self.style {
            Style::Lines { event: line, .. } => line(self.scenario, at, event),
            Style::Timeline(timeline) => return timeline.note(at, event),
        };
        self.write(&text);
    }
}

impl<W: Write> Watcher for Log<'_, W> {
    fn wants_accesses(&self) -> bool {
        self.accesses && self.written.is_ok()
    }

    fn wait(&mut self, at: Ticks, vm: VmId) {
        self.note(at, &Event::Wait(vm));
    }

    fn refuse(&mut self, vm: VmId, Refusal { at, left }: Refusal) {
        self.note(at, &Event::Refuse(vm, left));
    }

    fn arrive(&mut self, arrival: &Arrival<'_>) {
        let Arrival { at, vm, allocation, shrunk, .. } = *arrival;
        if self.accesses {
            for vm in shrunk.iter().map(|change| change.vm).chain([vm]) {
                self.lists[vm.index()] = arrival.replacement(vm).lists();
            }
        }
        self.note(at, &Event::Arrive(vm, allocation, shrunk));
    }

    fn moved(&mut self, moved: &Moved<'_>) {
        if self.accesses {
            for change in moved.changes {
                self.lists[change.vm.index()] = moved.replacement(change.vm).lists();
            }
        }
        self.note(moved.at, &Event::Move(moved.changes, moved.in_flight));
    }

    fn depart(&mut self, at: Ticks, vm: VmId, allocation: Frames) {
        self.note(at, &Event::Depart(vm, allocation));
    }

    fn access(&mut self, access: &watch::Access<'_>) {
        let after = access.replacement.lists();
        let before = &self.lists[access.vm.index()];
        let touch = Touch::of(self.scenario, access, before, &after);
        self.lists[access.vm.index()] = after;
        self.note(access.at, &Event::Access(touch));
    }

    fn checkpoint(&mut self, checkpoint: &Checkpoint<'_>) {
        if self.accesses {
            for change in checkpoint.changes {
                self.lists[change.vm.index()] = checkpoint.replacement(change.vm).lists();
            }
        }
        self.note(checkpoint.view.at, &Event::Checkpoint(checkpoint));
    }
}
